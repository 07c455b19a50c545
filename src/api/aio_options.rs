//! Option mode without waiting: each call sends an option and returns.  The
//! program then drives the handle until it is no longer connecting.
//!
//! The result of the option is passed to the completion callback.

use super::arguments::ToTexts;
use super::callbacks::{CompletionCallback, ContextCallback, ListCallback};
use super::functions;
use crate::callback::Completion;
use crate::negotiation::OptionRequest;

functions! {
    /// Like [`Handle::opt_go`](Self::opt_go), without waiting.
    aio_opt_go(completion_callback: CompletionCallback),
        |client| client.start_option(OptionRequest::Go, completion_callback);
    /// Like [`Handle::opt_info`](Self::opt_info), without waiting.
    aio_opt_info(completion_callback: CompletionCallback),
        |client| client.start_option(OptionRequest::Info, completion_callback);
    /// Like [`Handle::opt_abort`](Self::opt_abort), without waiting.
    aio_opt_abort(),
        |client| client.start_option(OptionRequest::Abort, Completion::none());
    /// Like [`Handle::opt_list`](Self::opt_list), without waiting.
    aio_opt_list(
        list_callback: ListCallback<'static>, completion_callback: CompletionCallback
    ), |client| {
        client.start_option(OptionRequest::List(list_callback.into()), completion_callback)
    };
    /// Like [`Handle::opt_starttls`](Self::opt_starttls), without waiting.
    aio_opt_starttls(completion_callback: CompletionCallback),
        |client| client.start_option(OptionRequest::StartTls, completion_callback);
    /// Like [`Handle::opt_extended_headers`](Self::opt_extended_headers),
    /// without waiting.
    aio_opt_extended_headers(completion_callback: CompletionCallback),
        |client| client.start_option(OptionRequest::ExtendedHeaders, completion_callback);
    /// Like [`Handle::opt_structured_reply`](Self::opt_structured_reply),
    /// without waiting.
    aio_opt_structured_reply(completion_callback: CompletionCallback),
        |client| client.start_option(OptionRequest::StructuredReplies, completion_callback);
    /// Like [`Handle::opt_list_meta_context`](Self::opt_list_meta_context),
    /// without waiting.
    aio_opt_list_meta_context(
        context_callback: ContextCallback<'static>, completion_callback: CompletionCallback
    ), |client| {
        let queries = client.settings.handshake.contexts.clone();
        let request = OptionRequest::ListContexts(queries, context_callback.into());
        client.start_option(request, completion_callback)
    };
    /// Like
    /// [`Handle::opt_list_meta_context_queries`](Self::opt_list_meta_context_queries),
    /// without waiting.
    aio_opt_list_meta_context_queries(
        queries: impl ToTexts,
        context_callback: ContextCallback<'static>,
        completion_callback: CompletionCallback
    ), |client| {
        let request = OptionRequest::ListContexts(queries, context_callback.into());
        client.start_option(request, completion_callback)
    };
    /// Like [`Handle::opt_set_meta_context`](Self::opt_set_meta_context),
    /// without waiting.
    aio_opt_set_meta_context(
        context_callback: ContextCallback<'static>, completion_callback: CompletionCallback
    ), |client| {
        let queries = client.settings.handshake.contexts.clone();
        let request = OptionRequest::SetContexts(queries, context_callback.into());
        client.start_option(request, completion_callback)
    };
    /// Like
    /// [`Handle::opt_set_meta_context_queries`](Self::opt_set_meta_context_queries),
    /// without waiting.
    aio_opt_set_meta_context_queries(
        queries: impl ToTexts,
        context_callback: ContextCallback<'static>,
        completion_callback: CompletionCallback
    ), |client| {
        let request = OptionRequest::SetContexts(queries, context_callback.into());
        client.start_option(request, completion_callback)
    };
}
