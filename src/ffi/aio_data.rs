//! Reading and writing without waiting.
//!
//! Each call queues a command and returns its cookie, a number above 0 that is
//! not used again with this handle. The command is sent at once if the socket
//! takes it. The program then drives the handle with `nbd_poll` or the notify
//! functions. Buffers must stay valid until the command has been retired.
//!
//! When the reply is complete, `completion_callback` runs with 0 or the errno
//! of the failure in `*error`. If it returns 1, the command retires at once; if
//! it returns -1, what it stored in `*error`, unless 0, becomes the result. A
//! command that is not retired this way is retired by
//! `nbd_aio_command_completed`, which tells the result. The completion can be
//! left out with `NBD_NULL_COMPLETION`. Callbacks may run before the call that
//! queues the command returns, while the handle is locked: they must not use
//! the handle.
//!
//! Closures are freed when the command retires; if the call fails they are
//! freed before it returns, and the completion does not run. The errors listed
//! are those of the call itself; those of the command come with its completion,
//! and are the ones listed for the waiting form.

use std::ffi::c_void;

use libc::size_t;

use super::arguments::{source, target};
use super::callbacks::{nbd_chunk_callback, nbd_completion_callback};
use super::guard::call;
use super::registry::nbd_handle;

/// Queues a read.
///
/// Reads `count` bytes, at most 64 MiB, from `offset` on into `buf`. `flags`
/// must be 0.
///
/// Returns: the cookie of the command, or -1 on failure.
/// Errors:
/// - `EFAULT`: `buf` is `NULL`.
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handshake is not over yet, or the connection has ended.
/// - `EINVAL`: `flags` has a bit that this command does not take
///   (`LIBNBD_STRICT_FLAGS`), or one above 0xffff; or a disconnect has been
///   queued.
/// - `EINVAL`: `count` is 0 (`LIBNBD_STRICT_ZERO_SIZE`), the range reaches
///   beyond the export (`LIBNBD_STRICT_BOUNDS`) or is not aligned
///   (`LIBNBD_STRICT_ALIGN`).
/// - `ERANGE`: `count` is above 64 MiB; `buf` has not been touched.
/// - `ENOMEM`: too many commands are in flight.
///
/// States: connected.
/// Since: 1.0.
/// See also: `nbd_aio_pread_structured`, `nbd_pread`,
///   `nbd_set_pread_initialize`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_READ`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_pread(
    h: *mut nbd_handle,
    buf: *mut c_void,
    count: size_t,
    offset: u64,
    completion_callback: nbd_completion_callback,
    flags: u32,
) -> i64 {
    let completion_callback = completion_callback.own();
    // SAFETY: `buf` is as long as `count` says, or null.
    let buf = unsafe { target(buf, count) };
    call!(h, aio_pread(buf, offset, completion_callback, flags))
}

/// Queues a read that tells how the data was sent.
///
/// `chunk_callback` runs for each piece of the reply, before the completion;
/// see `nbd_pread_structured`.
///
/// `flags` is 0 or `LIBNBD_CMD_FLAG_DF`, which asks for a reply in one piece;
/// see `nbd_can_df`.
///
/// Returns: the cookie of the command, or -1 on failure.
/// Errors:
/// - `EFAULT`: `buf` is `NULL`, or `chunk_callback` has neither `callback` nor
///   `free`.
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handshake is not over yet, or the connection has ended.
/// - `EINVAL`: `flags` has a bit that this command does not take
///   (`LIBNBD_STRICT_FLAGS`), or one above 0xffff; or a disconnect has been
///   queued.
/// - `EINVAL`: the server does not offer the flag (`LIBNBD_STRICT_COMMANDS`).
/// - `EINVAL`: `count` is 0 (`LIBNBD_STRICT_ZERO_SIZE`), the range reaches
///   beyond the export (`LIBNBD_STRICT_BOUNDS`) or is not aligned
///   (`LIBNBD_STRICT_ALIGN`).
/// - `ERANGE`: `count` is above 64 MiB; `buf` has not been touched.
/// - `ENOMEM`: too many commands are in flight.
///
/// States: connected.
/// Since: 1.0.
/// See also: `nbd_aio_pread`, `nbd_pread_structured`,
///   `nbd_set_pread_initialize`, `nbd_set_strict_mode`.
/// Source: NBD protocol, structured reply chunks.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
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
    let chunk_callback = chunk_callback.own();
    let completion_callback = completion_callback.own();
    // SAFETY: `buf` is as long as `count` says, or null.
    let buf = unsafe { target(buf, count) };
    call!(
        h,
        aio_pread_structured(buf, offset, chunk_callback, completion_callback, flags)
    )
}

/// Queues a write.
///
/// Writes `count` bytes, at most 64 MiB, from `buf` to `offset`. `flags` is a
/// sum of:
///
/// - `LIBNBD_CMD_FLAG_FUA`: completes only when the data has reached permanent
///   storage; see `nbd_can_fua`.
///
/// - `LIBNBD_CMD_FLAG_PAYLOAD_LEN`: set by the library as the protocol demands,
///   unless `LIBNBD_STRICT_AUTO_FLAG` is off.
///
/// Returns: the cookie of the command, or -1 on failure.
/// Errors:
/// - `EFAULT`: `buf` is `NULL`.
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handshake is not over yet, or the connection has ended.
/// - `EINVAL`: `flags` has a bit that this command does not take
///   (`LIBNBD_STRICT_FLAGS`), or one above 0xffff; or a disconnect has been
///   queued.
/// - `EPERM`: the export is read-only (`LIBNBD_STRICT_COMMANDS`).
/// - `EINVAL`: the server does not offer the flag (`LIBNBD_STRICT_COMMANDS`).
/// - `EINVAL`: `count` is 0 (`LIBNBD_STRICT_ZERO_SIZE`), or the range is not
///   aligned (`LIBNBD_STRICT_ALIGN`).
/// - `ENOSPC`: the range reaches beyond the export (`LIBNBD_STRICT_BOUNDS`).
/// - `ERANGE`: `count` is above 64 MiB, or above `LIBNBD_SIZE_PAYLOAD`
///   (`LIBNBD_STRICT_PAYLOAD`).
/// - `ENOMEM`: too many commands are in flight.
///
/// States: connected.
/// Since: 1.0.
/// See also: `nbd_is_read_only`, `nbd_pwrite`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_WRITE`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_pwrite(
    h: *mut nbd_handle,
    buf: *const c_void,
    count: size_t,
    offset: u64,
    completion_callback: nbd_completion_callback,
    flags: u32,
) -> i64 {
    let completion_callback = completion_callback.own();
    // SAFETY: `buf` is as long as `count` says, or null.
    let buf = unsafe { source(buf, count) };
    call!(h, aio_pwrite(buf, offset, completion_callback, flags))
}

/// Queues a flush.
///
/// Covers all writes, trims and zeroes that had completed before this call, not
/// those in flight. `flags` must be 0.
///
/// Returns: the cookie of the command, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handshake is not over yet, or the connection has ended.
/// - `EINVAL`: `flags` has a bit that this command does not take
///   (`LIBNBD_STRICT_FLAGS`), or one above 0xffff; or a disconnect has been
///   queued.
/// - `EINVAL`: the server does not offer the command
///   (`LIBNBD_STRICT_COMMANDS`).
/// - `ENOMEM`: too many commands are in flight.
///
/// States: connected.
/// Since: 1.0.
/// See also: `nbd_can_flush`, `nbd_flush`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_FLUSH`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_flush(
    h: *mut nbd_handle,
    completion_callback: nbd_completion_callback,
    flags: u32,
) -> i64 {
    let completion_callback = completion_callback.own();
    call!(h, aio_flush(completion_callback, flags))
}

/// Queues a trim.
///
/// See `nbd_trim`. `flags` is 0 or:
///
/// - `LIBNBD_CMD_FLAG_FUA`: completes only when the data has reached permanent
///   storage; see `nbd_can_fua`.
///
/// Returns: the cookie of the command, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handshake is not over yet, or the connection has ended.
/// - `EINVAL`: `flags` has a bit that this command does not take
///   (`LIBNBD_STRICT_FLAGS`), or one above 0xffff; or a disconnect has been
///   queued.
/// - `EINVAL`: the server does not offer the command or the flag
///   (`LIBNBD_STRICT_COMMANDS`).
/// - `EPERM`: the export is read-only (`LIBNBD_STRICT_COMMANDS`).
/// - `EINVAL`: `count` is 0 (`LIBNBD_STRICT_ZERO_SIZE`), or the range is not
///   aligned (`LIBNBD_STRICT_ALIGN`).
/// - `ENOSPC`: the range reaches beyond the export (`LIBNBD_STRICT_BOUNDS`).
/// - `ERANGE`: `count` is above 4294967295 and extended headers are not in use.
/// - `ENOMEM`: too many commands are in flight.
///
/// States: connected.
/// Since: 1.0.
/// See also: `nbd_can_trim`, `nbd_set_strict_mode`, `nbd_trim`.
/// Source: NBD protocol, `NBD_CMD_TRIM`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_trim(
    h: *mut nbd_handle,
    count: u64,
    offset: u64,
    completion_callback: nbd_completion_callback,
    flags: u32,
) -> i64 {
    let completion_callback = completion_callback.own();
    call!(h, aio_trim(count, offset, completion_callback, flags))
}

/// Queues a cache command.
///
/// See `nbd_cache`. `flags` must be 0.
///
/// Returns: the cookie of the command, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handshake is not over yet, or the connection has ended.
/// - `EINVAL`: `flags` has a bit that this command does not take
///   (`LIBNBD_STRICT_FLAGS`), or one above 0xffff; or a disconnect has been
///   queued.
/// - `EINVAL`: the server does not offer the command
///   (`LIBNBD_STRICT_COMMANDS`).
/// - `EINVAL`: `count` is 0 (`LIBNBD_STRICT_ZERO_SIZE`), the range reaches
///   beyond the export (`LIBNBD_STRICT_BOUNDS`) or is not aligned
///   (`LIBNBD_STRICT_ALIGN`).
/// - `ERANGE`: `count` is above 4294967295 and extended headers are not in use.
/// - `ENOMEM`: too many commands are in flight.
///
/// States: connected.
/// Since: 1.0.
/// See also: `nbd_cache`, `nbd_can_cache`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_CACHE`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_cache(
    h: *mut nbd_handle,
    count: u64,
    offset: u64,
    completion_callback: nbd_completion_callback,
    flags: u32,
) -> i64 {
    let completion_callback = completion_callback.own();
    call!(h, aio_cache(count, offset, completion_callback, flags))
}

/// Queues a zero command.
///
/// `flags` is a sum of:
///
/// - `LIBNBD_CMD_FLAG_FUA`: completes only when the data has reached permanent
///   storage; see `nbd_can_fua`.
///
/// - `LIBNBD_CMD_FLAG_NO_HOLE`: the server must allocate storage for the range,
///   instead of leaving a hole.
///
/// - `LIBNBD_CMD_FLAG_FAST_ZERO`: fails with `ENOTSUP` if it would be no faster
///   than writing zeroes; see `nbd_can_fast_zero`.
///
/// Returns: the cookie of the command, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handshake is not over yet, or the connection has ended.
/// - `EINVAL`: `flags` has a bit that this command does not take
///   (`LIBNBD_STRICT_FLAGS`), or one above 0xffff; or a disconnect has been
///   queued.
/// - `EINVAL`: the server does not offer the command or the flag
///   (`LIBNBD_STRICT_COMMANDS`).
/// - `EPERM`: the export is read-only (`LIBNBD_STRICT_COMMANDS`).
/// - `EINVAL`: `count` is 0 (`LIBNBD_STRICT_ZERO_SIZE`), or the range is not
///   aligned (`LIBNBD_STRICT_ALIGN`).
/// - `ENOSPC`: the range reaches beyond the export (`LIBNBD_STRICT_BOUNDS`).
/// - `ERANGE`: `count` is above 4294967295 and extended headers are not in use.
/// - `ENOMEM`: too many commands are in flight.
///
/// States: connected.
/// Since: 1.0.
/// See also: `nbd_can_fast_zero`, `nbd_can_zero`, `nbd_set_strict_mode`,
///   `nbd_zero`.
/// Source: NBD protocol, `NBD_CMD_WRITE_ZEROES`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_zero(
    h: *mut nbd_handle,
    count: u64,
    offset: u64,
    completion_callback: nbd_completion_callback,
    flags: u32,
) -> i64 {
    let completion_callback = completion_callback.own();
    call!(h, aio_zero(count, offset, completion_callback, flags))
}
