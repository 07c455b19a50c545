//! Option mode: the negotiation, one option at a time. See `nbd_set_opt_mode`.
//!
//! These calls send an option and wait for the reply. Unless the connection
//! ends, the handle is negotiating again afterwards, and another option can
//! follow.

use std::ffi::{c_char, c_int};

use super::callbacks::{nbd_context_callback, nbd_list_callback};
use super::guard::wait;
use super::registry::nbd_handle;

/// Requests the export and ends the negotiation.
///
/// If `nbd_set_request_meta_context` is on, the meta contexts of the list are
/// selected first. A server that does not know the option is sent the older
/// option, which a server can refuse only by closing the connection.
///
/// If the server refuses, the error message contains the name of the export and
/// the server's reason, the handle is negotiating again, and another export can
/// be tried. On success the handle is connected.
///
/// Errors:
/// - `ENOTSUP`: the server does not know the option, or requires TLS first.
/// - `ENOENT`: the server has no such export.
/// - `EINVAL`: the server considers the request invalid, or requires clients to
///   request block sizes.
/// - `ESHUTDOWN`: the server is shutting down.
/// - 0: the server refused for reasons of policy, or for a reason that the
///   library does not know.
///
/// See also: `nbd_add_meta_context`, `nbd_aio_opt_go`, `nbd_connect_uri`,
///   `nbd_opt_abort`, `nbd_opt_info`, `nbd_opt_set_meta_context`,
///   `nbd_set_export_name`, `nbd_set_opt_mode`, `nbd_set_request_meta_context`.
/// Source: NBD protocol, `NBD_OPT_GO` and `NBD_OPT_EXPORT_NAME`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_opt_go(h: *mut nbd_handle) -> c_int {
    wait!(h, opt_go())
}

/// Requests a description of the export.
///
/// On success the size, flags, block sizes and, if requested, names of the
/// export are available, and the handle is still negotiating. If the server
/// refuses, what was known about the export is discarded. If
/// `nbd_set_request_meta_context` is on, the meta contexts of the list are
/// selected first.
///
/// Errors:
/// - `ENOTSUP`: the server does not know the option, or requires TLS first.
/// - `ENOENT`: the server has no such export.
/// - `EINVAL`: the server considers the request invalid, or requires clients to
///   request block sizes.
/// - `ESHUTDOWN`: the server is shutting down.
/// - 0: the server refused for reasons of policy, or for a reason that the
///   library does not know.
///
/// See also: `nbd_aio_opt_info`, `nbd_opt_go`, `nbd_opt_list_meta_context`,
///   `nbd_set_export_name`, `nbd_set_opt_mode`, `nbd_set_request_meta_context`.
/// Source: NBD protocol, `NBD_OPT_INFO`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_opt_info(h: *mut nbd_handle) -> c_int {
    wait!(h, opt_info())
}

/// Ends the negotiation and the connection in order.
///
/// The handle is closed at once, without waiting for the reply. With a server
/// that does not negotiate options it is dead instead, because there is no way
/// to say goodbye.
///
/// See also: `nbd_aio_opt_abort`, `nbd_opt_go`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_ABORT`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_opt_abort(h: *mut nbd_handle) -> c_int {
    wait!(h, opt_abort())
}

/// Lists the exports of the server.
///
/// The callback receives the name and the description of each export; its
/// return value is ignored. It is freed before the call returns. It may have
/// run even if the call fails. Entries that are longer than two strings of the
/// protocol can be are left out. If a server lists more than 1000000 entries,
/// the connection is given up.
///
/// Returns: the number of exports.
/// Errors:
/// - `ENOTSUP`: the server does not list its exports.
///
/// See also: `nbd_aio_opt_list`, `nbd_opt_go`, `nbd_set_export_name`,
///   `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_LIST`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_opt_list(
    h: *mut nbd_handle,
    list_callback: nbd_list_callback,
) -> c_int {
    wait!(h, opt_list(list_callback))
}

/// Requests encryption of the connection from here on.
///
/// Everything that was negotiated before is discarded and has to be negotiated
/// again: structured replies, extended headers, meta contexts, description of
/// the export. If the TLS handshake itself fails, the handle is dead.
///
/// Returns: 1 if the server agreed, 0 if it refused.
/// See also: `nbd_aio_opt_starttls`, `nbd_get_tls_negotiated`,
///   `nbd_set_opt_mode`, `nbd_set_tls`, `nbd_supports_tls`.
/// Source: NBD protocol, `NBD_OPT_STARTTLS`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_opt_starttls(h: *mut nbd_handle) -> c_int {
    wait!(h, opt_starttls())
}

/// Requests extended headers.
///
/// They include structured replies. This function is needed only if
/// `nbd_set_request_extended_headers` is off, because otherwise connecting
/// requests them. If the server refuses, what has been agreed before stays in
/// force.
///
/// Returns: 1 if the server agreed, 0 if it refused.
/// See also: `nbd_aio_opt_extended_headers`, `nbd_opt_go`, `nbd_set_opt_mode`,
///   `nbd_set_request_extended_headers`, `nbd_set_request_structured_replies`.
/// Source: NBD protocol, `NBD_OPT_EXTENDED_HEADERS`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_opt_extended_headers(h: *mut nbd_handle) -> c_int {
    wait!(h, opt_extended_headers())
}

/// Requests structured replies.
///
/// This function is needed only if `nbd_set_request_structured_replies` is off,
/// because otherwise connecting requests them. If the server refuses, what has
/// been agreed before stays in force.
///
/// Returns: 1 if the server agreed, 0 if it refused.
/// See also: `nbd_aio_opt_structured_reply`, `nbd_opt_go`, `nbd_set_opt_mode`,
///   `nbd_set_request_structured_replies`.
/// Source: NBD protocol, `NBD_OPT_STRUCTURED_REPLY`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_opt_structured_reply(h: *mut nbd_handle) -> c_int {
    wait!(h, opt_structured_reply())
}

/// Lists the meta contexts of the server that match the list of
/// `nbd_add_meta_context`.
///
/// An empty list requests all of them. Nothing is selected, and what is known
/// about the export does not change.
///
/// The callback receives the name of each context; its return value is ignored.
/// It is freed before the call returns.
///
/// Returns: the number of contexts that the server named.
/// Errors:
/// - `ENOTSUP`: the server refused.
/// - `EOVERFLOW`: the server names more than 65536 contexts; the handle is
///   dead.
///
/// See also: `nbd_add_meta_context`, `nbd_aio_opt_list_meta_context`,
///   `nbd_clear_meta_contexts`, `nbd_opt_go`,
///   `nbd_opt_list_meta_context_queries`, `nbd_opt_set_meta_context`,
///   `nbd_set_export_name`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_LIST_META_CONTEXT`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_opt_list_meta_context(
    h: *mut nbd_handle,
    context_callback: nbd_context_callback,
) -> c_int {
    wait!(h, opt_list_meta_context(context_callback))
}

/// Lists the meta contexts of the server that match some queries.
///
/// `queries` is a list of strings that ends with `NULL`; an empty list requests
/// all contexts. A query may be just a namespace, such as
/// `LIBNBD_NAMESPACE_QEMU`. Nothing is selected, and what is known about the
/// export does not change.
///
/// The callback receives the name of each context; its return value is ignored.
/// It is freed before the call returns.
///
/// Returns: the number of contexts that the server named.
/// Errors:
/// - `ERANGE`: the queries are longer than 4 GiB in all.
/// - `ENOTSUP`: the server refused.
/// - `EOVERFLOW`: the server names more than 65536 contexts; the handle is
///   dead.
///
/// See also: `nbd_aio_opt_list_meta_context_queries`, `nbd_opt_go`,
///   `nbd_opt_list_meta_context`, `nbd_set_export_name`, `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_LIST_META_CONTEXT`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_opt_list_meta_context_queries(
    h: *mut nbd_handle,
    queries: *mut *mut c_char,
    context_callback: nbd_context_callback,
) -> c_int {
    wait!(h, opt_list_meta_context_queries(queries, context_callback))
}

/// Selects the meta contexts in the list of `nbd_add_meta_context`.
///
/// An empty list selects none. The selection replaces the one made before, even
/// if the server refuses. `nbd_opt_go` replaces it again unless
/// `nbd_set_request_meta_context` is off.
///
/// The callback receives the name of each context; its return value is ignored.
/// It is freed before the call returns.
///
/// Returns: the number of contexts that the server named.
/// Errors:
/// - `ENOTSUP`: the server refused.
/// - `EOVERFLOW`: the server grants more than 65536 contexts, or names of more
///   than 16 MiB in all; the handle is dead.
///
/// See also: `nbd_add_meta_context`, `nbd_aio_opt_set_meta_context`,
///   `nbd_can_meta_context`, `nbd_clear_meta_contexts`, `nbd_opt_go`,
///   `nbd_opt_list_meta_context`, `nbd_opt_set_meta_context_queries`,
///   `nbd_set_export_name`, `nbd_set_opt_mode`, `nbd_set_request_meta_context`.
/// Source: NBD protocol, `NBD_OPT_SET_META_CONTEXT`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_opt_set_meta_context(
    h: *mut nbd_handle,
    context_callback: nbd_context_callback,
) -> c_int {
    wait!(h, opt_set_meta_context(context_callback))
}

/// Selects the meta contexts that match some queries.
///
/// `queries` is a list of strings that ends with `NULL`; an empty list selects
/// none. The selection replaces the one made before, even if the server
/// refuses. `nbd_opt_go` replaces it again unless
/// `nbd_set_request_meta_context` is off.
///
/// The callback receives the name of each context; its return value is ignored.
/// It is freed before the call returns.
///
/// Returns: the number of contexts that the server named.
/// Errors:
/// - `ERANGE`: the queries are longer than 4 GiB in all.
/// - `ENOTSUP`: the server refused.
/// - `EOVERFLOW`: the server grants more than 65536 contexts, or names of more
///   than 16 MiB in all; the handle is dead.
///
/// See also: `nbd_aio_opt_set_meta_context_queries`, `nbd_can_meta_context`,
///   `nbd_opt_go`, `nbd_opt_list_meta_context_queries`,
///   `nbd_opt_set_meta_context`, `nbd_set_export_name`, `nbd_set_opt_mode`,
///   `nbd_set_request_meta_context`.
/// Source: NBD protocol, `NBD_OPT_SET_META_CONTEXT`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_opt_set_meta_context_queries(
    h: *mut nbd_handle,
    queries: *mut *mut c_char,
    context_callback: nbd_context_callback,
) -> c_int {
    wait!(h, opt_set_meta_context_queries(queries, context_callback))
}
