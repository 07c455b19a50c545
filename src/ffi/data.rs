//! Reading and writing: commands that wait for the reply.
//!
//! Offsets and lengths are in bytes. The library checks a command before it is
//! sent, as configured by `nbd_set_strict_mode`; if a check fails, nothing is
//! sent. While a call waits, other threads that use the handle wait for it.

use std::ffi::{c_int, c_void};

use libc::size_t;

use super::callbacks::nbd_chunk_callback;
use super::guard::wait;
use super::registry::nbd_handle;

/// Reads from the export.
///
/// Reads `count` bytes, at most 64 MiB, from `offset` into `buf`. If the call
/// fails, the contents of `buf` are meaningless.
///
/// See also: `nbd_aio_pread`, `nbd_get_block_size`, `nbd_pread_structured`,
///   `nbd_set_pread_initialize`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_READ`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_pread(
    h: *mut nbd_handle,
    buf: *mut c_void,
    count: size_t,
    offset: u64,
    flags: u32,
) -> c_int {
    wait!(h, pread((buf, count), offset, flags))
}

/// Reads from the export, and reports how the data was sent.
///
/// The read works as with `nbd_pread`.
///
/// `chunk_callback` runs for each piece of the reply, after its bytes are in
/// place, with the piece of `buf`, its length, and its offset in the export.
/// `status` is `LIBNBD_READ_DATA`; `LIBNBD_READ_HOLE` for a piece that reads as
/// zeroes; or `LIBNBD_READ_ERROR` for an error at that offset, with length 0
/// and the errno in `*error`. Pieces may come in any order, and may be empty.
/// If a server sends more than `count` bytes in all, the excess is not written
/// or passed to the callback, and the command fails with `EPROTO`. If the
/// callback returns -1, the command fails with the errno that it stored in
/// `*error`, or else with `EPROTO`; further pieces are still delivered. The
/// handle is locked while the callback runs, so the callback must not use it.
///
/// Without structured replies the callback runs once, for the whole of `buf`.
///
/// See also: `nbd_aio_pread_structured`, `nbd_can_df`, `nbd_get_block_size`,
///   `nbd_pread`, `nbd_set_pread_initialize`, `nbd_set_request_block_size`,
///   `nbd_set_strict_mode`.
/// Source: NBD protocol, structured reply chunks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_pread_structured(
    h: *mut nbd_handle,
    buf: *mut c_void,
    count: size_t,
    offset: u64,
    chunk_callback: nbd_chunk_callback,
    flags: u32,
) -> c_int {
    wait!(
        h,
        pread_structured((buf, count), offset, chunk_callback, flags)
    )
}

/// Writes to the export.
///
/// Writes `count` bytes, at most 64 MiB, from `buf` to `offset`.
///
/// See also: `nbd_aio_pwrite`, `nbd_can_fua`, `nbd_get_block_size`,
///   `nbd_is_read_only`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_WRITE`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_pwrite(
    h: *mut nbd_handle,
    buf: *const c_void,
    count: size_t,
    offset: u64,
    flags: u32,
) -> c_int {
    wait!(h, pwrite((buf, count), offset, flags))
}

/// Flushes what has been written to permanent storage.
///
/// This covers all writes, trims and zeroes that had completed before this
/// call.
///
/// See also: `nbd_aio_flush`, `nbd_can_flush`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_FLUSH`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_flush(h: *mut nbd_handle, flags: u32) -> c_int {
    wait!(h, flush(flags))
}

/// Tells the server that a range is no longer needed.
///
/// The server may free its storage. What the range reads as afterwards is
/// undefined.
///
/// See also: `nbd_aio_trim`, `nbd_can_fua`, `nbd_can_trim`, `nbd_is_read_only`,
///   `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_TRIM`.
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
/// The server may load it into a cache.
///
/// See also: `nbd_aio_cache`, `nbd_can_cache`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_CACHE`.
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
/// See also: `nbd_aio_zero`, `nbd_can_fast_zero`, `nbd_can_fua`,
///   `nbd_can_zero`, `nbd_is_read_only`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_WRITE_ZEROES`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_zero(
    h: *mut nbd_handle,
    count: u64,
    offset: u64,
    flags: u32,
) -> c_int {
    wait!(h, zero(count, offset, flags))
}
