//! Where a handle is in its life. Exactly one of these predicates is true at
//! any time, and they answer without locking the handle, so also while another
//! thread is inside a call.

use std::ffi::{c_char, c_int};

use super::guard::{call, get};
use super::registry::nbd_handle;

/// Tells whether the handle has not been connected yet.
///
/// Most settings can be changed only here.
///
/// Returns: 1 if so, else 0.
/// Errors: none.
/// States: any.
/// Since: 1.0.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_is_created(h: *mut nbd_handle) -> c_int {
    get!(h, aio_is_created(), 0)
}

/// Tells whether the handle is connecting or in the handshake.
///
/// This is also the state while an option is under way in option mode.
///
/// Returns: 1 if so, else 0.
/// Errors: none.
/// States: any.
/// Since: 1.0.
/// See also: `nbd_aio_is_ready`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_is_connecting(h: *mut nbd_handle) -> c_int {
    get!(h, aio_is_connecting(), 0)
}

/// Tells whether the handle waits for the next option.
///
/// Only in option mode; see `nbd_set_opt_mode`.
///
/// Returns: 1 if so, else 0.
/// Errors: none.
/// States: any.
/// Since: 1.4.
/// See also: `nbd_aio_is_connecting`, `nbd_aio_is_ready`, `nbd_set_opt_mode`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_is_negotiating(h: *mut nbd_handle) -> c_int {
    get!(h, aio_is_negotiating(), 0)
}

/// Tells whether the handle is connected, and neither sending nor receiving.
///
/// Commands can be in flight; they are, when the server has not replied yet.
///
/// Returns: 1 if so, else 0.
/// Errors: none.
/// States: any.
/// Since: 1.0.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_is_ready(h: *mut nbd_handle) -> c_int {
    get!(h, aio_is_ready(), 0)
}

/// Tells whether the handle is connected, and in the middle of a message.
///
/// Commands can be queued, as in the ready state.
///
/// Returns: 1 if so, else 0.
/// Errors: none.
/// States: any.
/// Since: 1.0.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_is_processing(h: *mut nbd_handle) -> c_int {
    get!(h, aio_is_processing(), 0)
}

/// Tells whether the connection ended in order.
///
/// What the server said can still be asked for, and commands can be retired.
/// The handle cannot be connected again.
///
/// Returns: 1 if so, else 0.
/// Errors: none.
/// States: any.
/// Since: 1.0.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_is_closed(h: *mut nbd_handle) -> c_int {
    get!(h, aio_is_closed(), 0)
}

/// Tells whether the connection broke.
///
/// The cause is in the error of the call during which it happened. Commands can
/// still be retired. The handle cannot be connected again.
///
/// Returns: 1 if so, else 0.
/// Errors: none.
/// States: any.
/// Since: 1.0.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_is_dead(h: *mut nbd_handle) -> c_int {
    get!(h, aio_is_dead(), 0)
}

/// Describes the state of the handle in detail.
///
/// A name, a colon and a description, for people: names may change between
/// versions.
///
/// Returns: a constant string, or `NULL` on failure.
/// Errors: none.
/// States: any.
/// Since: 1.0.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_connection_state(h: *mut nbd_handle) -> *const c_char {
    call!(h, connection_state())
}
