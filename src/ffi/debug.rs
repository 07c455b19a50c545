//! Debug messages: what the library does, for finding faults.
//!
//! Every call on a handle writes a line when it begins, with its arguments, and
//! one when it ends, with its result; more lines tell how the handshake went,
//! which faults of the server were passed over, and why a connection broke.

use std::ffi::c_int;

use super::callbacks::nbd_debug_callback;
use super::guard::{call, get};
use super::registry::nbd_handle;

/// Switches debug messages on or off.
///
/// They are off at first, unless `LIBNBD_DEBUG` in the environment says
/// otherwise; see `nbd_create`. Messages go to standard error, one line each
/// with the handle's name, or to the callback of `nbd_set_debug_callback`.
///
/// Returns: 0, or -1 on failure.
/// Errors: none.
/// States: any.
/// Since: 1.0.
/// See also: `nbd_set_debug_callback`, `nbd_set_handle_name`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_debug(h: *mut nbd_handle, debug: bool) -> c_int {
    call!(h, set_debug(debug))
}

/// Tells whether debug messages are on.
///
/// Returns: 1 if so, else 0.
/// Errors: none.
/// States: any.
/// Since: 1.0.
/// See also: `nbd_set_debug`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_debug(h: *mut nbd_handle) -> c_int {
    get!(h, get_debug(), 0)
}

/// Has debug messages delivered to a callback.
///
/// The callback gets the name of the public function that is running and the
/// message, and nothing goes to standard error any more. It does not switch
/// messages on; `nbd_set_debug` does. A callback set before is freed before
/// this returns; if another thread is just delivering a message to it, that
/// thread frees it when it has done so.
///
/// The callback may run in any thread that uses the handle, while the handle is
/// locked: it must not use the handle itself.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EFAULT`: `debug_callback` has neither `callback` nor `free`.
///
/// States: any.
/// Since: 1.0.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_debug_callback(
    h: *mut nbd_handle,
    debug_callback: nbd_debug_callback,
) -> c_int {
    let debug_callback = debug_callback.own();
    call!(h, set_debug_callback(debug_callback))
}

/// Frees the debug callback.
///
/// Debug messages go to standard error again. It is no error if there is no
/// callback.
///
/// Returns: 0, or -1 on failure.
/// Errors: none.
/// States: any.
/// Since: 1.0.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_clear_debug_callback(h: *mut nbd_handle) -> c_int {
    call!(h, clear_debug_callback())
}
