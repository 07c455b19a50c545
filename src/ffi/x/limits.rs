//! Time limits, and giving up a command.
//!
//! The section TIME LIMITS of `libnbdx` explains what a limit covers, what
//! becomes of a command that has exceeded it, and how a program with a main loop
//! of its own takes part.

use std::ffi::c_int;

use crate::ffi::guard::call;
use crate::ffi::registry::nbd_handle;

/// Sets a time limit.
///
/// `which` selects what is limited:
///
/// - `NBDX_TIMEOUT_CONNECT`: connecting, from the call that starts it until the
///   handle is connected or, in option mode, negotiating. This covers resolving
///   the name, starting a program, connecting, TLS, and the handshake. When the
///   time is over, the connection ends.
/// - `NBDX_TIMEOUT_CALL`: each command, and each option that the program sends in
///   option mode, from the call that starts it until it has completed. When the
///   time is over, the command ends and the handle stays connected. After an
///   option, a disconnect, or a command of which a part has been sent, the
///   connection ends.
/// - `NBDX_TIMEOUT_SILENCE`: the time in which the server owes an answer and not a
///   byte arrives from it. When it is over, the connection ends.
///
/// Whatever exceeds a limit fails with `ETIMEDOUT`, and the message says which
/// limit it was and what was waited for. When the connection ends, the handle is
/// dead, and all its commands fail in this way.
///
/// The time is `milliseconds` long; 0, the default, means that there is no limit.
/// What is in progress when a limit is set counts from then on. A new handle has the
/// limits in the environment variables `LIBNBDX_CONNECT_TIMEOUT`,
/// `LIBNBDX_CALL_TIMEOUT` and `LIBNBDX_SILENCE_TIMEOUT`.
///
/// The memory of a command that has exceeded its limit is no longer used, and the
/// program can free it. The server knows nothing of the limit: a write, zero or
/// trim that has timed out may have happened, may happen later, or may never
/// happen.
///
/// Errors:
/// - `EINVAL`: `which` is none of the above, or `milliseconds` is negative. The
///   limits are unchanged.
///
/// See also: `nbdx_get_timeout`, `nbdx_aio_get_timeout`, `nbdx_aio_cancel_command`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbdx_set_timeout(
    h: *mut nbd_handle,
    which: c_int,
    milliseconds: i64,
) -> c_int {
    call!(h, set_timeout(which, milliseconds))
}

/// Returns a time limit.
///
/// Returns: the milliseconds set with `nbdx_set_timeout` or in the environment, or
/// 0 if there is no such limit.
/// Errors:
/// - `EINVAL`: `which` is not one of the values for `nbdx_set_timeout`.
///
/// See also: `nbdx_set_timeout`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbdx_get_timeout(h: *mut nbd_handle, which: c_int) -> i64 {
    call!(h, get_timeout(which))
}

/// Returns how long a main loop may sleep before a time limit passes.
///
/// The result suits `poll`(2) and `epoll_wait`(2), which take -1 as forever. It can
/// change with every call on the handle. When the time is over, call
/// `nbdx_aio_notify_timeout`. Programs that wait with `nbd_poll`, `nbd_poll2` or a
/// call that is not asynchronous need neither of the two.
///
/// Returns: the milliseconds until the next limit passes, rounded up and at most
/// `INT_MAX`; 0 if one has passed; -1 if no limit applies to what is in progress,
/// or in case of an error.
/// See also: `nbdx_aio_notify_timeout`, `nbdx_set_timeout`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbdx_aio_get_timeout(h: *mut nbd_handle) -> c_int {
    call!(h, aio_get_timeout())
}

/// Applies the time limits that have passed.
///
/// All commands that have exceeded their limit end with `ETIMEDOUT`, and their
/// completion callbacks run. If the limits that have passed end the connection,
/// this call fails. If none has passed, it does nothing.
///
/// A program that has been told at the same time that the socket is ready should
/// call `nbd_aio_notify_read` first, because the reply may have arrived.
///
/// Errors:
/// - `ETIMEDOUT`: the connection has ended because of a limit; the message says
///   which.
///
/// See also: `nbdx_aio_get_timeout`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbdx_aio_notify_timeout(h: *mut nbd_handle) -> c_int {
    call!(h, aio_notify_timeout())
}

/// Ends a command without waiting for the reply.
///
/// `cookie` is what the call that queued the command returned. The command ends
/// with `ECANCELED`; its completion callback runs before this call returns, and its
/// buffer is no longer used. A command that has completed already keeps its result.
/// In both cases the command is retired as usual, by its callback or by
/// `nbd_aio_command_completed`.
///
/// The protocol has no message to cancel a command. If the request has been sent,
/// the server executes it, perhaps later, and its reply is dropped. The handle
/// stays connected. Only if a part of the request has been sent, the connection
/// ends: the handle is dead, and all other commands end with `ECANCELED` as well.
///
/// Errors:
/// - `EINVAL`: `cookie` is not positive.
/// - `ENOENT`: there is no such command, or it has been retired.
///
/// See also: `nbd_aio_command_completed`, `nbdx_set_timeout`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbdx_aio_cancel_command(h: *mut nbd_handle, cookie: i64) -> c_int {
    call!(h, aio_cancel_command(u64::try_from(cookie).unwrap_or(0)))
}
