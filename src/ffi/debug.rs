//! Debug messages: what the library does, for finding faults.
//!
//! Every call on a handle writes a line with its arguments when it begins and a
//! line with its result when it ends. Other lines report how the handshake
//! went, which faults of the server were ignored, and why a connection broke.

use std::ffi::c_int;

use super::callbacks::nbd_debug_callback;
use super::guard::{call, get};
use super::registry::nbd_handle;

/// Switches debug messages on or off.
///
/// They are off by default unless the environment variable `LIBNBD_DEBUG` says
/// otherwise; see `nbd_create`. Messages go to standard error, one line each
/// with the name of the handle, or to the callback of `nbd_set_debug_callback`.
///
/// See also: `nbd_set_debug_callback`, `nbd_set_handle_name`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_debug(h: *mut nbd_handle, debug: bool) -> c_int {
    call!(h, set_debug(debug))
}

/// Reports whether debug messages are on.
///
/// See also: `nbd_set_debug`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_debug(h: *mut nbd_handle) -> c_int {
    get!(h, get_debug(), 0)
}

/// Sends debug messages to a callback.
///
/// The callback receives the name of the public function that is running and
/// the message; nothing is written to standard error any more. Messages must
/// still be switched on with `nbd_set_debug`. A callback that was set before is
/// freed before this function returns, unless another thread is delivering a
/// message to it; that thread then frees it afterwards.
///
/// The callback may run in any thread that uses the handle. The handle is
/// locked meanwhile, so most functions fail with `EDEADLK` if the callback
/// calls them on it. Messages of calls on other handles inside the callback are
/// not delivered.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_debug_callback(
    h: *mut nbd_handle,
    debug_callback: nbd_debug_callback,
) -> c_int {
    call!(h, set_debug_callback(debug_callback))
}

/// Frees the debug callback.
///
/// Debug messages go to standard error again. It is not an error if there is no
/// callback.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_clear_debug_callback(h: *mut nbd_handle) -> c_int {
    call!(h, clear_debug_callback())
}
