//! Option mode without waiting: each call sends an option and returns. The
//! program then drives the handle until it is no longer connecting.
//!
//! The completion callback learns how the option ended: `*error` is 0 or the
//! errno of the failure. Its return value is ignored, and it may be left out
//! with `NBD_NULL_COMPLETION`. Both callbacks are freed when the option has
//! ended, or before the call returns if it fails. An option that is still in
//! progress when the handle is closed ends with `ENOTCONN`.

use std::ffi::{c_char, c_int};

use super::callbacks::{nbd_completion_callback, nbd_context_callback, nbd_list_callback};
use super::guard::call;
use super::registry::nbd_handle;

/// Starts to request the export and to end the negotiation.
///
/// See `nbd_opt_go`. On success the handle becomes connected. After a refusal
/// `*error` is never 0: if the reason has no errno, it is `ENOTSUP`.
///
/// See also: `nbd_opt_go`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_GO` and `NBD_OPT_EXPORT_NAME`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_opt_go(
    h: *mut nbd_handle,
    completion_callback: nbd_completion_callback,
) -> c_int {
    call!(h, aio_opt_go(completion_callback))
}

/// Starts to request a description of the export.
///
/// See `nbd_opt_info`. After a refusal `*error` is never 0: if the reason has
/// no errno, it is `ENOTSUP`.
///
/// See also: `nbd_is_read_only`, `nbd_opt_info`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_INFO`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_opt_info(
    h: *mut nbd_handle,
    completion_callback: nbd_completion_callback,
) -> c_int {
    call!(h, aio_opt_info(completion_callback))
}

/// Starts to end the negotiation and the connection in order.
///
/// See `nbd_opt_abort`. There is no completion: the handle becomes closed.
///
/// See also: `nbd_opt_abort`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_ABORT`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_opt_abort(h: *mut nbd_handle) -> c_int {
    call!(h, aio_opt_abort())
}

/// Starts to list the exports of the server.
///
/// See `nbd_opt_list`. `list_callback` runs once for each export, before the
/// completion.
///
/// See also: `nbd_opt_list`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_LIST`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_opt_list(
    h: *mut nbd_handle,
    list_callback: nbd_list_callback,
    completion_callback: nbd_completion_callback,
) -> c_int {
    call!(h, aio_opt_list(list_callback, completion_callback))
}

/// Starts to request encryption of the connection.
///
/// See `nbd_opt_starttls`. After a refusal `*error` is `ENOTSUP`, or `EINVAL`
/// if the server considers the request invalid.
///
/// See also: `nbd_opt_starttls`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_STARTTLS`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_opt_starttls(
    h: *mut nbd_handle,
    completion_callback: nbd_completion_callback,
) -> c_int {
    call!(h, aio_opt_starttls(completion_callback))
}

/// Starts to request extended headers.
///
/// See `nbd_opt_extended_headers`. After a refusal `*error` is `ENOTSUP`, or
/// `EINVAL` if the server considers the request invalid.
///
/// See also: `nbd_opt_extended_headers`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_EXTENDED_HEADERS`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_opt_extended_headers(
    h: *mut nbd_handle,
    completion_callback: nbd_completion_callback,
) -> c_int {
    call!(h, aio_opt_extended_headers(completion_callback))
}

/// Starts to request structured replies.
///
/// See `nbd_opt_structured_reply`. After a refusal `*error` is `ENOTSUP`, or
/// `EINVAL` if the server considers the request invalid.
///
/// See also: `nbd_opt_structured_reply`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_STRUCTURED_REPLY`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_opt_structured_reply(
    h: *mut nbd_handle,
    completion_callback: nbd_completion_callback,
) -> c_int {
    call!(h, aio_opt_structured_reply(completion_callback))
}

/// Starts to list the meta contexts that match the list of
/// `nbd_add_meta_context`.
///
/// See `nbd_opt_list_meta_context`. `context_callback` runs once for each
/// context, before the completion.
///
/// See also: `nbd_aio_opt_list_meta_context_queries`,
///   `nbd_opt_list_meta_context`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_LIST_META_CONTEXT`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_opt_list_meta_context(
    h: *mut nbd_handle,
    context_callback: nbd_context_callback,
    completion_callback: nbd_completion_callback,
) -> c_int {
    call!(
        h,
        aio_opt_list_meta_context(context_callback, completion_callback)
    )
}

/// Starts to list the meta contexts that match some queries.
///
/// See `nbd_opt_list_meta_context_queries`; `queries` is copied.
/// `context_callback` runs once for each context, before the completion.
///
/// See also: `nbd_aio_opt_list_meta_context`,
///   `nbd_opt_list_meta_context_queries`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_LIST_META_CONTEXT`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_opt_list_meta_context_queries(
    h: *mut nbd_handle,
    queries: *mut *mut c_char,
    context_callback: nbd_context_callback,
    completion_callback: nbd_completion_callback,
) -> c_int {
    call!(
        h,
        aio_opt_list_meta_context_queries(queries, context_callback, completion_callback)
    )
}

/// Starts to select the meta contexts in the list of `nbd_add_meta_context`.
///
/// See `nbd_opt_set_meta_context`. `context_callback` runs once for each
/// context, before the completion.
///
/// See also: `nbd_aio_opt_set_meta_context_queries`,
///   `nbd_opt_set_meta_context`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_SET_META_CONTEXT`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_opt_set_meta_context(
    h: *mut nbd_handle,
    context_callback: nbd_context_callback,
    completion_callback: nbd_completion_callback,
) -> c_int {
    call!(
        h,
        aio_opt_set_meta_context(context_callback, completion_callback)
    )
}

/// Starts to select the meta contexts that match some queries.
///
/// See `nbd_opt_set_meta_context_queries`; `queries` is copied.
/// `context_callback` runs once for each context, before the completion.
///
/// See also: `nbd_aio_opt_set_meta_context`,
///   `nbd_opt_set_meta_context_queries`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_SET_META_CONTEXT`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_opt_set_meta_context_queries(
    h: *mut nbd_handle,
    queries: *mut *mut c_char,
    context_callback: nbd_context_callback,
    completion_callback: nbd_completion_callback,
) -> c_int {
    call!(
        h,
        aio_opt_set_meta_context_queries(queries, context_callback, completion_callback)
    )
}
