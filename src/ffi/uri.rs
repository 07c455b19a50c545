//! NBD URIs: one string that specifies how to reach a server and which export
//! to use.
//!
//! A URI is `SCHEME://AUTHORITY/EXPORT?PARAMETERS`. The scheme specifies how to
//! reach the server:
//!
//! - `nbd`, `nbds`: TCP; the authority is `HOST:PORT`, by default
//!   `localhost:10809`. An IPv6 address is written in brackets. A link-local
//!   one needs its zone, the network interface: `[fe80::1%eth0]`, or
//!   `[fe80::1%25eth0]` as in RFC 6874.
//! - `nbd+unix`, `nbds+unix`: the Unix domain socket of the parameter `socket`.
//! - `nbd+vsock`, `nbds+vsock`: `AF_VSOCK`; the authority is `CID:PORT`, by
//!   default `2:10809`.
//! - `nbd+ssh`, `nbds+ssh`: SSH to the `HOST:PORT` of the authority, and from
//!   there with `nc` to TCP port 10809 or to the parameter `socket`.
//!
//! An `s` after `nbd` means that TLS is required. `USER@` before the host is
//! the user name for TLS, not for SSH. The export name follows the first slash
//! after the authority. Like all parts it can be percent-encoded; otherwise it
//! is used as written.
//!
//! Parameters follow a question mark, have the form `NAME=VALUE` and are
//! separated by ampersands. Besides `socket` these have a meaning:
//! `tls-certificates`, `tls-psk-file`, `tls-hostname`, `tls-verify-peer` and
//! `tls-priority` correspond to the functions that configure TLS.
//!
//! Without an export name, it is the default export, whose name is empty. In
//! option mode the handshake stops before the export is used: its name is then
//! a setting like that of `nbd_set_export_name`, which the program can change
//! before `nbd_opt_go`.
//!
//! Examples:
//!
//! - `nbd:///`: the default export of a server on this machine, TCP port 10809.
//! - `nbd://example.com/disk`: the export `disk` of another machine.
//! - `nbd://192.0.2.1:10810/a%20disk`: another port, and the export `a disk`.
//! - `nbd://[2001:db8::1]/`, `nbd://[fe80::1%eth0]:10810/`: IPv6.
//! - `nbd+unix:///?socket=/run/nbd.sock`, `nbd+unix:///disk?socket=nbd.sock`: a
//!   Unix domain socket; with the second, an export, and a relative path.
//! - `nbd+vsock:///`: from a virtual machine to its host.
//! - `nbd+vsock://3:10810/disk`: from a host to the virtual machine 3.
//! - `nbd+ssh://example.com:2222/disk`: SSH to port 2222 of that host, and there
//!   to a server on port 10809.
//! - `nbd+ssh://example.com/?socket=/run/nbd.sock`: a socket on that host.
//! - `nbds://example.com/`: TLS with certificates of known authorities.
//! - `nbds://alice@example.com/?tls-psk-file=/etc/keys.psk`: TLS with the
//!   pre-shared key of alice.
//! - `nbds+unix:///?socket=nbd.sock&tls-hostname=example.com`: TLS over a Unix
//!   domain socket; the certificate of the server is that of example.com.

use std::ffi::{c_char, c_int};

use super::guard::{call, wait};
use super::registry::nbd_handle;

/// Connects to the server and export that an NBD URI specifies.
///
/// The URI sets the export name and, with schemes and parameters for TLS, how
/// TLS is used. A URI that is refused changes nothing. The program decides what
/// URIs may request: see the functions that begin with `nbd_set_uri_allow`. By
/// default that is everything but files and TLS priorities.
///
/// With `nbd+ssh` and `nbds+ssh` the program `ssh` runs as a subprocess of the
/// handle.
///
/// Errors:
/// - `EINVAL`: `uri` is malformed, its scheme is unknown, or a part of it is
///   invalid or missing.
/// - `EPERM`: `uri` requests something that is not allowed.
/// - `ENAMETOOLONG`: the export name or the path of the socket is too long.
/// - 0, or any errno of the function that connects in the same way: the
///   connection could not be made.
///
/// See also: `nbd_aio_connect_uri`, `nbd_get_uri`, `nbd_is_uri`,
///   `nbd_set_export_name`, `nbd_set_opt_mode`, `nbd_set_tls`,
///   `nbd_set_uri_allow_local_file`, `nbd_set_uri_allow_tls`,
///   `nbd_set_uri_allow_tls_priority`, `nbd_set_uri_allow_transports`,
///   `nbd_supports_uri`, `nbd_supports_vsock`.
/// Source: NBD URI specification; RFC 3986.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_connect_uri(h: *mut nbd_handle, uri: *const c_char) -> c_int {
    wait!(h, connect_uri(uri))
}

/// Starts to connect to the server and export that an NBD URI specifies.
///
/// The URI is interpreted as by `nbd_connect_uri`.
///
/// Errors:
/// - `EINVAL`: `uri` is malformed, its scheme is unknown, or a part of it is
///   invalid or missing.
/// - `EPERM`: `uri` requests something that is not allowed.
/// - `ENAMETOOLONG`: the export name or the path of the socket is too long.
/// - 0, or any errno of the function that connects in the same way: the
///   connection could not be made.
///
/// See also: `nbd_connect_uri`, `nbd_get_uri`, `nbd_is_uri`,
///   `nbd_set_opt_mode`, `nbd_supports_uri`.
/// Source: NBD URI specification; RFC 3986.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_connect_uri(
    h: *mut nbd_handle,
    uri: *const c_char,
) -> c_int {
    call!(h, aio_connect_uri(uri))
}

/// Returns the URI of the export that the handle is connected to.
///
/// This works for every way of connecting that has an address, not only for
/// URIs, and also after the connection has ended. A program that uses the URI
/// may have to allow URIs to name files.
///
/// Errors:
/// - `EINVAL`: the handle uses a socket of the program or the standard input of
///   a subprocess.
/// - `EPROTONOSUPPORT`: the handle is connected to a Unix domain socket without
///   a path.
/// - `EAFNOSUPPORT`: the address is of a family that has no URI.
///
/// See also: `nbd_aio_connect_uri`, `nbd_connect_uri`, `nbd_is_uri`,
///   `nbd_supports_uri`.
/// Source: NBD URI specification; RFC 3986.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_uri(h: *mut nbd_handle) -> *mut c_char {
    call!(h, get_uri())
}

/// Reports whether a string looks like an NBD URI.
///
/// This is meant for programs that accept either a URI or something else, such
/// as the name of a file. Only the scheme and `://` are examined; the rest need
/// not be valid.
///
/// See also: `nbd_aio_connect_uri`, `nbd_connect_uri`, `nbd_get_uri`,
///   `nbd_supports_uri`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_is_uri(h: *mut nbd_handle, uri: *const c_char) -> c_int {
    call!(h, is_uri(uri))
}

/// Sets which transports URIs may use.
///
/// `mask` is a bitwise OR of the following; by default all of them are set.
///
/// - `LIBNBD_ALLOW_TRANSPORT_TCP`: `nbd` and `nbds`.
/// - `LIBNBD_ALLOW_TRANSPORT_UNIX`: `nbd+unix` and `nbds+unix`.
/// - `LIBNBD_ALLOW_TRANSPORT_VSOCK`: `nbd+vsock` and `nbds+vsock`.
/// - `LIBNBD_ALLOW_TRANSPORT_SSH`: `nbd+ssh` and `nbds+ssh`.
///
/// See also: `nbd_connect_uri`, `nbd_set_uri_allow_tls`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_uri_allow_transports(
    h: *mut nbd_handle,
    mask: u32,
) -> c_int {
    call!(h, set_uri_allow_transports(mask))
}

/// Sets whether URIs may, or must, require TLS.
///
/// - `LIBNBD_TLS_DISABLE`: URIs that require TLS are refused.
/// - `LIBNBD_TLS_ALLOW`: all URIs are accepted. This is the default.
/// - `LIBNBD_TLS_REQUIRE`: only URIs that require TLS are accepted.
///
/// See also: `nbd_connect_uri`, `nbd_set_uri_allow_transports`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_uri_allow_tls(h: *mut nbd_handle, tls: c_int) -> c_int {
    call!(h, set_uri_allow_tls(tls))
}

/// Sets whether URIs may name files.
///
/// That is, whether they may have the parameters `tls-certificates` and
/// `tls-psk-file`. By default they may not, because a URI from somebody else
/// must not make the program read files. The path of a socket is not affected.
///
/// See also: `nbd_connect_uri`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_uri_allow_local_file(
    h: *mut nbd_handle,
    allow: bool,
) -> c_int {
    call!(h, set_uri_allow_local_file(allow))
}

/// Sets whether URIs may set the priorities of TLS.
///
/// That is, whether they may have the parameter `tls-priority`. By default they
/// may not, because a URI from somebody else must not weaken encryption.
///
/// See also: `nbd_connect_uri`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_uri_allow_tls_priority(
    h: *mut nbd_handle,
    allow: bool,
) -> c_int {
    call!(h, set_uri_allow_tls_priority(allow))
}
