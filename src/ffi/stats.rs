//! Statistics of a handle. They count from its creation, and are never reset.

use libc::ssize_t;

use super::guard::{call, get};
use super::registry::nbd_handle;

/// Returns the number of bytes sent.
///
/// It counts what belongs to the NBD protocol, before any encryption.
///
/// See also: `nbd_stats_bytes_received`, `nbd_stats_chunks_received`,
///   `nbd_stats_chunks_sent`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_stats_bytes_sent(h: *mut nbd_handle) -> u64 {
    get!(h, stats_bytes_sent(), 0)
}

/// Returns the number of messages sent.
///
/// Each option of the handshake and each command is one.
///
/// See also: `nbd_set_strict_mode`, `nbd_stats_bytes_received`,
///   `nbd_stats_bytes_sent`, `nbd_stats_chunks_received`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_stats_chunks_sent(h: *mut nbd_handle) -> u64 {
    get!(h, stats_chunks_sent(), 0)
}

/// Returns the number of bytes received.
///
/// It counts what belongs to the NBD protocol, after any decryption.
///
/// See also: `nbd_stats_bytes_sent`, `nbd_stats_chunks_received`,
///   `nbd_stats_chunks_sent`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_stats_bytes_received(h: *mut nbd_handle) -> u64 {
    get!(h, stats_bytes_received(), 0)
}

/// Returns the number of messages received.
///
/// The greeting is one, and so is each simple reply and each chunk of a
/// structured one.
///
/// See also: `nbd_get_structured_replies_negotiated`,
///   `nbd_stats_bytes_received`, `nbd_stats_bytes_sent`,
///   `nbd_stats_chunks_sent`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_stats_chunks_received(h: *mut nbd_handle) -> u64 {
    get!(h, stats_chunks_received(), 0)
}

/// Returns an estimate of the memory that the handle uses, in bytes.
///
/// Buffers of the program are not included.
///
/// Errors:
/// - `EOVERFLOW`: the size does not fit in the return value.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_handle_size(h: *mut nbd_handle) -> ssize_t {
    call!(h, get_handle_size())
}
