//! What the server said: about the export, and about how to talk.
//!
//! Size, flags and block sizes are known once `nbd_opt_go` or `nbd_opt_info`
//! has succeeded, or connecting without option mode has. A server's promise is
//! kept only where it can be used: a flag that needs structured replies or
//! extended headers counts as absent without them.

use std::ffi::{c_char, c_int};

use super::arguments::text;
use super::guard::call;
use super::registry::nbd_handle;

/// Tells the size of the export in bytes.
///
/// Returns: the size, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is still connecting, or its connection broke.
/// - `EINVAL`: the server has not described the export yet.
/// - `EOVERFLOW`: the size does not fit in the return value.
///
/// States: negotiating, connected and closed.
/// Since: 1.0.
/// See also: `nbd_opt_info`.
/// Source: NBD protocol, `NBD_INFO_EXPORT`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_size(h: *mut nbd_handle) -> i64 {
    call!(h, get_size())
}

/// Tells whether the export is read-only.
///
/// If so, write, trim and zero commands fail.
///
/// Returns: 1 if so, 0 if not, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is still connecting, or its connection broke.
/// - `EINVAL`: the server has not described the export yet.
///
/// States: negotiating, connected and closed.
/// Since: 1.0.
/// See also: `nbd_opt_info`.
/// Source: NBD protocol, `NBD_FLAG_READ_ONLY`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_is_read_only(h: *mut nbd_handle) -> c_int {
    call!(h, is_read_only())
}

/// Tells whether the export is on a rotating disk.
///
/// If so, access in ascending order is faster.
///
/// Returns: 1 if so, 0 if not, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is still connecting, or its connection broke.
/// - `EINVAL`: the server has not described the export yet.
///
/// States: negotiating, connected and closed.
/// Since: 1.0.
/// See also: `nbd_opt_info`.
/// Source: NBD protocol, `NBD_FLAG_ROTATIONAL`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_is_rotational(h: *mut nbd_handle) -> c_int {
    call!(h, is_rotational())
}

/// Tells whether the server offers flush commands.
///
/// Returns: 1 if so, 0 if not, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is still connecting, or its connection broke.
/// - `EINVAL`: the server has not described the export yet.
///
/// States: negotiating, connected and closed.
/// Since: 1.0.
/// See also: `nbd_aio_flush`, `nbd_flush`, `nbd_opt_info`.
/// Source: NBD protocol, `NBD_FLAG_SEND_FLUSH`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_can_flush(h: *mut nbd_handle) -> c_int {
    call!(h, can_flush())
}

/// Tells whether the server offers `LIBNBD_CMD_FLAG_FUA`.
///
/// With it, a command completes only when its data has reached permanent
/// storage.
///
/// Returns: 1 if so, 0 if not, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is still connecting, or its connection broke.
/// - `EINVAL`: the server has not described the export yet.
///
/// States: negotiating, connected and closed.
/// Since: 1.0.
/// See also: `nbd_opt_info`, `nbd_pwrite`, `nbd_trim`, `nbd_zero`.
/// Source: NBD protocol, `NBD_FLAG_SEND_FUA`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_can_fua(h: *mut nbd_handle) -> c_int {
    call!(h, can_fua())
}

/// Tells whether the server offers trim commands.
///
/// Returns: 1 if so, 0 if not, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is still connecting, or its connection broke.
/// - `EINVAL`: the server has not described the export yet.
///
/// States: negotiating, connected and closed.
/// Since: 1.0.
/// See also: `nbd_aio_trim`, `nbd_opt_info`, `nbd_trim`.
/// Source: NBD protocol, `NBD_FLAG_SEND_TRIM`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_can_trim(h: *mut nbd_handle) -> c_int {
    call!(h, can_trim())
}

/// Tells whether the server offers zero commands.
///
/// Returns: 1 if so, 0 if not, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is still connecting, or its connection broke.
/// - `EINVAL`: the server has not described the export yet.
///
/// States: negotiating, connected and closed.
/// Since: 1.0.
/// See also: `nbd_aio_zero`, `nbd_can_fast_zero`, `nbd_opt_info`, `nbd_zero`.
/// Source: NBD protocol, `NBD_FLAG_SEND_WRITE_ZEROES`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_can_zero(h: *mut nbd_handle) -> c_int {
    call!(h, can_zero())
}

/// Tells whether the server offers `LIBNBD_CMD_FLAG_FAST_ZERO`.
///
/// With it, a zero command fails with `ENOTSUP` if it would be no faster than
/// writing zeroes.
///
/// Returns: 1 if so, 0 if not, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is still connecting, or its connection broke.
/// - `EINVAL`: the server has not described the export yet.
///
/// States: negotiating, connected and closed.
/// Since: 1.2.
/// See also: `nbd_aio_zero`, `nbd_can_zero`, `nbd_opt_info`, `nbd_zero`.
/// Source: NBD protocol, `NBD_FLAG_SEND_FAST_ZERO`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_can_fast_zero(h: *mut nbd_handle) -> c_int {
    call!(h, can_fast_zero())
}

/// Tells whether the server offers `LIBNBD_CMD_FLAG_DF`.
///
/// With it, the reply to a structured read comes in one piece.
///
/// Returns: 1 if so, 0 if not, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is still connecting, or its connection broke.
/// - `EINVAL`: the server has not described the export yet.
///
/// States: negotiating, connected and closed.
/// Since: 1.0.
/// See also: `nbd_aio_pread_structured`, `nbd_opt_info`,
///   `nbd_pread_structured`.
/// Source: NBD protocol, `NBD_FLAG_SEND_DF`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_can_df(h: *mut nbd_handle) -> c_int {
    call!(h, can_df())
}

/// Tells whether several connections to the export can be used as one.
///
/// If so, a flush on one connection covers what has been written over the
/// others.
///
/// Returns: 1 if so, 0 if not, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is still connecting, or its connection broke.
/// - `EINVAL`: the server has not described the export yet.
///
/// States: negotiating, connected and closed.
/// Since: 1.0.
/// See also: `nbd_opt_info`.
/// Source: NBD protocol, `NBD_FLAG_CAN_MULTI_CONN`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_can_multi_conn(h: *mut nbd_handle) -> c_int {
    call!(h, can_multi_conn())
}

/// Tells whether the server offers cache commands.
///
/// Returns: 1 if so, 0 if not, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is still connecting, or its connection broke.
/// - `EINVAL`: the server has not described the export yet.
///
/// States: negotiating, connected and closed.
/// Since: 1.0.
/// See also: `nbd_aio_cache`, `nbd_cache`, `nbd_opt_info`.
/// Source: NBD protocol, `NBD_FLAG_SEND_CACHE`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_can_cache(h: *mut nbd_handle) -> c_int {
    call!(h, can_cache())
}

/// Tells whether the server offers block status of chosen meta contexts.
///
/// If so, `nbd_block_status_filter` can be used. It needs extended headers.
///
/// Returns: 1 if so, 0 if not, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is still connecting, or its connection broke.
/// - `EINVAL`: the server has not described the export yet.
///
/// States: negotiating, connected and closed.
/// Since: 1.18.
/// See also: `nbd_block_status_filter`, `nbd_get_extended_headers_negotiated`,
///   `nbd_opt_info`.
/// Source: NBD protocol, `NBD_FLAG_BLOCK_STATUS_PAYLOAD`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_can_block_status_payload(h: *mut nbd_handle) -> c_int {
    call!(h, can_block_status_payload())
}

/// Tells whether the server has selected a meta context.
///
/// `metacontext` is compared with the names that the server gave, letter by
/// letter. The name constants of the header, such as
/// `LIBNBD_CONTEXT_BASE_ALLOCATION`, can be used.
///
/// Returns: 1 if so, 0 if not, or -1 on failure.
/// Errors:
/// - `EFAULT`: `metacontext` is `NULL`.
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is still connecting, or its connection broke.
/// - `EINVAL`: contexts are to be asked for, but have not been negotiated yet,
///   or that has failed.
///
/// States: negotiating, connected and closed.
/// Since: 1.0.
/// See also: `nbd_add_meta_context`, `nbd_aio_block_status_64`,
///   `nbd_block_status_64`, `nbd_opt_info`, `nbd_opt_set_meta_context`,
///   `nbd_set_request_meta_context`.
/// Source: NBD protocol, `NBD_OPT_SET_META_CONTEXT`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_can_meta_context(
    h: *mut nbd_handle,
    metacontext: *const c_char,
) -> c_int {
    // SAFETY: `metacontext` is a string, or null.
    let metacontext = unsafe { text(metacontext) };
    call!(h, can_meta_context(metacontext))
}

/// Tells a block size of the export, in bytes.
///
/// - `LIBNBD_SIZE_MINIMUM`: requests must be aligned to it.
///
/// - `LIBNBD_SIZE_PREFERRED`: requests aligned to it are fast.
///
/// - `LIBNBD_SIZE_MAXIMUM`: no read or write may be longer.
///
/// - `LIBNBD_SIZE_PAYLOAD`: no write should be longer. The server does not send
///   it; it is the maximum, kept between 1 MiB and 64 MiB, or 32 MiB if there
///   is none.
///
/// Sizes that break the rules of the protocol are not used.
///
/// Returns: the size, 0 if the server did not say, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is still connecting, or its connection broke.
/// - `EINVAL`: `size_type` is none of these, or the server has not described
///   the export yet.
///
/// States: negotiating, connected and closed.
/// Since: 1.4.
/// See also: `nbd_get_protocol`, `nbd_get_size`, `nbd_opt_info`,
///   `nbd_set_request_block_size`.
/// Source: NBD protocol, `NBD_INFO_BLOCK_SIZE`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_block_size(h: *mut nbd_handle, size_type: c_int) -> i64 {
    call!(h, get_block_size(size_type))
}

/// Tells what the server calls the export.
///
/// Returns: the name, to be freed with `free`, or `NULL` on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is still connecting, or its connection broke.
/// - `EINVAL`: the server has not described the export yet.
/// - `ENOTSUP`: the server gave none; see `nbd_set_full_info`.
/// - `ENOMEM`: there is no memory for the copy.
///
/// States: negotiating, connected and closed.
/// Since: 1.4.
/// See also: `nbd_get_export_name`, `nbd_opt_info`, `nbd_set_full_info`.
/// Source: NBD protocol, `NBD_INFO_NAME`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_canonical_export_name(h: *mut nbd_handle) -> *mut c_char {
    call!(h, get_canonical_export_name())
}

/// Tells how the server describes the export to people.
///
/// Returns: the text, to be freed with `free`, or `NULL` on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is still connecting, or its connection broke.
/// - `EINVAL`: the server has not described the export yet.
/// - `ENOTSUP`: the server gave none; see `nbd_set_full_info`.
/// - `ENOMEM`: there is no memory for the copy.
///
/// States: negotiating, connected and closed.
/// Since: 1.4.
/// See also: `nbd_opt_info`, `nbd_set_full_info`.
/// Source: NBD protocol, `NBD_INFO_DESCRIPTION`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_export_description(h: *mut nbd_handle) -> *mut c_char {
    call!(h, get_export_description())
}

/// Tells which form of the handshake the server uses.
///
/// Returns: `oldstyle`, `newstyle` or `newstyle-fixed`, a constant string, or
/// `NULL` on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is still connecting, or its connection broke.
///
/// States: negotiating, connected and closed.
/// Since: 1.2.
/// See also: `nbd_get_block_size`, `nbd_get_handshake_flags`,
///   `nbd_get_structured_replies_negotiated`, `nbd_get_tls_negotiated`.
/// Source: NBD protocol, protocol phases.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_protocol(h: *mut nbd_handle) -> *const c_char {
    call!(h, get_protocol())
}

/// Tells whether structured replies are in use.
///
/// Returns: 1 if so, 0 if not, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is still connecting, or its connection broke.
///
/// States: negotiating, connected and closed.
/// Since: 1.2.
/// See also: `nbd_get_extended_headers_negotiated`, `nbd_get_protocol`,
///   `nbd_get_request_structured_replies`, `nbd_opt_extended_headers`,
///   `nbd_opt_structured_reply`, `nbd_set_request_structured_replies`.
/// Source: NBD protocol, `NBD_OPT_STRUCTURED_REPLY`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_structured_replies_negotiated(h: *mut nbd_handle) -> c_int {
    call!(h, get_structured_replies_negotiated())
}

/// Tells whether extended headers are in use.
///
/// Returns: 1 if so, 0 if not, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is still connecting, or its connection broke.
///
/// States: negotiating, connected and closed.
/// Since: 1.18.
/// See also: `nbd_block_status_64`, `nbd_cache`, `nbd_get_block_size`,
///   `nbd_get_protocol`, `nbd_get_request_extended_headers`,
///   `nbd_get_structured_replies_negotiated`,
///   `nbd_set_request_extended_headers`, `nbd_trim`, `nbd_zero`.
/// Source: NBD protocol, `NBD_OPT_EXTENDED_HEADERS`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_extended_headers_negotiated(h: *mut nbd_handle) -> c_int {
    call!(h, get_extended_headers_negotiated())
}
