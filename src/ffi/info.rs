//! What the server reported about the export and about the protocol.
//!
//! Size, flags and block sizes are known once `nbd_opt_go` or `nbd_opt_info`
//! has succeeded, or connecting without option mode has. A feature counts as
//! offered only if it can be used: a flag that needs structured replies or
//! extended headers counts as absent without them.

use std::ffi::{c_char, c_int};

use super::guard::call;
use super::registry::nbd_handle;

/// Returns the size of the export in bytes.
///
/// Errors:
/// - `EOVERFLOW`: the size does not fit in the return value.
///
/// See also: `nbd_opt_info`.
/// Source: NBD protocol, `NBD_INFO_EXPORT`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_size(h: *mut nbd_handle) -> i64 {
    call!(h, get_size())
}

/// Reports whether the export is read-only.
///
/// If so, write, trim and zero commands fail.
///
/// See also: `nbd_opt_info`.
/// Source: NBD protocol, `NBD_FLAG_READ_ONLY`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_is_read_only(h: *mut nbd_handle) -> c_int {
    call!(h, is_read_only())
}

/// Reports whether the export is on a rotating disk.
///
/// If so, access in ascending order is faster.
///
/// See also: `nbd_opt_info`.
/// Source: NBD protocol, `NBD_FLAG_ROTATIONAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_is_rotational(h: *mut nbd_handle) -> c_int {
    call!(h, is_rotational())
}

/// Reports whether the server offers flush commands.
///
/// See also: `nbd_aio_flush`, `nbd_flush`, `nbd_opt_info`.
/// Source: NBD protocol, `NBD_FLAG_SEND_FLUSH`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_can_flush(h: *mut nbd_handle) -> c_int {
    call!(h, can_flush())
}

/// Reports whether the server offers `LIBNBD_CMD_FLAG_FUA`.
///
/// With it, a command completes only when its data has reached permanent
/// storage.
///
/// See also: `nbd_opt_info`, `nbd_pwrite`, `nbd_trim`, `nbd_zero`.
/// Source: NBD protocol, `NBD_FLAG_SEND_FUA`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_can_fua(h: *mut nbd_handle) -> c_int {
    call!(h, can_fua())
}

/// Reports whether the server offers trim commands.
///
/// See also: `nbd_aio_trim`, `nbd_opt_info`, `nbd_trim`.
/// Source: NBD protocol, `NBD_FLAG_SEND_TRIM`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_can_trim(h: *mut nbd_handle) -> c_int {
    call!(h, can_trim())
}

/// Reports whether the server offers zero commands.
///
/// See also: `nbd_aio_zero`, `nbd_can_fast_zero`, `nbd_opt_info`, `nbd_zero`.
/// Source: NBD protocol, `NBD_FLAG_SEND_WRITE_ZEROES`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_can_zero(h: *mut nbd_handle) -> c_int {
    call!(h, can_zero())
}

/// Reports whether the server offers `LIBNBD_CMD_FLAG_FAST_ZERO`.
///
/// With it, a zero command fails with `ENOTSUP` if it would be no faster than
/// writing zeroes.
///
/// See also: `nbd_aio_zero`, `nbd_can_zero`, `nbd_opt_info`, `nbd_zero`.
/// Source: NBD protocol, `NBD_FLAG_SEND_FAST_ZERO`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_can_fast_zero(h: *mut nbd_handle) -> c_int {
    call!(h, can_fast_zero())
}

/// Reports whether the server offers `LIBNBD_CMD_FLAG_DF`.
///
/// With it, the reply to a structured read comes in one piece.
///
/// See also: `nbd_aio_pread_structured`, `nbd_opt_info`,
///   `nbd_pread_structured`.
/// Source: NBD protocol, `NBD_FLAG_SEND_DF`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_can_df(h: *mut nbd_handle) -> c_int {
    call!(h, can_df())
}

/// Reports whether several connections to the export can be used as one.
///
/// If so, a flush on one connection covers what has been written over the
/// others.
///
/// See also: `nbd_opt_info`.
/// Source: NBD protocol, `NBD_FLAG_CAN_MULTI_CONN`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_can_multi_conn(h: *mut nbd_handle) -> c_int {
    call!(h, can_multi_conn())
}

/// Reports whether the server offers cache commands.
///
/// See also: `nbd_aio_cache`, `nbd_cache`, `nbd_opt_info`.
/// Source: NBD protocol, `NBD_FLAG_SEND_CACHE`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_can_cache(h: *mut nbd_handle) -> c_int {
    call!(h, can_cache())
}

/// Reports whether the server offers block status of chosen meta contexts.
///
/// If so, `nbd_block_status_filter` can be used. It needs extended headers.
///
/// See also: `nbd_block_status_filter`, `nbd_get_extended_headers_negotiated`,
///   `nbd_opt_info`.
/// Source: NBD protocol, `NBD_FLAG_BLOCK_STATUS_PAYLOAD`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_can_block_status_payload(h: *mut nbd_handle) -> c_int {
    call!(h, can_block_status_payload())
}

/// Reports whether the server has selected a meta context.
///
/// `metacontext` must be exactly one of the names that the server gave. The
/// name constants of the header, such as `LIBNBD_CONTEXT_BASE_ALLOCATION`, can
/// be used.
///
/// Errors:
/// - `EINVAL`: contexts are to be requested, but have not been negotiated yet,
///   or the negotiation has failed.
///
/// See also: `nbd_add_meta_context`, `nbd_aio_block_status_64`,
///   `nbd_block_status_64`, `nbd_opt_info`, `nbd_opt_set_meta_context`,
///   `nbd_set_request_meta_context`.
/// Source: NBD protocol, `NBD_OPT_SET_META_CONTEXT`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_can_meta_context(
    h: *mut nbd_handle,
    metacontext: *const c_char,
) -> c_int {
    call!(h, can_meta_context(metacontext))
}

/// Returns a block size of the export, in bytes.
///
/// - `LIBNBD_SIZE_MINIMUM`: requests must be aligned to it.
/// - `LIBNBD_SIZE_PREFERRED`: requests aligned to it are fast.
/// - `LIBNBD_SIZE_MAXIMUM`: no read or write may be longer.
/// - `LIBNBD_SIZE_PAYLOAD`: no write should be longer. The server does not send
///   it; it is the maximum, limited to between 1 MiB and 64 MiB, or 32 MiB if
///   there is none.
///
/// Sizes that violate the rules of the protocol are ignored.
///
/// Returns: the size, 0 if the server did not report it.
/// See also: `nbd_get_protocol`, `nbd_get_size`, `nbd_opt_info`,
///   `nbd_set_request_block_size`.
/// Source: NBD protocol, `NBD_INFO_BLOCK_SIZE`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_block_size(h: *mut nbd_handle, size_type: c_int) -> i64 {
    call!(h, get_block_size(size_type))
}

/// Returns the server's name for the export.
///
/// Errors:
/// - `ENOTSUP`: the server did not report one; see `nbd_set_full_info`.
///
/// See also: `nbd_get_export_name`, `nbd_opt_info`, `nbd_set_full_info`.
/// Source: NBD protocol, `NBD_INFO_NAME`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_canonical_export_name(h: *mut nbd_handle) -> *mut c_char {
    call!(h, get_canonical_export_name())
}

/// Returns the server's description of the export, which is meant for people.
///
/// Returns: the description.
/// Errors:
/// - `ENOTSUP`: the server did not report one; see `nbd_set_full_info`.
///
/// See also: `nbd_opt_info`, `nbd_set_full_info`.
/// Source: NBD protocol, `NBD_INFO_DESCRIPTION`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_export_description(h: *mut nbd_handle) -> *mut c_char {
    call!(h, get_export_description())
}

/// Returns which form of the handshake the server uses.
///
/// Returns: `oldstyle`, `newstyle` or `newstyle-fixed`, as a constant string.
/// See also: `nbd_get_block_size`, `nbd_get_handshake_flags`,
///   `nbd_get_structured_replies_negotiated`, `nbd_get_tls_negotiated`.
/// Source: NBD protocol, protocol phases.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_protocol(h: *mut nbd_handle) -> *const c_char {
    call!(h, get_protocol())
}

/// Reports whether structured replies are in use.
///
/// See also: `nbd_get_extended_headers_negotiated`, `nbd_get_protocol`,
///   `nbd_get_request_structured_replies`, `nbd_opt_extended_headers`,
///   `nbd_opt_structured_reply`, `nbd_set_request_structured_replies`.
/// Source: NBD protocol, `NBD_OPT_STRUCTURED_REPLY`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_structured_replies_negotiated(h: *mut nbd_handle) -> c_int {
    call!(h, get_structured_replies_negotiated())
}

/// Reports whether extended headers are in use.
///
/// See also: `nbd_block_status_64`, `nbd_cache`, `nbd_get_block_size`,
///   `nbd_get_protocol`, `nbd_get_request_extended_headers`,
///   `nbd_get_structured_replies_negotiated`,
///   `nbd_set_request_extended_headers`, `nbd_trim`, `nbd_zero`.
/// Source: NBD protocol, `NBD_OPT_EXTENDED_HEADERS`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_extended_headers_negotiated(h: *mut nbd_handle) -> c_int {
    call!(h, get_extended_headers_negotiated())
}
