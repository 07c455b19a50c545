//! Driving a handle: waiting for the socket, making progress, collecting what
//! has completed.
//!
//! A program with a main loop of its own polls the descriptor of
//! `nbd_aio_get_fd` for what `nbd_aio_get_direction` returns, and calls
//! `nbd_aio_notify_read` or `nbd_aio_notify_write` accordingly. `nbd_poll` does
//! one such round.

use std::ffi::{c_int, c_uint};

use super::guard::{call, get, wait};
use super::registry::nbd_handle;

/// Waits for the server, and makes progress.
///
/// Waits up to `timeout` milliseconds, or forever if it is negative, until the
/// socket is ready for what the handle waits for. Then the handle makes
/// progress until one command has ended or there is nothing more to do.
/// Callbacks run meanwhile. Further replies that have arrived wait for further
/// calls, which return at once. The handle stays locked, so other threads that
/// use it wait as well.
///
/// Returns: 1 if the handle has made progress, 0 if the time is over. It is also 1
/// if the server has closed the connection; see `nbd_aio_is_closed`.
/// Errors:
/// - `EINVAL`: the handle waits for nothing: it is created, negotiating, closed
///   or dead.
/// - `ENOTCONN`: the socket reports an error and nothing to read.
/// - Any errno, or 0: the connection broke, or `poll` failed.
///
/// See also: `nbd_aio_is_closed`, `nbd_aio_is_dead`, `nbd_poll2`,
///   `nbdx_set_timeout`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_poll(h: *mut nbd_handle, timeout: c_int) -> c_int {
    in_pieces(timeout, |timeout| wait!(h, poll(timeout)))
}

/// Waits for the server or for another descriptor, and makes progress.
///
/// This works like `nbd_poll`, except that the call returns without progress if
/// `fd` becomes readable first, so that other threads can end the waiting. A
/// negative `fd` is ignored.
///
/// Returns: 1 if the handle has made progress or `fd` is readable, 0 if the
/// time is over.
/// Errors:
/// - `EINVAL`: the handle waits for nothing: it is created, negotiating, closed
///   or dead.
/// - `ENOTCONN`: the socket reports an error and nothing to read.
/// - Any errno, or 0: the connection broke, or `poll` failed.
///
/// See also: `nbd_poll`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_poll2(h: *mut nbd_handle, fd: c_int, timeout: c_int) -> c_int {
    in_pieces(timeout, |timeout| wait!(h, poll2(fd, timeout)))
}

/// A poll without a limit comes back once a second, because a thread that has been
/// cancelled can end only between two calls.
fn in_pieces(timeout: c_int, poll: impl Fn(c_int) -> c_int) -> c_int {
    const MILLISECONDS: c_int = 1000;
    if timeout >= 0 {
        return poll(timeout);
    }
    loop {
        match poll(MILLISECONDS) {
            0 => {}
            result => return result,
        }
    }
}

/// Returns the descriptor to poll.
///
/// It belongs to the library: do not read from, write to or close it. With TLS
/// it is the underlying socket.
///
/// The socket is non-blocking from this call on. Before, it may be blocking:
/// calls that wait forever then wait without polling first.
///
/// The number stays the same until the connection has ended. While
/// `nbd_aio_connect_tcp` tries the addresses of a host, another socket may take
/// it over, which `epoll` has to be told; see the section MAIN LOOPS of
/// `libnbd`.
///
/// Returns: the descriptor.
/// Errors:
/// - `EINVAL`: the handle has no socket, because it is created, closed or dead.
///
/// See also: `nbd_aio_get_direction`, `nbd_aio_notify_read`,
///   `nbd_aio_notify_write`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_get_fd(h: *mut nbd_handle) -> c_int {
    call!(h, aio_get_fd())
}

/// Returns what to poll the descriptor for.
///
/// The result can change with every call on the handle. The handle is not
/// locked.
///
/// Returns: `LIBNBD_AIO_DIRECTION_READ`, `_WRITE` or `_BOTH`, or 0 if the
/// handle waits for nothing: it is created, negotiating, closed or dead. A
/// connected handle always waits for reading, at least to notice the end of the
/// connection.
/// See also: `nbd_aio_get_fd`, `nbd_aio_in_flight`, `nbd_aio_notify_read`,
///   `nbd_aio_notify_write`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_get_direction(h: *mut nbd_handle) -> c_uint {
    get!(h, aio_get_direction(), 0)
}

/// Notifies the handle that its socket is readable.
///
/// The handle receives what it needs, and makes progress until one command has
/// ended or there is nothing more to do. Callbacks run meanwhile. If more
/// replies have arrived, the descriptor stays readable, or
/// `nbd_aio_get_direction` returns `LIBNBD_AIO_DIRECTION_BOTH`. The call also
/// succeeds if the server has closed the connection; see `nbd_aio_is_closed`.
///
/// Errors:
/// - `EINVAL`: the handle does not wait for this; it is unchanged.
/// - Any errno, or 0: the connection broke; the cause is in the message.
///
/// See also: `nbd_aio_get_direction`, `nbd_aio_is_closed`, `nbd_aio_is_dead`,
///   `nbd_aio_notify_write`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_notify_read(h: *mut nbd_handle) -> c_int {
    call!(h, aio_notify_read())
}

/// Notifies the handle that its socket is writable.
///
/// The handle sends what it can. If it has received replies that it has not
/// processed, it also ends one command.
///
/// Errors:
/// - `EINVAL`: the handle does not wait for this; it is unchanged.
/// - Any errno, or 0: the connection broke; the cause is in the message.
///
/// See also: `nbd_aio_get_direction`, `nbd_aio_is_closed`, `nbd_aio_is_dead`,
///   `nbd_aio_notify_read`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_notify_write(h: *mut nbd_handle) -> c_int {
    call!(h, aio_notify_write())
}

/// Returns the number of commands in flight.
///
/// These are the commands that are queued or sent and have not completed, and a
/// disconnect that is in progress. The number is 0 after the connection has
/// ended.
///
/// Returns: the number.
/// See also: `nbd_aio_disconnect`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_in_flight(h: *mut nbd_handle) -> c_int {
    call!(h, aio_in_flight())
}

/// Checks whether a command has completed, and retires it.
///
/// `cookie` is what the call that queued the command returned. Once the command
/// has completed, this function returns its result, frees its callbacks, and
/// forgets it. A command that was retired by its completion callback has
/// already been forgotten.
///
/// Returns: 1 if the command succeeded, 0 if it has not completed or is
/// unknown.
/// Errors:
/// - `EINVAL`: `cookie` is 0.
/// - `EPROTO`: the reply violates the protocol, or does not cover all of a
///   read.
/// - `ENOTCONN`: the connection ended before the reply arrived.
/// - Any errno that the server sent or a callback stored.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_command_completed(
    h: *mut nbd_handle,
    cookie: u64,
) -> c_int {
    call!(h, aio_command_completed(cookie))
}

/// Returns the cookie of a command that has completed and is not retired.
///
/// Commands are found in the order of their replies. Pass the cookie to
/// `nbd_aio_command_completed`.
///
/// Returns: the cookie of the oldest such command, 0 if none has completed yet.
/// Errors:
/// - `EINVAL`: there is nothing in flight to wait for.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_peek_command_completed(h: *mut nbd_handle) -> i64 {
    call!(h, aio_peek_command_completed())
}
