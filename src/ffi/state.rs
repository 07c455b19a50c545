//! The state of a handle. Exactly one of these predicates is true at any time.
//! They do not lock the handle, so they can be used even while another thread
//! is inside a call.

use std::ffi::{c_char, c_int};

use super::guard::{call, get};
use super::registry::nbd_handle;

/// Reports whether the handle has not been connected yet.
///
/// Most settings can be changed only in this state.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_is_created(h: *mut nbd_handle) -> c_int {
    get!(h, aio_is_created(), 0)
}

/// Reports whether the handle is connecting or in the handshake.
///
/// This is also the state while an option is in progress in option mode.
///
/// See also: `nbd_aio_is_ready`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_is_connecting(h: *mut nbd_handle) -> c_int {
    get!(h, aio_is_connecting(), 0)
}

/// Reports whether the handle waits for the next option.
///
/// This state exists only in option mode; see `nbd_set_opt_mode`.
///
/// See also: `nbd_aio_is_connecting`, `nbd_aio_is_ready`, `nbd_set_opt_mode`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_is_negotiating(h: *mut nbd_handle) -> c_int {
    get!(h, aio_is_negotiating(), 0)
}

/// Reports whether the handle is connected, and neither sending nor receiving.
///
/// Commands can be in flight: the server may not have replied yet.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_is_ready(h: *mut nbd_handle) -> c_int {
    get!(h, aio_is_ready(), 0)
}

/// Reports whether the handle is connected, and in the middle of a message.
///
/// Commands can be queued, as in the ready state.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_is_processing(h: *mut nbd_handle) -> c_int {
    get!(h, aio_is_processing(), 0)
}

/// Reports whether the connection has been closed.
///
/// Either side has closed it: a server that is killed closes it as well, even if
/// commands are in flight, which end with `ENOTCONN` then. If the connection
/// broke in the middle of a message, `nbd_aio_is_dead` is true instead, so a
/// program that waits for the end has to ask both.
///
/// What the server reported is still available, and commands can be retired.
/// The handle cannot be connected again.
///
/// See also: `nbd_aio_is_dead`, `nbd_shutdown`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_is_closed(h: *mut nbd_handle) -> c_int {
    get!(h, aio_is_closed(), 0)
}

/// Reports whether the connection is broken.
///
/// The cause is in the error of the call during which it happened. Commands can
/// still be retired. The handle cannot be connected again.
///
/// See also: `nbd_aio_is_closed`, `nbd_get_error`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_is_dead(h: *mut nbd_handle) -> c_int {
    get!(h, aio_is_dead(), 0)
}

/// Returns a detailed description of the state of the handle.
///
/// It consists of a name, a colon and a description, and is meant for people:
/// names may change between versions.
///
/// Returns: a constant string, or `NULL` on failure.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_connection_state(h: *mut nbd_handle) -> *const c_char {
    call!(h, connection_state())
}
