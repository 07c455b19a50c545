//! Reading and writing: commands that wait for the reply.
//!
//! Offsets and lengths count bytes. The library checks a command before sending
//! it, as `nbd_set_strict_mode` says; a command that fails a check sends
//! nothing. While a call waits, other threads that use the handle wait for it.

use std::ffi::{c_int, c_void};

use libc::size_t;

use super::arguments::{source, target};
use super::callbacks::nbd_chunk_callback;
use super::guard::wait;
use super::registry::nbd_handle;

/// Reads from the export.
///
/// Reads `count` bytes, at most 64 MiB, from `offset` on into `buf`. `flags`
/// must be 0. After a failure the contents of `buf` mean nothing.
///
/// Returns: 0, or -1 on failure.
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
/// - `EPROTO`: the reply broke the protocol.
/// - `ENOTCONN`, another errno, or 0: the connection ended before the reply.
/// - Any errno that the server sent.
///
/// States: connected.
/// Since: 1.0.
/// See also: `nbd_aio_pread`, `nbd_get_block_size`, `nbd_pread_structured`,
///   `nbd_set_pread_initialize`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_READ`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_pread(
    h: *mut nbd_handle,
    buf: *mut c_void,
    count: size_t,
    offset: u64,
    flags: u32,
) -> c_int {
    // SAFETY: `buf` is as long as `count` says, or null.
    let buf = unsafe { target(buf, count) };
    wait!(h, pread(buf, offset, flags))
}

/// Reads from the export, and learns how the data was sent.
///
/// Reads as `nbd_pread` does.
///
/// `chunk_callback` runs for each piece of the reply, after its bytes are in
/// place, with the piece of `buf`, its length, and its offset in the export.
/// `status` is `LIBNBD_READ_DATA`; `LIBNBD_READ_HOLE`, for a piece that reads
/// as zeroes; or `LIBNBD_READ_ERROR`, for an error at that offset, of length 0
/// and with its errno in `*error`. Pieces may come in any order, and may be
/// empty. What a server sends beyond `count` bytes in all is not written, the
/// callback does not hear of it, and the command fails with `EPROTO`. If the
/// callback returns -1, the command fails, with the errno it stored in `*error`
/// or else `EPROTO`; further pieces are still delivered. It runs while the
/// handle is locked: it must not use the handle.
///
/// Without structured replies the callback runs once, for the whole of `buf`.
///
/// `flags` is 0 or `LIBNBD_CMD_FLAG_DF`, which asks for a reply in one piece;
/// see `nbd_can_df`.
///
/// Returns: 0, or -1 on failure.
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
/// - `EPROTO`, or the errno that the callback stored: the callback returned -1;
///   or the reply broke the protocol.
/// - `ENOTCONN`, another errno, or 0: the connection ended before the reply.
/// - Any errno that the server sent.
///
/// States: connected.
/// Since: 1.0.
/// See also: `nbd_aio_pread_structured`, `nbd_can_df`, `nbd_get_block_size`,
///   `nbd_pread`, `nbd_set_pread_initialize`, `nbd_set_request_block_size`,
///   `nbd_set_strict_mode`.
/// Source: NBD protocol, structured reply chunks.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_pread_structured(
    h: *mut nbd_handle,
    buf: *mut c_void,
    count: size_t,
    offset: u64,
    chunk_callback: nbd_chunk_callback,
    flags: u32,
) -> c_int {
    let chunk_callback = chunk_callback.own();
    // SAFETY: `buf` is as long as `count` says, or null.
    let buf = unsafe { target(buf, count) };
    wait!(h, pread_structured(buf, offset, chunk_callback, flags))
}

/// Writes to the export.
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
/// Returns: 0, or -1 on failure.
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
/// - `EPROTO`: the reply broke the protocol.
/// - `ENOTCONN`, another errno, or 0: the connection ended before the reply.
/// - Any errno that the server sent.
///
/// States: connected.
/// Since: 1.0.
/// See also: `nbd_aio_pwrite`, `nbd_can_fua`, `nbd_get_block_size`,
///   `nbd_is_read_only`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_WRITE`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_pwrite(
    h: *mut nbd_handle,
    buf: *const c_void,
    count: size_t,
    offset: u64,
    flags: u32,
) -> c_int {
    // SAFETY: `buf` is as long as `count` says, or null.
    let buf = unsafe { source(buf, count) };
    wait!(h, pwrite(buf, offset, flags))
}

/// Brings what has been written to permanent storage.
///
/// Covers all writes, trims and zeroes that had completed before this call.
/// `flags` must be 0.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handshake is not over yet, or the connection has ended.
/// - `EINVAL`: `flags` has a bit that this command does not take
///   (`LIBNBD_STRICT_FLAGS`), or one above 0xffff; or a disconnect has been
///   queued.
/// - `EINVAL`: the server does not offer the command
///   (`LIBNBD_STRICT_COMMANDS`).
/// - `ENOMEM`: too many commands are in flight.
/// - `EPROTO`: the reply broke the protocol.
/// - `ENOTCONN`, another errno, or 0: the connection ended before the reply.
/// - Any errno that the server sent.
///
/// States: connected.
/// Since: 1.0.
/// See also: `nbd_aio_flush`, `nbd_can_flush`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_FLUSH`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_flush(h: *mut nbd_handle, flags: u32) -> c_int {
    wait!(h, flush(flags))
}

/// Tells the server that a range is not needed any more.
///
/// The server may free its storage. What the range reads as afterwards is not
/// defined. `flags` is 0 or:
///
/// - `LIBNBD_CMD_FLAG_FUA`: completes only when the data has reached permanent
///   storage; see `nbd_can_fua`.
///
/// Returns: 0, or -1 on failure.
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
/// - `EPROTO`: the reply broke the protocol.
/// - `ENOTCONN`, another errno, or 0: the connection ended before the reply.
/// - Any errno that the server sent.
///
/// States: connected.
/// Since: 1.0.
/// See also: `nbd_aio_trim`, `nbd_can_fua`, `nbd_can_trim`, `nbd_is_read_only`,
///   `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_TRIM`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_trim(
    h: *mut nbd_handle,
    count: u64,
    offset: u64,
    flags: u32,
) -> c_int {
    wait!(h, trim(count, offset, flags))
}

/// Tells the server that a range will be read soon.
///
/// The server may fetch it into a cache. `flags` must be 0.
///
/// Returns: 0, or -1 on failure.
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
/// - `EPROTO`: the reply broke the protocol.
/// - `ENOTCONN`, another errno, or 0: the connection ended before the reply.
/// - Any errno that the server sent.
///
/// States: connected.
/// Since: 1.0.
/// See also: `nbd_aio_cache`, `nbd_can_cache`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_CACHE`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_cache(
    h: *mut nbd_handle,
    count: u64,
    offset: u64,
    flags: u32,
) -> c_int {
    wait!(h, cache(count, offset, flags))
}

/// Writes zeroes without sending them.
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
/// Returns: 0, or -1 on failure.
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
/// - `EPROTO`: the reply broke the protocol.
/// - `ENOTCONN`, another errno, or 0: the connection ended before the reply.
/// - Any errno that the server sent.
///
/// States: connected.
/// Since: 1.0.
/// See also: `nbd_aio_zero`, `nbd_can_fast_zero`, `nbd_can_fua`,
///   `nbd_can_zero`, `nbd_is_read_only`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_WRITE_ZEROES`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_zero(
    h: *mut nbd_handle,
    count: u64,
    offset: u64,
    flags: u32,
) -> c_int {
    wait!(h, zero(count, offset, flags))
}
