//! Block status: where the export has data, holes or dirty blocks, as far as
//! the selected meta contexts tell.
//!
//! The callback runs once for each meta context that the reply reports, in the
//! order of the server, possibly not at all; of several reports of one context
//! it gets the first. It gets the name of the context, the
//! offset of the request, and extents that follow one another from there. They
//! may end before the range of the request does, which then has to be asked for
//! again from there, and the last one may reach beyond it, but not beyond the
//! export. The callback may change the array, which is gone when it returns. If
//! it returns -1, the command fails, with the errno it stored in `*error` or
//! else `EPROTO`. It runs while the handle is locked: it must not use the
//! handle.

use std::ffi::{c_char, c_int};

use super::arguments::texts;
use super::callbacks::{nbd_completion_callback, nbd_extent_callback, nbd_extent64_callback};
use super::guard::{call, wait};
use super::registry::nbd_handle;

/// Asks for block status, in 32-bit extents.
///
/// In this form an extent is a pair of 32-bit words, length in bytes and status
/// flags. A length above 32 bits is cut to one that fits, and the extents
/// behind it are left out. Status flags above 32 bits cannot be shown: the
/// command fails with `EOVERFLOW` if they come first, else that extent and
/// those behind it are left out.
///
/// `flags` is 0 or:
///
/// - `LIBNBD_CMD_FLAG_REQ_ONE`: asks for one extent for each context, no longer
///   than the range.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EFAULT`: `extent_callback` has neither `callback` nor `free`.
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handshake is not over yet, or the connection has ended.
/// - `EINVAL`: `flags` has a bit that this command does not take
///   (`LIBNBD_STRICT_FLAGS`), or one above 0xffff; or a disconnect has been
///   queued.
/// - `ENOTSUP`: structured replies are not in use, or no meta context has been
///   selected (`LIBNBD_STRICT_COMMANDS`).
/// - `EINVAL`: `count` is 0 (`LIBNBD_STRICT_ZERO_SIZE`), the range reaches
///   beyond the export (`LIBNBD_STRICT_BOUNDS`) or is not aligned
///   (`LIBNBD_STRICT_ALIGN`).
/// - `ERANGE`: `count` is above 4294967295 and extended headers are not in use.
/// - `ENOMEM`: too many commands are in flight, or there is not enough memory
///   for the extents.
/// - `EOVERFLOW`: status flags do not fit in 32 bits.
/// - `EPROTO`, or the errno that the callback stored: the callback returned -1;
///   or the reply broke the protocol, or lists more than 1048576 extents for
///   one context.
/// - `ENOTCONN`, another errno, or 0: the connection ended before the reply.
/// - Any errno that the server sent.
///
/// States: connected.
/// Since: 1.0.
/// See also: `nbd_add_meta_context`, `nbd_aio_block_status`,
///   `nbd_block_status_64`, `nbd_can_meta_context`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_BLOCK_STATUS`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_block_status(
    h: *mut nbd_handle,
    count: u64,
    offset: u64,
    extent_callback: nbd_extent_callback,
    flags: u32,
) -> c_int {
    let extent_callback = extent_callback.own();
    wait!(h, block_status(count, offset, extent_callback, flags))
}

/// Asks for block status, in 64-bit extents.
///
/// In this form an extent is an `nbd_extent`, with length in bytes and status
/// flags of 64 bits, whether the server sent them with 32 or 64.
///
/// `flags` is 0 or:
///
/// - `LIBNBD_CMD_FLAG_REQ_ONE`: asks for one extent for each context, no longer
///   than the range.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EFAULT`: `extent64_callback` has neither `callback` nor `free`.
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handshake is not over yet, or the connection has ended.
/// - `EINVAL`: `flags` has a bit that this command does not take
///   (`LIBNBD_STRICT_FLAGS`), or one above 0xffff; or a disconnect has been
///   queued.
/// - `ENOTSUP`: structured replies are not in use, or no meta context has been
///   selected (`LIBNBD_STRICT_COMMANDS`).
/// - `EINVAL`: `count` is 0 (`LIBNBD_STRICT_ZERO_SIZE`), the range reaches
///   beyond the export (`LIBNBD_STRICT_BOUNDS`) or is not aligned
///   (`LIBNBD_STRICT_ALIGN`).
/// - `ERANGE`: `count` is above 4294967295 and extended headers are not in use.
/// - `ENOMEM`: too many commands are in flight, or there is not enough memory
///   for the extents.
/// - `EPROTO`, or the errno that the callback stored: the callback returned -1;
///   or the reply broke the protocol, or lists more than 1048576 extents for
///   one context.
/// - `ENOTCONN`, another errno, or 0: the connection ended before the reply.
/// - Any errno that the server sent.
///
/// States: connected.
/// Since: 1.18.
/// See also: `nbd_add_meta_context`, `nbd_aio_block_status_64`,
///   `nbd_block_status`, `nbd_block_status_filter`, `nbd_can_meta_context`,
///   `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_BLOCK_STATUS`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_block_status_64(
    h: *mut nbd_handle,
    count: u64,
    offset: u64,
    extent64_callback: nbd_extent64_callback,
    flags: u32,
) -> c_int {
    let extent64_callback = extent64_callback.own();
    wait!(h, block_status_64(count, offset, extent64_callback, flags))
}

/// Asks for block status of chosen meta contexts, in 64-bit extents.
///
/// `contexts` is a list of names that ends with `NULL`; all of them must be
/// among the selected ones. In this form an extent is an `nbd_extent`, with
/// length in bytes and status flags of 64 bits, whether the server sent them
/// with 32 or 64.
///
/// `flags` is a sum of:
///
/// - `LIBNBD_CMD_FLAG_REQ_ONE`: asks for one extent for each context, no longer
///   than the range.
///
/// - `LIBNBD_CMD_FLAG_PAYLOAD_LEN`: set by the library, unless
///   `LIBNBD_STRICT_AUTO_FLAG` is off.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EFAULT`: `contexts` is `NULL`, or `extent64_callback` has neither
///   `callback` nor `free`.
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handshake is not over yet, or the connection has ended.
/// - `EINVAL`: `flags` has a bit that this command does not take
///   (`LIBNBD_STRICT_FLAGS`), or one above 0xffff; or a disconnect has been
///   queued.
/// - `ENOTSUP`: structured replies are not in use, or no meta context has been
///   selected (`LIBNBD_STRICT_COMMANDS`).
/// - `EINVAL`: a name in `contexts` has not been selected.
/// - `EINVAL`: the server does not offer the command, or the program did not
///   set the flag that it has to set (`LIBNBD_STRICT_COMMANDS`).
/// - `ENOTSUP`: extended headers are not in use.
/// - `EINVAL`: `count` is 0 (`LIBNBD_STRICT_ZERO_SIZE`), the range reaches
///   beyond the export (`LIBNBD_STRICT_BOUNDS`) or is not aligned
///   (`LIBNBD_STRICT_ALIGN`).
/// - `ERANGE`: `contexts` is too long.
/// - `ENOMEM`: too many commands are in flight, or there is not enough memory
///   for the extents.
/// - `EPROTO`, or the errno that the callback stored: the callback returned -1;
///   or the reply broke the protocol, or lists more than 1048576 extents for
///   one context.
/// - `ENOTCONN`, another errno, or 0: the connection ended before the reply.
/// - Any errno that the server sent.
///
/// States: connected.
/// Since: 1.18.
/// See also: `nbd_aio_block_status_filter`, `nbd_block_status_64`,
///   `nbd_can_block_status_payload`, `nbd_can_meta_context`,
///   `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_BLOCK_STATUS`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 4)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_block_status_filter(
    h: *mut nbd_handle,
    count: u64,
    offset: u64,
    contexts: *mut *mut c_char,
    extent64_callback: nbd_extent64_callback,
    flags: u32,
) -> c_int {
    let extent64_callback = extent64_callback.own();
    // SAFETY: `contexts` is a list of strings, or null.
    let contexts = unsafe { texts(contexts) };
    wait!(
        h,
        block_status_filter(count, offset, contexts, extent64_callback, flags)
    )
}

/// Queues a request for block status, in 32-bit extents.
///
/// See `nbd_block_status`. The call returns without waiting, as the other
/// asynchronous commands do.
///
/// `flags` is 0 or:
///
/// - `LIBNBD_CMD_FLAG_REQ_ONE`: asks for one extent for each context, no longer
///   than the range.
///
/// Returns: the cookie of the command, or -1 on failure.
/// Errors:
/// - `EFAULT`: `extent_callback` has neither `callback` nor `free`.
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handshake is not over yet, or the connection has ended.
/// - `EINVAL`: `flags` has a bit that this command does not take
///   (`LIBNBD_STRICT_FLAGS`), or one above 0xffff; or a disconnect has been
///   queued.
/// - `ENOTSUP`: structured replies are not in use, or no meta context has been
///   selected (`LIBNBD_STRICT_COMMANDS`).
/// - `EINVAL`: `count` is 0 (`LIBNBD_STRICT_ZERO_SIZE`), the range reaches
///   beyond the export (`LIBNBD_STRICT_BOUNDS`) or is not aligned
///   (`LIBNBD_STRICT_ALIGN`).
/// - `ERANGE`: `count` is above 4294967295 and extended headers are not in use.
/// - `ENOMEM`: too many commands are in flight.
///
/// States: connected.
/// Since: 1.0.
/// See also: `nbd_aio_block_status_64`, `nbd_block_status`,
///   `nbd_can_meta_context`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_BLOCK_STATUS`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_block_status(
    h: *mut nbd_handle,
    count: u64,
    offset: u64,
    extent_callback: nbd_extent_callback,
    completion_callback: nbd_completion_callback,
    flags: u32,
) -> i64 {
    let extent_callback = extent_callback.own();
    let completion_callback = completion_callback.own();
    call!(
        h,
        aio_block_status(count, offset, extent_callback, completion_callback, flags)
    )
}

/// Queues a request for block status, in 64-bit extents.
///
/// See `nbd_block_status_64`. The call returns without waiting, as the other
/// asynchronous commands do.
///
/// `flags` is 0 or:
///
/// - `LIBNBD_CMD_FLAG_REQ_ONE`: asks for one extent for each context, no longer
///   than the range.
///
/// Returns: the cookie of the command, or -1 on failure.
/// Errors:
/// - `EFAULT`: `extent64_callback` has neither `callback` nor `free`.
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handshake is not over yet, or the connection has ended.
/// - `EINVAL`: `flags` has a bit that this command does not take
///   (`LIBNBD_STRICT_FLAGS`), or one above 0xffff; or a disconnect has been
///   queued.
/// - `ENOTSUP`: structured replies are not in use, or no meta context has been
///   selected (`LIBNBD_STRICT_COMMANDS`).
/// - `EINVAL`: `count` is 0 (`LIBNBD_STRICT_ZERO_SIZE`), the range reaches
///   beyond the export (`LIBNBD_STRICT_BOUNDS`) or is not aligned
///   (`LIBNBD_STRICT_ALIGN`).
/// - `ERANGE`: `count` is above 4294967295 and extended headers are not in use.
/// - `ENOMEM`: too many commands are in flight.
///
/// States: connected.
/// Since: 1.18.
/// See also: `nbd_aio_block_status`, `nbd_block_status_64`,
///   `nbd_can_meta_context`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_BLOCK_STATUS`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_block_status_64(
    h: *mut nbd_handle,
    count: u64,
    offset: u64,
    extent64_callback: nbd_extent64_callback,
    completion_callback: nbd_completion_callback,
    flags: u32,
) -> i64 {
    let extent64_callback = extent64_callback.own();
    let completion_callback = completion_callback.own();
    call!(
        h,
        aio_block_status_64(count, offset, extent64_callback, completion_callback, flags)
    )
}

/// Queues a request for block status of chosen meta contexts.
///
/// See `nbd_block_status_filter`; `contexts` is copied. The call returns
/// without waiting, as the other asynchronous commands do.
///
/// `flags` is a sum of:
///
/// - `LIBNBD_CMD_FLAG_REQ_ONE`: asks for one extent for each context, no longer
///   than the range.
///
/// - `LIBNBD_CMD_FLAG_PAYLOAD_LEN`: set by the library, unless
///   `LIBNBD_STRICT_AUTO_FLAG` is off.
///
/// Returns: the cookie of the command, or -1 on failure.
/// Errors:
/// - `EFAULT`: `contexts` is `NULL`, or `extent64_callback` has neither
///   `callback` nor `free`.
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handshake is not over yet, or the connection has ended.
/// - `EINVAL`: `flags` has a bit that this command does not take
///   (`LIBNBD_STRICT_FLAGS`), or one above 0xffff; or a disconnect has been
///   queued.
/// - `ENOTSUP`: structured replies are not in use, or no meta context has been
///   selected (`LIBNBD_STRICT_COMMANDS`).
/// - `EINVAL`: a name in `contexts` has not been selected.
/// - `EINVAL`: the server does not offer the command, or the program did not
///   set the flag that it has to set (`LIBNBD_STRICT_COMMANDS`).
/// - `ENOTSUP`: extended headers are not in use.
/// - `EINVAL`: `count` is 0 (`LIBNBD_STRICT_ZERO_SIZE`), the range reaches
///   beyond the export (`LIBNBD_STRICT_BOUNDS`) or is not aligned
///   (`LIBNBD_STRICT_ALIGN`).
/// - `ERANGE`: `contexts` is too long.
/// - `ENOMEM`: too many commands are in flight.
///
/// States: connected.
/// Since: 1.18.
/// See also: `nbd_aio_block_status_64`, `nbd_block_status_filter`,
///   `nbd_can_block_status_payload`, `nbd_can_meta_context`,
///   `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_CMD_BLOCK_STATUS`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 4)
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
    let extent64_callback = extent64_callback.own();
    let completion_callback = completion_callback.own();
    // SAFETY: `contexts` is a list of strings, or null.
    let contexts = unsafe { texts(contexts) };
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
