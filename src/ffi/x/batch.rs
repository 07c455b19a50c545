//! Batches: requests that leave together.

use std::ffi::c_int;

use crate::ffi::guard::call;
use crate::ffi::registry::nbd_handle;

/// Sets whether requests leave in batches.
///
/// By default, which is `false`, the function that starts a command sends its
/// request at once if the socket accepts it, and one call of `nbd_poll` or
/// `nbd_aio_notify_read` completes at most one command. With many small requests in
/// flight, the system calls for sending them one by one are most of the work.
///
/// If `batch` is `true`, the functions that start a command, such as
/// `nbd_aio_pread`, only queue it. All queued requests are sent together when the
/// handle next moves bytes: in `nbd_poll`, `nbd_poll2`, `nbd_aio_notify_read`,
/// `nbd_aio_notify_write` and every function that waits for the server. Until then
/// `nbd_aio_get_direction` includes `LIBNBD_AIO_DIRECTION_WRITE`. Moreover, one call
/// may complete any number of commands, so that their callbacks run one after the
/// other. `nbd_aio_disconnect` sends the queue and the disconnect request at once.
///
/// This is suitable for a program that always returns to `nbd_poll` or to its main
/// loop after it has started commands, as nearly all programs do. It is not suitable
/// if a thread starts commands while another one is already asleep in `poll`(2) on
/// the socket, because that thread is not woken; or if a program counts on one
/// completed command per call.
///
/// If batches are turned off, what is queued is sent. The environment variable
/// `LIBNBDX_BATCH` turns them on for programs that do not call this function; see
/// `libnbdx`.
///
/// See also: `nbd_aio_get_direction`, `nbd_poll`, `nbdx_get_batch`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbdx_set_batch(h: *mut nbd_handle, batch: bool) -> c_int {
    call!(h, set_batch(batch))
}

/// Returns the setting of `nbdx_set_batch`.
///
/// Returns: 1 if requests leave in batches, otherwise 0.
/// See also: `nbdx_set_batch`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbdx_get_batch(h: *mut nbd_handle) -> c_int {
    call!(h, get_batch())
}
