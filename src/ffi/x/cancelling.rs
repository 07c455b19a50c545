//! Cancelling whatever waits on a handle.

use std::ffi::c_int;

use crate::ffi::guard;
use crate::ffi::registry::nbd_handle;

/// Cancels the call that waits on the handle.
///
/// A call on the handle that waits, in this thread or in another, soon fails with
/// `ECANCELED`: `nbd_poll` and `nbd_poll2`, commands, options, `nbd_shutdown` and
/// the functions that connect. The connection is dead. All commands and options in
/// flight fail with `ECANCELED` as well; whether the server has carried them out is
/// not known. If no call waits, the next one that would wait fails in this way. A
/// handle stays cancelled; to connect again, use another one. A second call has no
/// effect.
///
/// The function can be called by any thread and by signal handlers, at any time
/// between `nbd_create` and `nbd_close`. It takes no lock, allocates no memory and
/// preserves `errno`(3). Unlike all other functions, it does not set the error that
/// `nbd_get_error` returns: if `h` is not an open handle, it returns -1 and sets
/// only `errno`.
///
/// The socket is shut down in both directions. Processes that share it, such as a
/// child made by `fork`(2), lose the connection, too. A program with its own main
/// loop sees the descriptor become ready, and its next call of
/// `nbd_aio_notify_read` or `nbd_aio_notify_write` fails with `ECANCELED`.
///
/// See the section CANCELLING of `libnbdx` for what cannot be interrupted.
///
/// See also: `nbd_aio_get_fd`, `nbd_close`, `nbd_poll`, `signal-safety`(7).
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbdx_cancel(h: *mut nbd_handle) -> c_int {
    // SAFETY: by the contract of all entries, which `ffi` states.
    unsafe { guard::cancel(h) }
}
