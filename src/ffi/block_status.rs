//! Block status: where the export has data, holes or dirty blocks, according to
//! the selected meta contexts.
//!
//! The callback runs once for each meta context that the reply reports, in the
//! order of the server, possibly not at all. If the reply reports a context
//! more than once, only the first report counts. The callback receives the name
//! of the context, the offset of the request, and extents that follow one
//! another from there. They may end before the end of the range, in which case
//! the rest has to be requested again; the last one may extend beyond the
//! range, but not beyond the export. The callback may change the array, which
//! is freed when it returns. If it returns -1, the command fails with the errno
//! that it stored in `*error`, or else with `EPROTO`. The handle is locked
//! while the callback runs, so the callback must not use it.

use std::ffi::{c_char, c_int};

use super::callbacks::{nbd_completion_callback, nbd_extent_callback, nbd_extent64_callback};
use super::guard::{call, wait};
use super::registry::nbd_handle;

/// Requests block status in 32-bit extents.
///
/// An extent is a pair of 32-bit words, the length in bytes and the status
/// flags. A length above 32 bits is reduced to one that fits, and the extents
/// after it are left out. Status flags above 32 bits cannot be represented: the
/// command fails with `EOVERFLOW` if they come first; otherwise that extent and
/// those after it are left out.
///
/// Errors:
/// - `EOVERFLOW`: status flags do not fit in 32 bits.
///
/// See also: `nbd_add_meta_context`, `nbd_aio_block_status`,
///   `nbd_block_status_64`, `nbd_can_meta_context`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_BLOCK_STATUS`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_block_status(
    h: *mut nbd_handle,
    count: u64,
    offset: u64,
    extent_callback: nbd_extent_callback,
    flags: u32,
) -> c_int {
    wait!(h, block_status(count, offset, extent_callback, flags))
}

/// Requests block status in 64-bit extents.
///
/// An extent is an `nbd_extent`, which has a length in bytes and status flags
/// of 64 bits, whether the server sent them with 32 or 64.
///
/// With several meta contexts, the callback runs once for each of them, in any
/// order. Their extents can end at different offsets, and a context can be
/// missing from a reply.
///
/// See also: `nbd_add_meta_context`, `nbd_aio_block_status_64`,
///   `nbd_block_status`, `nbd_block_status_filter`, `nbd_can_meta_context`,
///   `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_BLOCK_STATUS`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_block_status_64(
    h: *mut nbd_handle,
    count: u64,
    offset: u64,
    extent64_callback: nbd_extent64_callback,
    flags: u32,
) -> c_int {
    wait!(h, block_status_64(count, offset, extent64_callback, flags))
}

/// Requests block status of chosen meta contexts in 64-bit extents.
///
/// `contexts` is a list of names that ends with `NULL`; all of them must be
/// among the selected ones. An extent is an `nbd_extent`, as with
/// `nbd_block_status_64`.
///
/// Errors:
/// - `ENOTSUP`: extended headers are not in use.
/// - `EINVAL`: a name in `contexts` has not been selected.
/// - `ERANGE`: `contexts` is too long.
///
/// See also: `nbd_aio_block_status_filter`, `nbd_block_status_64`,
///   `nbd_can_block_status_payload`, `nbd_can_meta_context`,
///   `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_BLOCK_STATUS`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_block_status_filter(
    h: *mut nbd_handle,
    count: u64,
    offset: u64,
    contexts: *mut *mut c_char,
    extent64_callback: nbd_extent64_callback,
    flags: u32,
) -> c_int {
    wait!(
        h,
        block_status_filter(count, offset, contexts, extent64_callback, flags)
    )
}

/// Queues a request for block status in 32-bit extents.
///
/// See `nbd_block_status`. The call returns without waiting, like the other
/// asynchronous commands.
///
/// See also: `nbd_aio_block_status_64`, `nbd_block_status`,
///   `nbd_can_meta_context`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_BLOCK_STATUS`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_block_status(
    h: *mut nbd_handle,
    count: u64,
    offset: u64,
    extent_callback: nbd_extent_callback,
    completion_callback: nbd_completion_callback,
    flags: u32,
) -> i64 {
    call!(
        h,
        aio_block_status(count, offset, extent_callback, completion_callback, flags)
    )
}

/// Queues a request for block status in 64-bit extents.
///
/// See `nbd_block_status_64`. The call returns without waiting, like the other
/// asynchronous commands.
///
/// See also: `nbd_aio_block_status`, `nbd_block_status_64`,
///   `nbd_can_meta_context`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_BLOCK_STATUS`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_block_status_64(
    h: *mut nbd_handle,
    count: u64,
    offset: u64,
    extent64_callback: nbd_extent64_callback,
    completion_callback: nbd_completion_callback,
    flags: u32,
) -> i64 {
    call!(
        h,
        aio_block_status_64(count, offset, extent64_callback, completion_callback, flags)
    )
}

/// Queues a request for block status of chosen meta contexts.
///
/// See `nbd_block_status_filter`; `contexts` is copied. The call returns
/// without waiting, like the other asynchronous commands.
///
/// Errors:
/// - `ENOTSUP`: extended headers are not in use.
/// - `EINVAL`: a name in `contexts` has not been selected.
/// - `ERANGE`: `contexts` is too long.
///
/// See also: `nbd_aio_block_status_64`, `nbd_block_status_filter`,
///   `nbd_can_block_status_payload`, `nbd_can_meta_context`,
///   `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_BLOCK_STATUS`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_block_status_filter(
    h: *mut nbd_handle,
    count: u64,
    offset: u64,
    contexts: *mut *mut c_char,
    extent64_callback: nbd_extent64_callback,
    completion_callback: nbd_completion_callback,
    flags: u32,
) -> i64 {
    call!(
        h,
        aio_block_status_filter(
            count,
            offset,
            contexts,
            extent64_callback,
            completion_callback,
            flags
        )
    )
}
