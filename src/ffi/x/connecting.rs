//! Connecting: which addresses are used, and for how long.

use std::ffi::c_int;

use crate::ffi::guard::call;
use crate::ffi::registry::nbd_handle;

/// Sets the address family for connecting to a host by TCP.
///
/// - `AF_UNSPEC`: all addresses of the host, in the order in which `getaddrinfo`
///   returns them. This is the default.
/// - `AF_INET`: only IPv4.
/// - `AF_INET6`: only IPv6.
///
/// The setting applies to `nbd_connect_tcp`, `nbd_aio_connect_tcp` and URIs with a
/// host. If the host has no address of the family, connecting fails. The setting
/// does not affect `nbd_aio_connect`, because its address has a family, or URIs
/// that connect through `ssh`(1), which has its own option for this.
///
/// Errors:
/// - `EINVAL`: `family` is none of the above. The setting is unchanged.
///
/// See also: `nbd_connect_tcp`, `nbd_connect_uri`, `nbdx_get_address_family`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbdx_set_address_family(
    h: *mut nbd_handle,
    family: c_int,
) -> c_int {
    call!(h, set_address_family(family))
}

/// Returns the setting of `nbdx_set_address_family`.
///
/// Returns: `AF_UNSPEC`, `AF_INET` or `AF_INET6`.
/// See also: `nbdx_set_address_family`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbdx_get_address_family(h: *mut nbd_handle) -> c_int {
    call!(h, get_address_family())
}

/// Sets for how long to try to connect to a server that is not up yet.
///
/// While nobody listens, connecting is tried again for `milliseconds`: first after
/// 10 milliseconds, and then after pauses that double up to 250 milliseconds. The
/// last try is at the end of the time, and its error is reported. 0, the default,
/// means that connecting is tried once. The environment variable
/// `LIBNBDX_CONNECT_RETRY` sets another default.
///
/// These errors mean that nobody listens:
///
/// - `ECONNREFUSED`, for all kinds of sockets
/// - `ENOENT` for a Unix domain socket, which does not exist yet
/// - `EAGAIN` for a Unix domain socket, whose backlog is full
/// - `ECONNRESET` for a vsock address, which is how it refuses a connection
/// - a host name that is not known, or that cannot be resolved at the moment
///
/// Of several addresses one with such an error is enough. All other errors are
/// final, as are errors of the TLS and NBD handshakes. Each try resolves the host
/// name again. A try that has started is not interrupted by the end of the time.
///
/// The setting applies to the functions that connect to a host, a Unix domain
/// socket, a vsock port or another address, and to URIs. It does not apply to
/// sockets that the program has connected, or to servers that the library starts.
///
/// During a pause of `nbd_aio_connect` and its variants, the descriptor of the
/// handle is a timer and the direction is `LIBNBD_AIO_DIRECTION_READ`. The number
/// stays the same when a socket takes its place, but `epoll`(7) forgets a
/// descriptor that is replaced. See the section WAITING FOR A SERVER of `libnbdx`.
///
/// Errors:
/// - `EINVAL`: `milliseconds` is negative.
/// - `ENOTSUP`: `milliseconds` is not 0, and the system is not Linux.
///
/// See also: `nbd_connect_tcp`, `nbd_connect_unix`, `nbd_connect_uri`,
/// `nbdx_cancel`, `nbdx_get_connect_retry`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbdx_set_connect_retry(
    h: *mut nbd_handle,
    milliseconds: i64,
) -> c_int {
    call!(h, set_connect_retry(milliseconds))
}

/// Returns the setting of `nbdx_set_connect_retry`, in milliseconds.
///
/// See also: `nbdx_set_connect_retry`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbdx_get_connect_retry(h: *mut nbd_handle) -> i64 {
    call!(h, get_connect_retry())
}

/// Sets whether several addresses of a host are tried at the same time.
///
/// If a host has several addresses, and one has neither connected nor failed after
/// `milliseconds`, the next is tried as well, and so on; if one fails, the next is
/// tried at once. The first that connects is used, and all others are closed. IPv4
/// and IPv6 addresses alternate, beginning with the address that `getaddrinfo`(3)
/// returns first. This is the method of RFC 8305, which recommends 250
/// milliseconds.
///
/// 0, the default, means that the next address is tried only when the one before
/// has failed, in the order of `getaddrinfo`. If a host does not respond at all,
/// that can take minutes.
///
/// The setting applies to `nbd_connect_tcp`, `nbd_aio_connect_tcp` and URIs with a
/// host. A server may see connections that are closed before anything is sent.
///
/// With `nbd_aio_connect_tcp`, the descriptor of the handle stands for all sockets
/// until one has connected, and the direction is `LIBNBD_AIO_DIRECTION_READ`. The
/// number stays the same when the socket takes its place, but `epoll`(7) forgets a
/// descriptor that is replaced. See the section SEVERAL ADDRESSES of `libnbdx`.
///
/// Errors:
/// - `EINVAL`: `milliseconds` is negative.
/// - `ENOTSUP`: `milliseconds` is not 0, and the system is not Linux.
///
/// See also: `nbd_connect_tcp`, `nbdx_get_address_race`, `nbdx_set_address_family`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbdx_set_address_race(
    h: *mut nbd_handle,
    milliseconds: i64,
) -> c_int {
    call!(h, set_address_race(milliseconds))
}

/// Returns the setting of `nbdx_set_address_race`, in milliseconds.
///
/// See also: `nbdx_set_address_race`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbdx_get_address_race(h: *mut nbd_handle) -> i64 {
    call!(h, get_address_race())
}
