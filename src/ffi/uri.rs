//! NBD URIs: one string that says where a server is and which export to use.
//!
//! A URI is `SCHEME://AUTHORITY/EXPORT?PARAMETERS`. The scheme says how to get
//! to the server:
//!
//! - `nbd`, `nbds`: TCP; the authority is `HOST:PORT`, `localhost:10809` where
//!   it says nothing.
//!
//! - `nbd+unix`, `nbds+unix`: the Unix domain socket of the parameter `socket`.
//!
//! - `nbd+vsock`, `nbds+vsock`: `AF_VSOCK`; the authority is `CID:PORT`,
//!   `2:10809` where it says nothing.
//!
//! - `nbd+ssh`, `nbds+ssh`: SSH to the `HOST:PORT` of the authority, and from
//!   there with `nc` to TCP port 10809 or to the parameter `socket`.
//!
//! An `s` behind `nbd` means that TLS is required. `USER@` before the host is
//! the user name for TLS. The export name follows the first slash after the
//! authority. Like all parts it can be percent-encoded, and otherwise it is
//! taken as it is written.
//!
//! Parameters follow a question mark, have the form `NAME=VALUE` and are
//! separated by ampersands. Besides `socket` these have a meaning:
//! `tls-certificates`, `tls-psk-file`, `tls-hostname`, `tls-verify-peer` and
//! `tls-priority` correspond to the functions that configure TLS.

use std::ffi::{c_char, c_int};

use super::arguments::text;
use super::guard::{call, wait};
use super::registry::nbd_handle;

/// Connects to what an NBD URI names.
///
/// The URI sets the export name and, with schemes and parameters for TLS, how
/// TLS is used. A URI that is refused changes nothing. What URIs may ask for is
/// up to the program: see the functions that begin with `nbd_set_uri_allow`.
/// At first that is everything but files and TLS priorities.
///
/// With `nbd+ssh` and `nbds+ssh` the program `ssh` runs as a subprocess of the
/// handle.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EFAULT`: `uri` is `NULL`.
/// - `EINVAL`: a connection has been started already.
/// - `EINVAL`: `uri` is malformed, its scheme is unknown, or a part of it makes
///   no sense or is missing.
/// - `EPERM`: `uri` asks for something that is not allowed.
/// - `ENAMETOOLONG`: the export name or the path of the socket is too long.
/// - `ENOTSUP`: `uri` requires TLS, and the server does not have it.
/// - 0, or any errno of the function that connects in the same way: no
///   connection came about.
/// - 0: the peer does not speak NBD, closed the connection during the
///   handshake, or broke the protocol.
/// - `ENOTSUP`, `EINVAL`, `ENOENT`, `ESHUTDOWN`, or 0: the server refused the
///   export, with its reason in the message.
///
/// States: created.
/// Since: 1.0.
/// See also: `nbd_aio_connect_uri`, `nbd_get_uri`, `nbd_is_uri`,
///   `nbd_set_export_name`, `nbd_set_opt_mode`, `nbd_set_tls`,
///   `nbd_set_uri_allow_local_file`, `nbd_set_uri_allow_tls`,
///   `nbd_set_uri_allow_tls_priority`, `nbd_set_uri_allow_transports`,
///   `nbd_supports_uri`, `nbd_supports_vsock`.
/// Source: NBD URI specification; RFC 3986.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_connect_uri(h: *mut nbd_handle, uri: *const c_char) -> c_int {
    // SAFETY: `uri` is a string, or null.
    let uri = unsafe { text(uri) };
    wait!(h, connect_uri(uri))
}

/// Starts to connect to what an NBD URI names.
///
/// The URI means the same as to `nbd_connect_uri`.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EFAULT`: `uri` is `NULL`.
/// - `EINVAL`: a connection has been started already.
/// - `EINVAL`: `uri` is malformed, its scheme is unknown, or a part of it makes
///   no sense or is missing.
/// - `EPERM`: `uri` asks for something that is not allowed.
/// - `ENAMETOOLONG`: the export name or the path of the socket is too long.
/// - `ENOTSUP`: `uri` requires TLS, and the server does not have it.
/// - 0, or any errno of the function that connects in the same way: no
///   connection came about.
///
/// States: created.
/// Since: 1.0.
/// See also: `nbd_connect_uri`, `nbd_get_uri`, `nbd_is_uri`,
///   `nbd_set_opt_mode`, `nbd_supports_uri`.
/// Source: NBD URI specification; RFC 3986.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_connect_uri(
    h: *mut nbd_handle,
    uri: *const c_char,
) -> c_int {
    // SAFETY: `uri` is a string, or null.
    let uri = unsafe { text(uri) };
    call!(h, aio_connect_uri(uri))
}

/// Tells the URI of the export that the handle is connected to.
///
/// It works with every way of connecting that has an address, not only with
/// URIs, and also after the connection has ended. Whoever is to use the URI
/// may have to allow it to name files.
///
/// Returns: the URI, to be freed with `free`, or `NULL` on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle uses a socket of the program or the standard input of
///   a subprocess.
/// - `EPROTONOSUPPORT`: the handle is connected to a Unix domain socket without
///   a path.
/// - `EAFNOSUPPORT`: the address is of a family that has no URI.
/// - `ENOMEM`: there is no memory for the copy.
///
/// States: any but created.
/// Since: 1.8.
/// See also: `nbd_aio_connect_uri`, `nbd_connect_uri`, `nbd_is_uri`,
///   `nbd_supports_uri`.
/// Source: NBD URI specification; RFC 3986.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_uri(h: *mut nbd_handle) -> *mut c_char {
    call!(h, get_uri())
}

/// Tells whether a text looks like an NBD URI.
///
/// This is meant for programs that take either a URI or something else, such as
/// the name of a file. Only the scheme and `://` count; the rest need not be
/// right.
///
/// Returns: 1 if so, 0 if not, or -1 on failure.
/// Errors:
/// - `EFAULT`: `uri` is `NULL`.
///
/// States: any.
/// Since: 1.22.
/// See also: `nbd_aio_connect_uri`, `nbd_connect_uri`, `nbd_get_uri`,
///   `nbd_supports_uri`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_is_uri(h: *mut nbd_handle, uri: *const c_char) -> c_int {
    // SAFETY: `uri` is a string, or null.
    let uri = unsafe { text(uri) };
    call!(h, is_uri(uri))
}

/// Chooses the transports that URIs may name.
///
/// `mask` is a sum of the following; at first all of them are set.
///
/// - `LIBNBD_ALLOW_TRANSPORT_TCP`: `nbd` and `nbds`.
///
/// - `LIBNBD_ALLOW_TRANSPORT_UNIX`: `nbd+unix` and `nbds+unix`.
///
/// - `LIBNBD_ALLOW_TRANSPORT_VSOCK`: `nbd+vsock` and `nbds+vsock`.
///
/// - `LIBNBD_ALLOW_TRANSPORT_SSH`: `nbd+ssh` and `nbds+ssh`.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EINVAL`: a connection has been started already.
/// - `EINVAL`: `mask` has an unknown bit; the setting is as before.
///
/// States: created.
/// Since: 1.2.
/// See also: `nbd_connect_uri`, `nbd_set_uri_allow_tls`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_uri_allow_transports(
    h: *mut nbd_handle,
    mask: u32,
) -> c_int {
    call!(h, set_uri_allow_transports(mask))
}

/// Chooses whether URIs may require TLS, or must.
///
/// - `LIBNBD_TLS_DISABLE`: URIs that require TLS are refused.
///
/// - `LIBNBD_TLS_ALLOW`: all are accepted. This is the setting at first.
///
/// - `LIBNBD_TLS_REQUIRE`: only URIs that require TLS are accepted.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EINVAL`: a connection has been started already.
/// - `EINVAL`: `tls` is none of these; the setting is as before.
///
/// States: created.
/// Since: 1.2.
/// See also: `nbd_connect_uri`, `nbd_set_uri_allow_transports`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_uri_allow_tls(h: *mut nbd_handle, tls: c_int) -> c_int {
    call!(h, set_uri_allow_tls(tls))
}

/// Chooses whether URIs may name files.
///
/// That is, whether they may have the parameters `tls-certificates` and
/// `tls-psk-file`. At first they may not: a URI of somebody else must not make
/// the program read any file. The path of a socket is not meant here.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EINVAL`: a connection has been started already.
///
/// States: created.
/// Since: 1.2.
/// See also: `nbd_connect_uri`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_uri_allow_local_file(
    h: *mut nbd_handle,
    allow: bool,
) -> c_int {
    call!(h, set_uri_allow_local_file(allow))
}

/// Chooses whether URIs may set the priorities of TLS.
///
/// That is, whether they may have the parameter `tls-priority`. At first they
/// may not: a URI of somebody else must not weaken encryption.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EINVAL`: a connection has been started already.
///
/// States: created.
/// Since: 1.24.
/// See also: `nbd_connect_uri`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_uri_allow_tls_priority(
    h: *mut nbd_handle,
    allow: bool,
) -> c_int {
    call!(h, set_uri_allow_tls_priority(allow))
}
