//! Option mode: the negotiation, one option at a time; see
//! [`Handle::set_opt_mode`](crate::Handle::set_opt_mode).
//!
//! These calls send an option and wait for the reply.  Unless the connection
//! ends, the handle is negotiating again afterwards.

use super::arguments::ToTexts;
use super::callbacks::{ContextCallback, ListCallback};
use super::{functions, waiting_functions};
use crate::negotiation::OptionRequest;

functions! {
    /// Opens the export and ends the negotiation.
    opt_go(), |client| client.option(OptionRequest::Go).map(drop);
    /// Requests information about the export without opening it.
    opt_info(), |client| client.option(OptionRequest::Info).map(drop);
    /// Ends the negotiation and the connection.
    opt_abort(), |client| client.abort();
}

waiting_functions! {
    /// Lists the exports of the server, and returns how many there are.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let mut config = embedded_server::Config::default();
    /// # config.exports = vec![embedded_server::Export {
    /// #     name: "disk".to_owned(), description: "a disk".to_owned() }];
    /// # let (socket, server) = embedded_server::spawn_on_socketpair(config)?;
    /// let handle = libnbd::Handle::new();
    /// handle.set_opt_mode(true)?;
    /// handle.connect_socket(socket)?;
    /// let mut exports = Vec::new();
    /// handle.opt_list(libnbd::ListCallback::new(|name, _description| {
    ///     exports.push(name.to_owned());
    /// }))?;
    /// handle.set_export_name(&exports[0])?;
    /// handle.opt_go()?;
    /// # drop(handle); drop(server);
    /// # Ok(())
    /// # }
    /// ```
    opt_list(=> list_callback: ListCallback) -> i32, |client| {
        client.option(OptionRequest::List(list_callback.into())).map(counted)
    };
}

functions! {
    /// Requests TLS, and returns whether the server has accepted it.
    opt_starttls() -> bool,
        |client| client.option_accepted(OptionRequest::StartTls);
    /// Requests extended headers, and returns whether the server has accepted
    /// them.
    opt_extended_headers() -> bool,
        |client| client.option_accepted(OptionRequest::ExtendedHeaders);
    /// Requests structured replies, and returns whether the server has accepted
    /// them.
    opt_structured_reply() -> bool,
        |client| client.option_accepted(OptionRequest::StructuredReplies);
}

waiting_functions! {
    /// Lists the meta contexts of the export that match those of the handle,
    /// and returns how many there are.
    opt_list_meta_context(=> context_callback: ContextCallback) -> i32, |client| {
        let queries = client.settings.handshake.contexts.clone();
        let request = OptionRequest::ListContexts(queries, context_callback.into());
        client.option(request).map(counted)
    };
    /// Lists the meta contexts of the export that match the queries, and
    /// returns how many there are.
    opt_list_meta_context_queries(
        queries: impl ToTexts => context_callback: ContextCallback
    ) -> i32, |client| {
        let request = OptionRequest::ListContexts(queries, context_callback.into());
        client.option(request).map(counted)
    };
    /// Selects the meta contexts of the handle, and returns how many the server
    /// has selected.
    opt_set_meta_context(=> context_callback: ContextCallback) -> i32, |client| {
        let queries = client.settings.handshake.contexts.clone();
        let request = OptionRequest::SetContexts(queries, context_callback.into());
        client.option(request).map(counted)
    };
    /// Selects the meta contexts that match the queries, and returns how many
    /// the server has selected.
    opt_set_meta_context_queries(
        queries: impl ToTexts => context_callback: ContextCallback
    ) -> i32, |client| {
        let request = OptionRequest::SetContexts(queries, context_callback.into());
        client.option(request).map(counted)
    };
}

fn counted(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
