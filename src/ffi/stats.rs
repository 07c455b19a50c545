//! Statistics of a handle. They count from its creation, and are never reset.

use libc::ssize_t;

use super::guard::{call, get};
use super::registry::nbd_handle;

/// Counts the bytes sent.
///
/// What belongs to the NBD protocol counts, before any encryption.
///
/// Returns: the number.
/// Errors: none.
/// States: any.
/// Since: 1.16.
/// See also: `nbd_stats_bytes_received`, `nbd_stats_chunks_received`,
///   `nbd_stats_chunks_sent`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_stats_bytes_sent(h: *mut nbd_handle) -> u64 {
    get!(h, stats_bytes_sent(), 0)
}

/// Counts the messages sent.
///
/// Each option of the handshake and each command is one.
///
/// Returns: the number.
/// Errors: none.
/// States: any.
/// Since: 1.16.
/// See also: `nbd_set_strict_mode`, `nbd_stats_bytes_received`,
///   `nbd_stats_bytes_sent`, `nbd_stats_chunks_received`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_stats_chunks_sent(h: *mut nbd_handle) -> u64 {
    get!(h, stats_chunks_sent(), 0)
}

/// Counts the bytes received.
///
/// What belongs to the NBD protocol counts, after any decryption.
///
/// Returns: the number.
/// Errors: none.
/// States: any.
/// Since: 1.16.
/// See also: `nbd_stats_bytes_sent`, `nbd_stats_chunks_received`,
///   `nbd_stats_chunks_sent`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_stats_bytes_received(h: *mut nbd_handle) -> u64 {
    get!(h, stats_bytes_received(), 0)
}

/// Counts the messages received.
///
/// The greeting is one, and so is each simple reply and each chunk of a
/// structured one.
///
/// Returns: the number.
/// Errors: none.
/// States: any.
/// Since: 1.16.
/// See also: `nbd_get_structured_replies_negotiated`,
///   `nbd_stats_bytes_received`, `nbd_stats_bytes_sent`,
///   `nbd_stats_chunks_sent`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_stats_chunks_received(h: *mut nbd_handle) -> u64 {
    get!(h, stats_chunks_received(), 0)
}

/// Estimates the memory that the handle takes, in bytes.
///
/// Buffers of the program do not count.
///
/// Returns: the size, or -1 on failure.
/// Errors:
/// - `EOVERFLOW`: the size does not fit in the return value.
///
/// States: any.
/// Since: 1.24.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_handle_size(h: *mut nbd_handle) -> ssize_t {
    call!(h, get_handle_size())
}
