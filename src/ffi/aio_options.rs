//! Option mode without waiting: each call sends an option and returns. The
//! program then drives the handle until it is no longer connecting.
//!
//! How the option ended, the completion callback learns: `*error` is 0, or the
//! errno of the failure. Its return value is ignored, and it may be left out
//! with `NBD_NULL_COMPLETION`. Both closures are freed when the option has
//! ended, or before the call returns if it fails. An option that is still under
//! way when the handle is closed ends with `ENOTCONN`.

use std::ffi::{c_char, c_int};

use super::arguments::texts;
use super::callbacks::{nbd_completion_callback, nbd_context_callback, nbd_list_callback};
use super::guard::call;
use super::registry::nbd_handle;

/// Starts to ask for the export and to end the negotiation.
///
/// See `nbd_opt_go`. On success the handle becomes connected. `*error` is never
/// 0 after a refusal: where the reason has no errno it is `ENOTSUP`.
///
/// Returns: 0 once the option is on its way, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is not waiting in option mode.
///
/// States: negotiating.
/// Since: 1.4.
/// See also: `nbd_opt_go`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_GO` and `NBD_OPT_EXPORT_NAME`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_opt_go(
    h: *mut nbd_handle,
    completion_callback: nbd_completion_callback,
) -> c_int {
    let completion_callback = completion_callback.own();
    call!(h, aio_opt_go(completion_callback))
}

/// Starts to ask the server to describe the export.
///
/// See `nbd_opt_info`. `*error` is never 0 after a refusal: where the reason
/// has no errno it is `ENOTSUP`.
///
/// Returns: 0 once the option is on its way, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is not waiting in option mode.
/// - `ENOTSUP`: the server negotiates no options; nothing was sent.
///
/// States: negotiating.
/// Since: 1.4.
/// See also: `nbd_is_read_only`, `nbd_opt_info`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_INFO`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_opt_info(
    h: *mut nbd_handle,
    completion_callback: nbd_completion_callback,
) -> c_int {
    let completion_callback = completion_callback.own();
    call!(h, aio_opt_info(completion_callback))
}

/// Starts to end the negotiation and the connection in order.
///
/// See `nbd_opt_abort`. There is no completion: the handle becomes closed.
///
/// Returns: 0 once the option is on its way, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is not waiting in option mode.
///
/// States: negotiating.
/// Since: 1.4.
/// See also: `nbd_opt_abort`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_ABORT`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_opt_abort(h: *mut nbd_handle) -> c_int {
    call!(h, aio_opt_abort())
}

/// Starts to list the exports of the server.
///
/// See `nbd_opt_list`. `list_callback` runs once for each export, before the
/// completion.
///
/// Returns: 0 once the option is on its way, or -1 on failure.
/// Errors:
/// - `EFAULT`: `list_callback` has neither `callback` nor `free`.
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is not waiting in option mode.
/// - `ENOTSUP`: the server negotiates no options; nothing was sent.
///
/// States: negotiating.
/// Since: 1.4.
/// See also: `nbd_opt_list`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_LIST`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_opt_list(
    h: *mut nbd_handle,
    list_callback: nbd_list_callback,
    completion_callback: nbd_completion_callback,
) -> c_int {
    let list_callback = list_callback.own();
    let completion_callback = completion_callback.own();
    call!(h, aio_opt_list(list_callback, completion_callback))
}

/// Starts to ask the server to encrypt the connection.
///
/// See `nbd_opt_starttls`. After a refusal `*error` is `ENOTSUP`, or `EINVAL`
/// if the server found the request invalid.
///
/// Returns: 0 once the option is on its way, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is not waiting in option mode.
/// - `ENOTSUP`: the server negotiates no options; nothing was sent.
///
/// States: negotiating.
/// Since: 1.16.
/// See also: `nbd_opt_starttls`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_STARTTLS`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_opt_starttls(
    h: *mut nbd_handle,
    completion_callback: nbd_completion_callback,
) -> c_int {
    let completion_callback = completion_callback.own();
    call!(h, aio_opt_starttls(completion_callback))
}

/// Starts to ask the server for extended headers.
///
/// See `nbd_opt_extended_headers`. After a refusal `*error` is `ENOTSUP`, or
/// `EINVAL` if the server found the request invalid.
///
/// Returns: 0 once the option is on its way, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is not waiting in option mode.
/// - `ENOTSUP`: the server negotiates no options; nothing was sent.
///
/// States: negotiating.
/// Since: 1.18.
/// See also: `nbd_opt_extended_headers`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_EXTENDED_HEADERS`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_opt_extended_headers(
    h: *mut nbd_handle,
    completion_callback: nbd_completion_callback,
) -> c_int {
    let completion_callback = completion_callback.own();
    call!(h, aio_opt_extended_headers(completion_callback))
}

/// Starts to ask the server for structured replies.
///
/// See `nbd_opt_structured_reply`. After a refusal `*error` is `ENOTSUP`, or
/// `EINVAL` if the server found the request invalid.
///
/// Returns: 0 once the option is on its way, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is not waiting in option mode.
/// - `ENOTSUP`: the server negotiates no options; nothing was sent.
///
/// States: negotiating.
/// Since: 1.16.
/// See also: `nbd_opt_structured_reply`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_STRUCTURED_REPLY`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_opt_structured_reply(
    h: *mut nbd_handle,
    completion_callback: nbd_completion_callback,
) -> c_int {
    let completion_callback = completion_callback.own();
    call!(h, aio_opt_structured_reply(completion_callback))
}

/// Starts to ask which meta contexts the server has, by the list of
/// `nbd_add_meta_context`.
///
/// See `nbd_opt_list_meta_context`. `context_callback` runs once for each
/// context, before the completion.
///
/// Returns: 0 once the option is on its way, or -1 on failure.
/// Errors:
/// - `EFAULT`: `context_callback` has neither `callback` nor `free`.
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is not waiting in option mode.
/// - `ENOTSUP`: the server negotiates no options; nothing was sent.
///
/// States: negotiating.
/// Since: 1.6.
/// See also: `nbd_aio_opt_list_meta_context_queries`,
///   `nbd_opt_list_meta_context`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_LIST_META_CONTEXT`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_opt_list_meta_context(
    h: *mut nbd_handle,
    context_callback: nbd_context_callback,
    completion_callback: nbd_completion_callback,
) -> c_int {
    let context_callback = context_callback.own();
    let completion_callback = completion_callback.own();
    call!(
        h,
        aio_opt_list_meta_context(context_callback, completion_callback)
    )
}

/// Starts to ask which meta contexts the server has, by a list of queries.
///
/// See `nbd_opt_list_meta_context_queries`; `queries` is copied.
/// `context_callback` runs once for each context, before the completion.
///
/// Returns: 0 once the option is on its way, or -1 on failure.
/// Errors:
/// - `EFAULT`: `queries` is `NULL`, or `context_callback` has neither
///   `callback` nor `free`.
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is not waiting in option mode.
/// - `ENOTSUP`: the server negotiates no options; nothing was sent.
///
/// States: negotiating.
/// Since: 1.16.
/// See also: `nbd_aio_opt_list_meta_context`,
///   `nbd_opt_list_meta_context_queries`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_LIST_META_CONTEXT`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_opt_list_meta_context_queries(
    h: *mut nbd_handle,
    queries: *mut *mut c_char,
    context_callback: nbd_context_callback,
    completion_callback: nbd_completion_callback,
) -> c_int {
    let context_callback = context_callback.own();
    let completion_callback = completion_callback.own();
    // SAFETY: `queries` is a list of strings, or null.
    let queries = unsafe { texts(queries) };
    call!(
        h,
        aio_opt_list_meta_context_queries(queries, context_callback, completion_callback)
    )
}

/// Starts to select meta contexts by the list of `nbd_add_meta_context`.
///
/// See `nbd_opt_set_meta_context`. `context_callback` runs once for each
/// context, before the completion.
///
/// Returns: 0 once the option is on its way, or -1 on failure.
/// Errors:
/// - `EFAULT`: `context_callback` has neither `callback` nor `free`.
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is not waiting in option mode.
/// - `ENOTSUP`: the server negotiates no options; nothing was sent.
///
/// States: negotiating.
/// Since: 1.16.
/// See also: `nbd_aio_opt_set_meta_context_queries`,
///   `nbd_opt_set_meta_context`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_SET_META_CONTEXT`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_opt_set_meta_context(
    h: *mut nbd_handle,
    context_callback: nbd_context_callback,
    completion_callback: nbd_completion_callback,
) -> c_int {
    let context_callback = context_callback.own();
    let completion_callback = completion_callback.own();
    call!(
        h,
        aio_opt_set_meta_context(context_callback, completion_callback)
    )
}

/// Starts to select meta contexts by a list of queries.
///
/// See `nbd_opt_set_meta_context_queries`; `queries` is copied.
/// `context_callback` runs once for each context, before the completion.
///
/// Returns: 0 once the option is on its way, or -1 on failure.
/// Errors:
/// - `EFAULT`: `queries` is `NULL`, or `context_callback` has neither
///   `callback` nor `free`.
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is not waiting in option mode.
/// - `ENOTSUP`: the server negotiates no options; nothing was sent.
///
/// States: negotiating.
/// Since: 1.16.
/// See also: `nbd_aio_opt_set_meta_context`,
///   `nbd_opt_set_meta_context_queries`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_SET_META_CONTEXT`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_opt_set_meta_context_queries(
    h: *mut nbd_handle,
    queries: *mut *mut c_char,
    context_callback: nbd_context_callback,
    completion_callback: nbd_completion_callback,
) -> c_int {
    let context_callback = context_callback.own();
    let completion_callback = completion_callback.own();
    // SAFETY: `queries` is a list of strings, or null.
    let queries = unsafe { texts(queries) };
    call!(
        h,
        aio_opt_set_meta_context_queries(queries, context_callback, completion_callback)
    )
}
