//! Option mode: the negotiation, one option at a time. See `nbd_set_opt_mode`.
//!
//! These calls send an option and wait for the answer. Unless the connection
//! ends, the handle is negotiating again afterwards, and another option can
//! follow.

use std::ffi::{c_char, c_int};

use super::arguments::texts;
use super::callbacks::{nbd_context_callback, nbd_list_callback};
use super::guard::wait;
use super::registry::nbd_handle;

/// Asks for the export and ends the negotiation.
///
/// If `nbd_set_request_meta_context` is on, the meta contexts of the list are
/// selected first. A server that does not know the option is asked by the older
/// option that has no answer for refusal but to close the connection.
///
/// If the server refuses, the name of the export and the server's words are in
/// the error message, the handle is negotiating again, and another export can
/// be tried. Success makes the handle connected.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is not waiting in option mode.
/// - `ENOTSUP`: the server does not know the option, or demands TLS first.
/// - `ENOENT`: the server has no such export.
/// - `EINVAL`: the server found the request invalid, or demands that block
///   sizes are asked for.
/// - `ESHUTDOWN`: the server is shutting down.
/// - 0: the server refused for reasons of policy, or of a kind unknown here.
/// - Any errno, or 0: the connection broke, or the server broke the protocol;
///   the handle is dead.
///
/// States: negotiating.
/// Since: 1.4.
/// See also: `nbd_add_meta_context`, `nbd_aio_opt_go`, `nbd_connect_uri`,
///   `nbd_opt_abort`, `nbd_opt_info`, `nbd_opt_set_meta_context`,
///   `nbd_set_export_name`, `nbd_set_opt_mode`, `nbd_set_request_meta_context`.
/// Source: NBD protocol, `NBD_OPT_GO` and `NBD_OPT_EXPORT_NAME`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_opt_go(h: *mut nbd_handle) -> c_int {
    wait!(h, opt_go())
}

/// Asks the server to describe the export.
///
/// On success size, flags, block sizes and, if asked for, names of the export
/// can be had, and the handle is still negotiating. A refusal forgets what was
/// known of it before. Meta contexts of the list are selected first if
/// `nbd_set_request_meta_context` is on.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is not waiting in option mode.
/// - `ENOTSUP`: the server does not know the option, or demands TLS first.
/// - `ENOENT`: the server has no such export.
/// - `EINVAL`: the server found the request invalid, or demands that block
///   sizes are asked for.
/// - `ESHUTDOWN`: the server is shutting down.
/// - 0: the server refused for reasons of policy, or of a kind unknown here.
/// - Any errno, or 0: the connection broke, or the server broke the protocol;
///   the handle is dead.
///
/// States: negotiating.
/// Since: 1.4.
/// See also: `nbd_aio_opt_info`, `nbd_opt_go`, `nbd_opt_list_meta_context`,
///   `nbd_set_export_name`, `nbd_set_opt_mode`, `nbd_set_request_meta_context`.
/// Source: NBD protocol, `NBD_OPT_INFO`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_opt_info(h: *mut nbd_handle) -> c_int {
    wait!(h, opt_info())
}

/// Ends the negotiation and the connection in order.
///
/// The handle is closed at once, without waiting for the answer. With a server
/// that does not negotiate options it is dead instead, because there is no way
/// to say goodbye.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is not waiting in option mode.
///
/// States: negotiating.
/// Since: 1.4.
/// See also: `nbd_aio_opt_abort`, `nbd_opt_go`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_ABORT`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_opt_abort(h: *mut nbd_handle) -> c_int {
    wait!(h, opt_abort())
}

/// Lists the exports of the server.
///
/// The callback gets the name and the description of each export; its return
/// value is ignored. It is freed before the call returns. It may have run even
/// if the call fails. Entries that are longer than two strings of the protocol
/// can be are left out. A server that has more than 1000000 entries is given
/// up.
///
/// Returns: the number of exports, or -1 on failure.
/// Errors:
/// - `EFAULT`: `list_callback` has neither `callback` nor `free`.
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is not waiting in option mode.
/// - `ENOTSUP`: the server does not list its exports.
/// - Any errno, or 0: the connection broke, or the server broke the protocol;
///   the handle is dead.
///
/// States: negotiating.
/// Since: 1.4.
/// See also: `nbd_aio_opt_list`, `nbd_opt_go`, `nbd_set_export_name`,
///   `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_LIST`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_opt_list(
    h: *mut nbd_handle,
    list_callback: nbd_list_callback,
) -> c_int {
    let list_callback = list_callback.own();
    wait!(h, opt_list(list_callback))
}

/// Asks the server to encrypt the connection from here on.
///
/// What was negotiated before is forgotten, and has to be negotiated again:
/// structured replies, extended headers, meta contexts, description of the
/// export. A failure of the TLS handshake itself leaves the handle dead.
///
/// Returns: 1 if the server agreed, 0 if it did not, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is not waiting in option mode.
/// - `ENOTSUP`: the server negotiates no options.
/// - Any errno, or 0: the connection broke, or the server broke the protocol;
///   the handle is dead.
///
/// States: negotiating.
/// Since: 1.16.
/// See also: `nbd_aio_opt_starttls`, `nbd_get_tls_negotiated`,
///   `nbd_set_opt_mode`, `nbd_set_tls`, `nbd_supports_tls`.
/// Source: NBD protocol, `NBD_OPT_STARTTLS`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_opt_starttls(h: *mut nbd_handle) -> c_int {
    wait!(h, opt_starttls())
}

/// Asks the server for extended headers.
///
/// They include structured replies. Not needed unless
/// `nbd_set_request_extended_headers` has been switched off, since connecting
/// asks for them; a refusal leaves in force what has been agreed before.
///
/// Returns: 1 if the server agreed, 0 if it did not, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is not waiting in option mode.
/// - `ENOTSUP`: the server negotiates no options.
/// - Any errno, or 0: the connection broke, or the server broke the protocol;
///   the handle is dead.
///
/// States: negotiating.
/// Since: 1.18.
/// See also: `nbd_aio_opt_extended_headers`, `nbd_opt_go`, `nbd_set_opt_mode`,
///   `nbd_set_request_extended_headers`, `nbd_set_request_structured_replies`.
/// Source: NBD protocol, `NBD_OPT_EXTENDED_HEADERS`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_opt_extended_headers(h: *mut nbd_handle) -> c_int {
    wait!(h, opt_extended_headers())
}

/// Asks the server for structured replies.
///
/// Not needed unless `nbd_set_request_structured_replies` has been switched
/// off, since connecting asks for them; a refusal leaves in force what has been
/// agreed before.
///
/// Returns: 1 if the server agreed, 0 if it did not, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is not waiting in option mode.
/// - `ENOTSUP`: the server negotiates no options.
/// - Any errno, or 0: the connection broke, or the server broke the protocol;
///   the handle is dead.
///
/// States: negotiating.
/// Since: 1.16.
/// See also: `nbd_aio_opt_structured_reply`, `nbd_opt_go`, `nbd_set_opt_mode`,
///   `nbd_set_request_structured_replies`.
/// Source: NBD protocol, `NBD_OPT_STRUCTURED_REPLY`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_opt_structured_reply(h: *mut nbd_handle) -> c_int {
    wait!(h, opt_structured_reply())
}

/// Asks which meta contexts the server has, by the list of
/// `nbd_add_meta_context`.
///
/// An empty list asks for all. Nothing is selected, and what is known of the
/// export stays.
///
/// The callback gets the name of each context; its return value is ignored. It
/// is freed before the call returns.
///
/// Returns: the number of contexts that the server named, or -1 on failure.
/// Errors:
/// - `EFAULT`: `context_callback` has neither `callback` nor `free`.
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is not waiting in option mode.
/// - `ENOTSUP`: the server refused.
/// - `EOVERFLOW`: the server names more than 65536 contexts; the handle is dead.
/// - Any errno, or 0: the connection broke, or the server broke the protocol;
///   the handle is dead.
///
/// States: negotiating.
/// Since: 1.6.
/// See also: `nbd_add_meta_context`, `nbd_aio_opt_list_meta_context`,
///   `nbd_clear_meta_contexts`, `nbd_opt_go`,
///   `nbd_opt_list_meta_context_queries`, `nbd_opt_set_meta_context`,
///   `nbd_set_export_name`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_LIST_META_CONTEXT`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_opt_list_meta_context(
    h: *mut nbd_handle,
    context_callback: nbd_context_callback,
) -> c_int {
    let context_callback = context_callback.own();
    wait!(h, opt_list_meta_context(context_callback))
}

/// Asks which meta contexts the server has, by a list of queries.
///
/// `queries` is a list of strings that ends with `NULL`; an empty one asks for
/// all. A query may be a namespace alone, such as `LIBNBD_NAMESPACE_QEMU`.
/// Nothing is selected, and what is known of the export stays.
///
/// The callback gets the name of each context; its return value is ignored. It
/// is freed before the call returns.
///
/// Returns: the number of contexts that the server named, or -1 on failure.
/// Errors:
/// - `EFAULT`: `queries` is `NULL`, or `context_callback` has neither
///   `callback` nor `free`.
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is not waiting in option mode.
/// - `ENOTSUP`: the server refused.
/// - `EOVERFLOW`: the server names more than 65536 contexts; the handle is dead.
/// - `ERANGE`: the queries are longer than 4 GiB in all.
/// - Any errno, or 0: the connection broke, or the server broke the protocol;
///   the handle is dead.
///
/// States: negotiating.
/// Since: 1.16.
/// See also: `nbd_aio_opt_list_meta_context_queries`, `nbd_opt_go`,
///   `nbd_opt_list_meta_context`, `nbd_set_export_name`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_LIST_META_CONTEXT`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_opt_list_meta_context_queries(
    h: *mut nbd_handle,
    queries: *mut *mut c_char,
    context_callback: nbd_context_callback,
) -> c_int {
    let context_callback = context_callback.own();
    // SAFETY: `queries` is a list of strings, or null.
    let queries = unsafe { texts(queries) };
    wait!(h, opt_list_meta_context_queries(queries, context_callback))
}

/// Selects meta contexts by the list of `nbd_add_meta_context`.
///
/// An empty list selects none. The selection replaces any made before, even if
/// the server refuses. `nbd_opt_go` replaces it again, unless
/// `nbd_set_request_meta_context` is off.
///
/// The callback gets the name of each context; its return value is ignored. It
/// is freed before the call returns.
///
/// Returns: the number of contexts that the server named, or -1 on failure.
/// Errors:
/// - `EFAULT`: `context_callback` has neither `callback` nor `free`.
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is not waiting in option mode.
/// - `ENOTSUP`: the server refused.
/// - `EOVERFLOW`: the server grants more than 65536 contexts, or names of more
///   than 16 MiB in all; the handle is dead.
/// - Any errno, or 0: the connection broke, or the server broke the protocol;
///   the handle is dead.
///
/// States: negotiating.
/// Since: 1.16.
/// See also: `nbd_add_meta_context`, `nbd_aio_opt_set_meta_context`,
///   `nbd_can_meta_context`, `nbd_clear_meta_contexts`, `nbd_opt_go`,
///   `nbd_opt_list_meta_context`, `nbd_opt_set_meta_context_queries`,
///   `nbd_set_export_name`, `nbd_set_opt_mode`, `nbd_set_request_meta_context`.
/// Source: NBD protocol, `NBD_OPT_SET_META_CONTEXT`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_opt_set_meta_context(
    h: *mut nbd_handle,
    context_callback: nbd_context_callback,
) -> c_int {
    let context_callback = context_callback.own();
    wait!(h, opt_set_meta_context(context_callback))
}

/// Selects meta contexts by a list of queries.
///
/// `queries` is a list of strings that ends with `NULL`; an empty one selects
/// none. The selection replaces any made before, even if the server refuses.
/// `nbd_opt_go` replaces it again, unless `nbd_set_request_meta_context` is
/// off.
///
/// The callback gets the name of each context; its return value is ignored. It
/// is freed before the call returns.
///
/// Returns: the number of contexts that the server named, or -1 on failure.
/// Errors:
/// - `EFAULT`: `queries` is `NULL`, or `context_callback` has neither
///   `callback` nor `free`.
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is not waiting in option mode.
/// - `ENOTSUP`: the server refused.
/// - `EOVERFLOW`: the server grants more than 65536 contexts, or names of more
///   than 16 MiB in all; the handle is dead.
/// - `ERANGE`: the queries are longer than 4 GiB in all.
/// - Any errno, or 0: the connection broke, or the server broke the protocol;
///   the handle is dead.
///
/// States: negotiating.
/// Since: 1.16.
/// See also: `nbd_aio_opt_set_meta_context_queries`, `nbd_can_meta_context`,
///   `nbd_opt_go`, `nbd_opt_list_meta_context_queries`,
///   `nbd_opt_set_meta_context`, `nbd_set_export_name`, `nbd_set_opt_mode`,
///   `nbd_set_request_meta_context`.
/// Source: NBD protocol, `NBD_OPT_SET_META_CONTEXT`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_opt_set_meta_context_queries(
    h: *mut nbd_handle,
    queries: *mut *mut c_char,
    context_callback: nbd_context_callback,
) -> c_int {
    let context_callback = context_callback.own();
    // SAFETY: `queries` is a list of strings, or null.
    let queries = unsafe { texts(queries) };
    wait!(h, opt_set_meta_context_queries(queries, context_callback))
}
