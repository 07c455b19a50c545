//! Reading and writing without waiting.
//!
//! Each call queues a command and returns its cookie, a number above 0 that is
//! not used again with this handle. The command is sent at once if the socket
//! accepts it. The program then drives the handle with `nbd_poll` or the notify
//! functions. Buffers must stay valid until the command has completed.
//!
//! Requests in flight must not overlap, on this handle or another, unless all of
//! them are reads: the server may carry them out in any order, so a read may
//! return old and new data mixed, and writes may leave a mixture on the disk.
//!
//! When the reply is complete, `completion_callback` runs with 0 or the errno
//! of the failure in `*error`. If it returns 1, the command is retired at once;
//! if it returns -1, what it stored in `*error`, unless 0, becomes the result.
//! A command that is not retired this way is retired by
//! `nbd_aio_command_completed`, which returns the result. The completion can be
//! left out with `NBD_NULL_COMPLETION`. Callbacks may run before the call that
//! queues the command returns. The handle is locked while they run: functions
//! on it fail with `EDEADLK`, except those that cannot fail. A completion gets
//! only the errno, and no message.
//!
//! Callbacks are freed when the command is retired; if the call fails, they are
//! freed before it returns, and the completion does not run. The errors listed
//! are those of the call itself; those of the command are passed to its
//! completion, and are listed for the form that waits.

use std::ffi::c_void;

use libc::size_t;

use super::callbacks::{nbd_chunk_callback, nbd_completion_callback};
use super::guard::call;
use super::registry::nbd_handle;

/// Queues a read.
///
/// Reads `count` bytes, at most 64 MiB, from `offset` into `buf`. See
/// `nbd_pread`.
///
/// See also: `nbd_aio_pread_structured`, `nbd_pread`,
///   `nbd_set_pread_initialize`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_READ`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_pread(
    h: *mut nbd_handle,
    buf: *mut c_void,
    count: size_t,
    offset: u64,
    completion_callback: nbd_completion_callback,
    flags: u32,
) -> i64 {
    call!(
        h,
        aio_pread((buf, count), offset, completion_callback, flags)
    )
}

/// Queues a read that reports how the data was sent.
///
/// `chunk_callback` runs for each piece of the reply, before the completion;
/// see `nbd_pread_structured`.
///
/// See also: `nbd_aio_pread`, `nbd_pread_structured`,
///   `nbd_set_pread_initialize`, `nbd_set_strict_mode`.
/// Source: NBD protocol, structured reply chunks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_pread_structured(
    h: *mut nbd_handle,
    buf: *mut c_void,
    count: size_t,
    offset: u64,
    chunk_callback: nbd_chunk_callback,
    completion_callback: nbd_completion_callback,
    flags: u32,
) -> i64 {
    call!(
        h,
        aio_pread_structured(
            (buf, count),
            offset,
            chunk_callback,
            completion_callback,
            flags
        )
    )
}

/// Queues a write.
///
/// Writes `count` bytes, at most 64 MiB, from `buf` to `offset`. See
/// `nbd_pwrite`.
///
/// See also: `nbd_is_read_only`, `nbd_pwrite`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_WRITE`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_pwrite(
    h: *mut nbd_handle,
    buf: *const c_void,
    count: size_t,
    offset: u64,
    completion_callback: nbd_completion_callback,
    flags: u32,
) -> i64 {
    call!(
        h,
        aio_pwrite((buf, count), offset, completion_callback, flags)
    )
}

/// Queues a flush.
///
/// It covers all writes, trims and zeroes that had completed before this call,
/// not those in flight.
///
/// See also: `nbd_can_flush`, `nbd_flush`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_FLUSH`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_flush(
    h: *mut nbd_handle,
    completion_callback: nbd_completion_callback,
    flags: u32,
) -> i64 {
    call!(h, aio_flush(completion_callback, flags))
}

/// Queues a trim.
///
/// See `nbd_trim`.
///
/// See also: `nbd_can_trim`, `nbd_set_strict_mode`, `nbd_trim`.
/// Source: NBD protocol, `NBD_CMD_TRIM`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_trim(
    h: *mut nbd_handle,
    count: u64,
    offset: u64,
    completion_callback: nbd_completion_callback,
    flags: u32,
) -> i64 {
    call!(h, aio_trim(count, offset, completion_callback, flags))
}

/// Queues a cache command.
///
/// See `nbd_cache`.
///
/// See also: `nbd_cache`, `nbd_can_cache`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_CACHE`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_cache(
    h: *mut nbd_handle,
    count: u64,
    offset: u64,
    completion_callback: nbd_completion_callback,
    flags: u32,
) -> i64 {
    call!(h, aio_cache(count, offset, completion_callback, flags))
}

/// Queues a zero command.
///
/// See `nbd_zero`.
///
/// See also: `nbd_can_fast_zero`, `nbd_can_zero`, `nbd_set_strict_mode`,
///   `nbd_zero`.
/// Source: NBD protocol, `NBD_CMD_WRITE_ZEROES`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_zero(
    h: *mut nbd_handle,
    count: u64,
    offset: u64,
    completion_callback: nbd_completion_callback,
    flags: u32,
) -> i64 {
    call!(h, aio_zero(count, offset, completion_callback, flags))
}
