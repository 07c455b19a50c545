//! Connecting to a server, and ending the connection.
//!
//! Each way of connecting has two forms. `nbd_connect_...` waits until the
//! handshake is over: the handle is then connected or, in option mode,
//! negotiating. `nbd_aio_connect_...` starts and returns; the program drives
//! the handle with `nbd_poll` or with the notify functions until
//! `nbd_aio_is_connecting` is no longer true. In both forms a failure to
//! connect leaves the handle dead unless stated otherwise; the cause is in the
//! error of the call during which it happened.

use std::ffi::{c_char, c_int};

use libc::{sockaddr, socklen_t};

use super::arguments::Fd;
use super::guard::{call, wait};
use super::registry::nbd_handle;

/// Connects over TCP.
///
/// `hostname` is a name or a numeric address, `port` a service name or a
/// number. Resolving a host name blocks, even in the asynchronous form, unless
/// `NBDX_TIMEOUT_CONNECT` is set; then its addresses are tried one after another.
///
/// If the name cannot be resolved or no address can be reached, the handle
/// stays in the created state, and connecting can be tried again.
///
/// Errors:
/// - 0: the host name or the port cannot be resolved.
/// - Any errno of `socket` and `connect`: no address could be reached. It is
///   the errno of the first one.
///
/// See also: `nbd_aio_connect_tcp`, `nbd_connect_uri`, `nbd_set_opt_mode`,
///   `nbd_shutdown`, `nbdx_set_connect_retry`, `nbdx_set_timeout`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_connect_tcp(
    h: *mut nbd_handle,
    hostname: *const c_char,
    port: *const c_char,
) -> c_int {
    wait!(h, connect_tcp(hostname, port))
}

/// Starts to connect over TCP.
///
/// `hostname` is a name or a numeric address, `port` a service name or a
/// number. Resolving a host name blocks, even in the asynchronous form, unless
/// `NBDX_TIMEOUT_CONNECT` is set; then its addresses are tried one after another.
///
/// If the name cannot be resolved or no address can be reached, the handle
/// stays in the created state, and connecting can be tried again.
///
/// Errors:
/// - 0: the host name or the port cannot be resolved.
/// - Any errno of `socket` and `connect`: no address could be reached. It is
///   the errno of the first one.
///
/// See also: `nbd_aio_connect_uri`, `nbd_connect_tcp`, `nbd_set_opt_mode`,
///   `nbdx_set_address_race`, `nbdx_set_connect_retry`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_connect_tcp(
    h: *mut nbd_handle,
    hostname: *const c_char,
    port: *const c_char,
) -> c_int {
    call!(h, aio_connect_tcp(hostname, port))
}

/// Connects over a Unix domain socket.
///
/// `unixsocket` is the path of the socket.
///
/// Errors:
/// - `ENAMETOOLONG`: the path is longer than a socket address can hold; the
///   handle stays in the created state.
/// - `EAGAIN`: the server accepts connections too slowly, and its queue of new
///   ones is full.
/// - Any errno of `socket` and `connect`: the connection could not be made.
///
/// See also: `nbd_aio_connect_unix`, `nbd_connect_uri`, `nbd_set_opt_mode`,
///   `nbd_shutdown`, `nbdx_set_connect_retry`, `nbdx_set_timeout`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_connect_unix(
    h: *mut nbd_handle,
    unixsocket: *const c_char,
) -> c_int {
    wait!(h, connect_unix(unixsocket))
}

/// Starts to connect over a Unix domain socket.
///
/// `unixsocket` is the path of the socket.
///
/// Errors:
/// - `ENAMETOOLONG`: the path is longer than a socket address can hold; the
///   handle stays in the created state.
/// - `EAGAIN`: the server accepts connections too slowly, and its queue of new
///   ones is full.
/// - Any errno of `socket` and `connect`: the connection could not be made.
///
/// See also: `nbd_aio_connect_uri`, `nbd_connect_unix`, `nbd_set_opt_mode`,
///   `nbdx_set_connect_retry`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_connect_unix(
    h: *mut nbd_handle,
    unixsocket: *const c_char,
) -> c_int {
    call!(h, aio_connect_unix(unixsocket))
}

/// Connects to a virtual machine, or from one to its host.
///
/// `cid` is the context ID of the machine, which is 2 for the host; `port` is
/// the port, usually 10809. Both belong to `AF_VSOCK`, which is independent of
/// any network.
///
/// Errors:
/// - Any errno of `socket` and `connect`: the connection could not be made.
///
/// See also: `nbd_aio_connect_vsock`, `nbd_set_opt_mode`,
///   `nbd_supports_vsock`.
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
/// `cid` is the context ID of the machine, which is 2 for the host; `port` is
/// the port, usually 10809. Both belong to `AF_VSOCK`, which is independent of
/// any network.
///
/// Errors:
/// - Any errno of `socket` and `connect`: the connection could not be made.
///
/// See also: `nbd_connect_vsock`, `nbd_set_opt_mode`, `nbd_supports_vsock`.
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
/// `addr` is copied. It can be of any family that has stream sockets.
///
/// Errors:
/// - `EINVAL`: `addrlen` is not the length of a socket address.
/// - Any errno of `socket` and `connect`: the connection could not be made.
///
/// See also: `nbd_set_opt_mode`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_connect(
    h: *mut nbd_handle,
    addr: *const sockaddr,
    addrlen: socklen_t,
) -> c_int {
    call!(h, aio_connect((addr, addrlen)))
}

/// Connects over a stream socket that is already connected.
///
/// The library makes the socket non-blocking and close-on-exec, and closes it
/// together with the handle. Any connected stream socket can be used, such as
/// one end of a socket pair.
///
/// If the call fails because of the descriptor itself, the handle stays in the
/// created state, and the descriptor still belongs to the program.
///
/// Errors:
/// - `EINVAL`: the socket listens for connections instead of having one.
/// - `ENOTCONN`: the socket is neither connected nor being connected.
/// - `ENOTSOCK`: the descriptor is not a socket.
/// - `EBADF`, or another errno of `fcntl`: the descriptor is unusable.
///
/// See also: `nbd_aio_connect_socket`, `nbd_connect_command`,
///   `nbd_set_opt_mode`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_connect_socket(h: *mut nbd_handle, sock: c_int) -> c_int {
    wait!(h, connect_socket(Fd(sock)))
}

/// Starts to connect over a stream socket that is already connected.
///
/// The library makes the socket non-blocking and close-on-exec, and closes it
/// together with the handle. Any connected stream socket can be used, such as
/// one end of a socket pair.
///
/// If the call fails because of the descriptor itself, the handle stays in the
/// created state, and the descriptor still belongs to the program.
///
/// Errors:
/// - `EINVAL`: the socket listens for connections instead of having one.
/// - `ENOTCONN`: the socket is neither connected nor being connected.
/// - `ENOTSOCK`: the descriptor is not a socket.
/// - `EBADF`, or another errno of `fcntl`: the descriptor is unusable.
///
/// See also: `nbd_connect_socket`, `nbd_set_opt_mode`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_connect_socket(h: *mut nbd_handle, sock: c_int) -> c_int {
    call!(h, aio_connect_socket(Fd(sock)))
}

/// Ends the connection in order, and waits until it has ended.
///
/// The server is told that nothing follows the commands that are queued; then
/// the call waits until the server has closed the connection. In option mode
/// the negotiation is aborted. Commands whose replies do not arrive any more
/// complete with `ENOTCONN`, so wait for the replies first. Data that the
/// server may hold in a cache must be flushed with `nbd_flush` before.
///
/// `flags` is 0 or `LIBNBD_SHUTDOWN_ABANDON_PENDING`: commands of which no byte
/// has been sent are not sent, and complete with `ENOTCONN` at once.
///
/// Errors:
/// - Any errno of waiting for the server: the connection broke.
///
/// See also: `nbd_aio_disconnect`, `nbd_aio_opt_abort`, `nbd_close`.
/// Source: NBD protocol, `NBD_CMD_DISC` and `NBD_OPT_ABORT`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_shutdown(h: *mut nbd_handle, flags: u32) -> c_int {
    wait!(h, shutdown(flags))
}

/// Queues a disconnect after the commands in flight.
///
/// The server does not reply to it; it closes the connection, and the handle
/// becomes closed. Later commands are refused. A disconnect counts as in flight
/// until the connection ends, but never as a completed command.
///
/// See also: `nbd_aio_in_flight`.
/// Source: NBD protocol, `NBD_CMD_DISC`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_disconnect(h: *mut nbd_handle, flags: u32) -> c_int {
    call!(h, aio_disconnect(flags))
}
