//! Driving a handle: waiting for the socket, moving on, collecting what has
//! completed.
//!
//! A program with a main loop of its own polls the descriptor of
//! `nbd_aio_get_fd` for what `nbd_aio_get_direction` says, and calls
//! `nbd_aio_notify_read` or `nbd_aio_notify_write` accordingly. `nbd_poll` does
//! one such round.

use std::ffi::{c_int, c_uint};

use super::guard::{call, get, wait};
use super::registry::nbd_handle;

/// Waits for the server, and moves on.
///
/// Waits up to `timeout` milliseconds, for ever if it is negative, until the
/// socket is ready for what the handle waits for, then moves on until one
/// command has ended or there is nothing more to do. Callbacks run meanwhile.
/// Further replies that have arrived wait for further calls, which return at
/// once. The handle stays locked, so other threads that use it wait as well.
///
/// Returns: 1 if the handle has moved on, 0 if the time is over, or -1 on
/// failure.
/// Errors:
/// - `EINVAL`: the handle waits for nothing: it is created, negotiating, closed
///   or dead.
/// - `ENOTCONN`: the socket reports an error and nothing to read.
/// - Any errno, or 0: the connection broke, or `poll` failed.
///
/// States: any.
/// Since: 1.0.
/// See also: `nbd_poll2`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_poll(h: *mut nbd_handle, timeout: c_int) -> c_int {
    wait!(h, poll(timeout))
}

/// Waits for the server or for another descriptor, and moves on.
///
/// Waits up to `timeout` milliseconds, for ever if it is negative, until the
/// socket is ready for what the handle waits for, then moves on until one
/// command has ended or there is nothing more to do. Callbacks run meanwhile.
/// Further replies that have arrived wait for further calls, which return at
/// once. The handle stays locked, so other threads that use it wait as well.
///
/// If `fd` becomes readable first, nothing moves and the call returns: other
/// threads can so end the waiting. A negative `fd` is not watched.
///
/// Returns: 1 if the handle has moved on or `fd` is readable, 0 if the time is
/// over, or -1 on failure.
/// Errors:
/// - `EINVAL`: the handle waits for nothing: it is created, negotiating, closed
///   or dead.
/// - `ENOTCONN`: the socket reports an error and nothing to read.
/// - Any errno, or 0: the connection broke, or `poll` failed.
///
/// States: any.
/// Since: 1.16.
/// See also: `nbd_poll`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_poll2(h: *mut nbd_handle, fd: c_int, timeout: c_int) -> c_int {
    wait!(h, poll2(fd, timeout))
}

/// Tells the descriptor to poll.
///
/// It belongs to the library: do not read, write or close it. With TLS it is
/// the socket below.
///
/// The socket is non-blocking. Until it has been asked for, it may not be: calls
/// that wait for ever then wait without polling first.
///
/// The number stays the same until the connection has ended. While
/// `nbd_aio_connect_tcp` goes through the addresses of a host, another socket may
/// take it, which `epoll` has to be told; the section MAIN LOOPS of `libnbd`(3)
/// has the details.
///
/// Returns: the descriptor, or -1 on failure.
/// Errors:
/// - `EINVAL`: the handle has no socket, because it is created, closed or dead.
///
/// States: any.
/// Since: 1.0.
/// See also: `nbd_aio_get_direction`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_get_fd(h: *mut nbd_handle) -> c_int {
    call!(h, aio_get_fd())
}

/// Tells what to poll the descriptor for.
///
/// The answer can change with every call on the handle. The handle is not
/// locked.
///
/// Returns: `LIBNBD_AIO_DIRECTION_READ`, `_WRITE` or `_BOTH`, or 0 if the
/// handle waits for nothing.
/// Errors: none.
/// States: any.
/// Since: 1.0.
/// See also: `nbd_aio_in_flight`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_get_direction(h: *mut nbd_handle) -> c_uint {
    get!(h, aio_get_direction(), 0)
}

/// Tells the handle that its socket is readable.
///
/// The handle receives what it needs, and moves on until one command has ended
/// or there is nothing more to do. Callbacks run meanwhile. If more replies have
/// arrived, the descriptor stays readable, or `nbd_aio_get_direction` asks for
/// both.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EINVAL`: the handle does not wait for this; it is as before.
/// - Any errno, or 0: the connection broke, with the cause in the message.
///
/// States: any.
/// Since: 1.0.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_notify_read(h: *mut nbd_handle) -> c_int {
    call!(h, aio_notify_read())
}

/// Tells the handle that its socket is writable.
///
/// The handle sends what it can. If it has received replies that have not been
/// used, it also ends one command.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EINVAL`: the handle does not wait for this; it is as before.
/// - Any errno, or 0: the connection broke, with the cause in the message.
///
/// States: any.
/// Since: 1.0.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_notify_write(h: *mut nbd_handle) -> c_int {
    call!(h, aio_notify_write())
}

/// Counts the commands in flight.
///
/// These are the commands that are queued or sent and have not completed, and a
/// disconnect that is under way; 0 when the connection has ended.
///
/// Returns: the number, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handshake is not over yet.
///
/// States: connected, closed and dead.
/// Since: 1.0.
/// See also: `nbd_aio_disconnect`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_in_flight(h: *mut nbd_handle) -> c_int {
    call!(h, aio_in_flight())
}

/// Asks whether a command has completed, and retires it.
///
/// `cookie` is what the call that queued the command returned. Once the command
/// has completed, this tells its result, frees its closures, and forgets it; a
/// command that the completion callback has retired is forgotten already.
///
/// Returns: 1 if it succeeded, 0 if it has not completed or is not known, or -1
/// if it failed.
/// Errors:
/// - `EINVAL`: `cookie` is 0.
/// - `EPROTO`: the reply broke the protocol, or did not cover the whole of a
///   read.
/// - `ENOTCONN`: the connection ended before the reply.
/// - Any errno that the server sent or a callback stored.
///
/// States: any.
/// Since: 1.0.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_command_completed(
    h: *mut nbd_handle,
    cookie: u64,
) -> c_int {
    call!(h, aio_command_completed(cookie))
}

/// Finds a command that has completed and is not retired.
///
/// Commands are found in the order of their replies. Give the cookie to
/// `nbd_aio_command_completed`.
///
/// Returns: the cookie of the oldest one, 0 if none has completed yet, or -1 on
/// failure.
/// Errors:
/// - `EINVAL`: there is nothing in flight to wait for.
///
/// States: any.
/// Since: 1.0.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_peek_command_completed(h: *mut nbd_handle) -> i64 {
    call!(h, aio_peek_command_completed())
}
