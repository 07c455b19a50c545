//! Connecting to a server, and ending the connection.
//!
//! Each way of connecting has two forms. `nbd_connect_...` waits until the
//! handshake is over: the handle is then connected or, in option mode,
//! negotiating. `nbd_aio_connect_...` starts and returns; the program drives
//! the handle with `nbd_poll` or with the notify functions until
//! `nbd_aio_is_connecting` is no longer true. In both forms a failure to
//! connect leaves the handle dead unless said otherwise; the cause is in the
//! error of the call during which it happened.

use std::ffi::{c_char, c_int};

use libc::{sockaddr, socklen_t};

use super::arguments::{Descriptor, address, text};
use super::guard::{call, wait};
use super::registry::nbd_handle;

/// Connects over TCP.
///
/// The host is a name or a numeric address, the port a service name or a
/// number. Finding the addresses of a host name blocks, also in the
/// asynchronous form; then the addresses are tried one after another.
///
/// If the name cannot be resolved or no address can be reached, the handle
/// stays in the created state, and connecting can be tried again.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EFAULT`: `hostname` or `port` is `NULL`.
/// - `EINVAL`: a connection has been started already.
/// - 0: the host name or the port cannot be resolved.
/// - Any errno of `socket` and `connect`: no address could be reached; it is
///   that of the first one.
/// - 0: the peer does not speak NBD, closed the connection during the
///   handshake, or broke the protocol.
/// - `ENOTSUP`, `EINVAL`, `ENOENT`, `ESHUTDOWN`, or 0: the server refused the
///   export, with its reason in the message.
///
/// States: created.
/// Since: 1.0.
/// See also: `nbd_aio_connect_tcp`, `nbd_set_opt_mode`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2, 3)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_connect_tcp(
    h: *mut nbd_handle,
    hostname: *const c_char,
    port: *const c_char,
) -> c_int {
    // SAFETY: `hostname` is a string, or null.
    let hostname = unsafe { text(hostname) };
    // SAFETY: `port` is a string, or null.
    let port = unsafe { text(port) };
    wait!(h, connect_tcp(hostname, port))
}

/// Starts to connect over TCP.
///
/// The host is a name or a numeric address, the port a service name or a
/// number. Finding the addresses of a host name blocks, also in the
/// asynchronous form; then the addresses are tried one after another.
///
/// If the name cannot be resolved or no address can be reached, the handle
/// stays in the created state, and connecting can be tried again.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EFAULT`: `hostname` or `port` is `NULL`.
/// - `EINVAL`: a connection has been started already.
/// - 0: the host name or the port cannot be resolved.
/// - Any errno of `socket` and `connect`: no address could be reached; it is
///   that of the first one.
///
/// States: created.
/// Since: 1.0.
/// See also: `nbd_connect_tcp`, `nbd_set_opt_mode`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2, 3)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_connect_tcp(
    h: *mut nbd_handle,
    hostname: *const c_char,
    port: *const c_char,
) -> c_int {
    // SAFETY: `hostname` is a string, or null.
    let hostname = unsafe { text(hostname) };
    // SAFETY: `port` is a string, or null.
    let port = unsafe { text(port) };
    call!(h, aio_connect_tcp(hostname, port))
}

/// Connects over a Unix domain socket.
///
/// `unixsocket` is the path of the socket.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EFAULT`: `unixsocket` is `NULL`.
/// - `EINVAL`: a connection has been started already.
/// - `ENAMETOOLONG`: the path is longer than a socket address can hold; the
///   handle stays in the created state.
/// - Any errno of `socket` and `connect`: no connection came about.
/// - 0: the peer does not speak NBD, closed the connection during the
///   handshake, or broke the protocol.
/// - `ENOTSUP`, `EINVAL`, `ENOENT`, `ESHUTDOWN`, or 0: the server refused the
///   export, with its reason in the message.
///
/// States: created.
/// Since: 1.0.
/// See also: `nbd_aio_connect_unix`, `nbd_set_opt_mode`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_connect_unix(
    h: *mut nbd_handle,
    unixsocket: *const c_char,
) -> c_int {
    // SAFETY: `unixsocket` is a string, or null.
    let unixsocket = unsafe { text(unixsocket) };
    wait!(h, connect_unix(unixsocket))
}

/// Starts to connect over a Unix domain socket.
///
/// `unixsocket` is the path of the socket.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EFAULT`: `unixsocket` is `NULL`.
/// - `EINVAL`: a connection has been started already.
/// - `ENAMETOOLONG`: the path is longer than a socket address can hold; the
///   handle stays in the created state.
/// - Any errno of `socket` and `connect`: no connection came about.
///
/// States: created.
/// Since: 1.0.
/// See also: `nbd_connect_unix`, `nbd_set_opt_mode`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_connect_unix(
    h: *mut nbd_handle,
    unixsocket: *const c_char,
) -> c_int {
    // SAFETY: `unixsocket` is a string, or null.
    let unixsocket = unsafe { text(unixsocket) };
    call!(h, aio_connect_unix(unixsocket))
}

/// Connects to a virtual machine, or from one to its host.
///
/// `cid` is the context id of the machine, 2 for the host; `port` is the port,
/// usually 10809. Both belong to `AF_VSOCK`, which is independent of any
/// network.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EINVAL`: a connection has been started already.
/// - Any errno of `socket` and `connect`: no connection came about.
/// - 0: the peer does not speak NBD, closed the connection during the
///   handshake, or broke the protocol.
/// - `ENOTSUP`, `EINVAL`, `ENOENT`, `ESHUTDOWN`, or 0: the server refused the
///   export, with its reason in the message.
///
/// States: created.
/// Since: 1.2.
/// See also: `nbd_aio_connect_vsock`, `nbd_set_opt_mode`,
///   `nbd_supports_vsock`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_connect_vsock(
    h: *mut nbd_handle,
    cid: u32,
    port: u32,
) -> c_int {
    wait!(h, connect_vsock(cid, port))
}

/// Starts to connect to a virtual machine, or from one to its host.
///
/// `cid` is the context id of the machine, 2 for the host; `port` is the port,
/// usually 10809. Both belong to `AF_VSOCK`, which is independent of any
/// network.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EINVAL`: a connection has been started already.
/// - Any errno of `socket` and `connect`: no connection came about.
///
/// States: created.
/// Since: 1.2.
/// See also: `nbd_connect_vsock`, `nbd_set_opt_mode`, `nbd_supports_vsock`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_connect_vsock(
    h: *mut nbd_handle,
    cid: u32,
    port: u32,
) -> c_int {
    call!(h, aio_connect_vsock(cid, port))
}

/// Starts to connect to a socket address.
///
/// `addr` is copied. Any family of stream sockets will do.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EFAULT`: `addr` is `NULL`.
/// - `EINVAL`: a connection has been started already.
/// - `EINVAL`: `addrlen` is not the length of a socket address.
/// - Any errno of `socket` and `connect`: no connection came about.
///
/// States: created.
/// Since: 1.0.
/// See also: `nbd_set_opt_mode`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_connect(
    h: *mut nbd_handle,
    addr: *const sockaddr,
    addrlen: socklen_t,
) -> c_int {
    // SAFETY: `addr` is as long as `addrlen` says, or null.
    let addr = unsafe { address(addr, addrlen) };
    call!(h, aio_connect(addr))
}

/// Connects over a stream socket that is connected already.
///
/// The library makes the socket non-blocking and close-on-exec, and closes it
/// together with the handle. Any connected stream socket will do, such as one
/// end of a socket pair.
///
/// If the call fails because of the descriptor itself, the handle stays in the
/// created state, and the descriptor still belongs to the program.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EINVAL`: a connection has been started already.
/// - `EINVAL`: the socket listens for connections instead of having one.
/// - `ENOTCONN`: the socket is not connected, nor being connected.
/// - `ENOTSOCK`: the descriptor is not that of a socket.
/// - `EBADF`, or another errno of `fcntl`: the descriptor is unusable.
/// - 0: the peer does not speak NBD, closed the connection during the
///   handshake, or broke the protocol.
/// - `ENOTSUP`, `EINVAL`, `ENOENT`, `ESHUTDOWN`, or 0: the server refused the
///   export, with its reason in the message.
///
/// States: created.
/// Since: 1.2.
/// See also: `nbd_aio_connect_socket`, `nbd_connect_command`,
///   `nbd_set_opt_mode`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_connect_socket(h: *mut nbd_handle, sock: c_int) -> c_int {
    wait!(h, connect_socket(Descriptor(sock)))
}

/// Starts to connect over a stream socket that is connected already.
///
/// The library makes the socket non-blocking and close-on-exec, and closes it
/// together with the handle. Any connected stream socket will do, such as one
/// end of a socket pair.
///
/// If the call fails because of the descriptor itself, the handle stays in the
/// created state, and the descriptor still belongs to the program.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EINVAL`: a connection has been started already.
/// - `EINVAL`: the socket listens for connections instead of having one.
/// - `ENOTCONN`: the socket is not connected, nor being connected.
/// - `ENOTSOCK`: the descriptor is not that of a socket.
/// - `EBADF`, or another errno of `fcntl`: the descriptor is unusable.
///
/// States: created.
/// Since: 1.2.
/// See also: `nbd_connect_socket`, `nbd_set_opt_mode`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_connect_socket(h: *mut nbd_handle, sock: c_int) -> c_int {
    call!(h, aio_connect_socket(Descriptor(sock)))
}

/// Ends the connection in order, and waits until it has ended.
///
/// Tells the server that nothing more will come, after the commands that are
/// queued, then waits until the server has closed the connection. In option
/// mode the negotiation is aborted. Commands whose replies do not arrive any
/// more complete with `ENOTCONN`: wait for the replies first. Data that the
/// server may hold in a cache needs `nbd_flush` before.
///
/// `flags` is 0, or `LIBNBD_SHUTDOWN_ABANDON_PENDING`: commands of which no
/// byte has been sent complete with `ENOTCONN` at once, and are not sent.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is still connecting, or its connection has ended.
/// - `EINVAL`: `flags` has an unknown bit.
/// - Any errno of waiting for the server: the connection broke.
///
/// States: negotiating and connected.
/// Since: 1.0.
/// See also: `nbd_aio_disconnect`, `nbd_aio_opt_abort`, `nbd_close`.
/// Source: NBD protocol, `NBD_CMD_DISC` and `NBD_OPT_ABORT`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_shutdown(h: *mut nbd_handle, flags: u32) -> c_int {
    wait!(h, shutdown(flags))
}

/// Queues a disconnect behind the commands in flight.
///
/// The server does not answer it; it closes the connection, and the handle
/// becomes closed. Later commands are refused. A disconnect counts as in flight
/// until the connection ends, but never as a completed command.
///
/// `flags` must be 0.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handshake is not over yet, or the connection has ended.
/// - `EINVAL`: `flags` is not 0, or a disconnect is queued already.
///
/// States: connected.
/// Since: 1.0.
/// See also: `nbd_aio_in_flight`.
/// Source: NBD protocol, `NBD_CMD_DISC`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_disconnect(h: *mut nbd_handle, flags: u32) -> c_int {
    call!(h, aio_disconnect(flags))
}
