//! Where a handle is in its life. Exactly one of these predicates is true at
//! any time, and they answer without locking the handle, so also while another
//! thread is inside a call.

use std::ffi::{c_char, c_int};

use super::guard;
use super::registry::nbd_handle;
use crate::handle::entry;
use crate::handle::entry::States;

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
pub unsafe extern "C" fn nbd_aio_is_created(h: *mut nbd_handle) -> c_int {
    guard::unlocked(h, &entry::AIO_IS_CREATED, 0, |handle| {
        c_int::from(handle.state() == States::CREATED)
    })
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
pub unsafe extern "C" fn nbd_aio_is_connecting(h: *mut nbd_handle) -> c_int {
    guard::unlocked(h, &entry::AIO_IS_CONNECTING, 0, |handle| {
        c_int::from(handle.state() == States::CONNECTING)
    })
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
pub unsafe extern "C" fn nbd_aio_is_negotiating(h: *mut nbd_handle) -> c_int {
    guard::unlocked(h, &entry::AIO_IS_NEGOTIATING, 0, |handle| {
        c_int::from(handle.state() == States::NEGOTIATING)
    })
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
pub unsafe extern "C" fn nbd_aio_is_ready(h: *mut nbd_handle) -> c_int {
    guard::unlocked(h, &entry::AIO_IS_READY, 0, |handle| {
        c_int::from(handle.is_ready())
    })
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
pub unsafe extern "C" fn nbd_aio_is_processing(h: *mut nbd_handle) -> c_int {
    guard::unlocked(h, &entry::AIO_IS_PROCESSING, 0, |handle| {
        c_int::from(handle.is_processing())
    })
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
pub unsafe extern "C" fn nbd_aio_is_closed(h: *mut nbd_handle) -> c_int {
    guard::unlocked(h, &entry::AIO_IS_CLOSED, 0, |handle| {
        c_int::from(handle.state() == States::CLOSED)
    })
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
pub unsafe extern "C" fn nbd_aio_is_dead(h: *mut nbd_handle) -> c_int {
    guard::unlocked(h, &entry::AIO_IS_DEAD, 0, |handle| {
        c_int::from(handle.state() == States::DEAD)
    })
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
pub unsafe extern "C" fn nbd_connection_state(h: *mut nbd_handle) -> *const c_char {
    guard::locked(
        h,
        &entry::CONNECTION_STATE,
        |a| a,
        |client| Ok(client.connection_state().as_ptr()),
    )
}
