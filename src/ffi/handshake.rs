//! What the handshake asks the server for. All of this is set before
//! connecting; some of it can be changed in option mode.

use std::ffi::c_int;

use super::guard::{call, get};
use super::registry::nbd_handle;

/// Says whether to ask for the canonical name and the description of the
/// export.
///
/// Off at first, because few servers have them.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EINVAL`: the handshake is running or over.
///
/// States: created and negotiating.
/// Since: 1.4.
/// See also: `nbd_get_canonical_export_name`, `nbd_get_export_description`,
///   `nbd_get_full_info`, `nbd_set_request_block_size`.
/// Source: NBD protocol, `NBD_INFO_NAME` and `NBD_INFO_DESCRIPTION`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_full_info(h: *mut nbd_handle, request: bool) -> c_int {
    call!(h, set_full_info(request))
}

/// Tells whether name and description of the export are asked for.
///
/// Returns: 1 if so, 0 if not, or -1 on failure.
/// Errors: none.
/// States: any.
/// Since: 1.4.
/// See also: `nbd_set_full_info`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_full_info(h: *mut nbd_handle) -> c_int {
    call!(h, get_full_info())
}

/// Says whether to ask for the block sizes of the export.
///
/// On at first. A client that asks also promises to keep to them, so a server
/// that cannot do without may refuse to describe the export to one that does
/// not ask.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EINVAL`: the handshake is running or over.
///
/// States: created and negotiating.
/// Since: 1.12.
/// See also: `nbd_get_block_size`, `nbd_get_request_block_size`,
///   `nbd_set_full_info`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_INFO_BLOCK_SIZE`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_request_block_size(
    h: *mut nbd_handle,
    request: bool,
) -> c_int {
    call!(h, set_request_block_size(request))
}

/// Tells whether block sizes are asked for.
///
/// Returns: 1 if so, 0 if not, or -1 on failure.
/// Errors: none.
/// States: any.
/// Since: 1.12.
/// See also: `nbd_set_request_block_size`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_request_block_size(h: *mut nbd_handle) -> c_int {
    call!(h, get_request_block_size())
}

/// Says whether to ask for structured replies.
///
/// On at first. Without them there are no holes in read replies, no block
/// status and no extended headers: switching this off also leaves out
/// `nbd_set_request_extended_headers`.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EINVAL`: a connection has been started already.
///
/// States: created.
/// Since: 1.2.
/// See also: `nbd_can_df`, `nbd_can_meta_context`,
///   `nbd_get_request_structured_replies`,
///   `nbd_get_structured_replies_negotiated`, `nbd_opt_structured_reply`,
///   `nbd_set_handshake_flags`, `nbd_set_request_extended_headers`,
///   `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_OPT_STRUCTURED_REPLY`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_request_structured_replies(
    h: *mut nbd_handle,
    request: bool,
) -> c_int {
    call!(h, set_request_structured_replies(request))
}

/// Tells whether structured replies are asked for.
///
/// Returns: 1 if so, else 0.
/// Errors: none.
/// States: any.
/// Since: 1.2.
/// See also: `nbd_get_request_extended_headers`,
///   `nbd_get_structured_replies_negotiated`,
///   `nbd_set_request_structured_replies`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_request_structured_replies(h: *mut nbd_handle) -> c_int {
    get!(h, get_request_structured_replies(), 0)
}

/// Says whether to ask for extended headers.
///
/// On at first. With them, lengths have 64 bits: trim, zero, cache and block
/// status can cover more than 4 GiB at once.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EINVAL`: a connection has been started already.
///
/// States: created.
/// Since: 1.18.
/// See also: `nbd_block_status_64`, `nbd_cache`,
///   `nbd_get_extended_headers_negotiated`, `nbd_get_request_extended_headers`,
///   `nbd_opt_extended_headers`, `nbd_set_handshake_flags`,
///   `nbd_set_request_structured_replies`, `nbd_set_strict_mode`, `nbd_trim`,
///   `nbd_zero`.
/// Source: NBD protocol, `NBD_OPT_EXTENDED_HEADERS`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_request_extended_headers(
    h: *mut nbd_handle,
    request: bool,
) -> c_int {
    call!(h, set_request_extended_headers(request))
}

/// Tells whether extended headers are asked for.
///
/// Returns: 1 if so, else 0.
/// Errors: none.
/// States: any.
/// Since: 1.18.
/// See also: `nbd_get_extended_headers_negotiated`,
///   `nbd_set_request_extended_headers`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_request_extended_headers(h: *mut nbd_handle) -> c_int {
    get!(h, get_request_extended_headers(), 0)
}

/// Says whether `nbd_opt_go` and `nbd_opt_info` select meta contexts.
///
/// On at first: they first ask the server for the contexts of
/// `nbd_add_meta_context`. Switched off, they keep what
/// `nbd_opt_set_meta_context` has selected before.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EINVAL`: the handshake is running or over.
///
/// States: created and negotiating.
/// Since: 1.16.
/// See also: `nbd_can_meta_context`, `nbd_get_request_meta_context`,
///   `nbd_get_structured_replies_negotiated`, `nbd_opt_go`, `nbd_opt_info`,
///   `nbd_opt_list_meta_context`, `nbd_opt_set_meta_context`,
///   `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_SET_META_CONTEXT`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_request_meta_context(
    h: *mut nbd_handle,
    request: bool,
) -> c_int {
    call!(h, set_request_meta_context(request))
}

/// Tells whether `nbd_opt_go` and `nbd_opt_info` select meta contexts.
///
/// Returns: 1 if so, 0 if not, or -1 on failure.
/// Errors: none.
/// States: any.
/// Since: 1.16.
/// See also: `nbd_set_request_meta_context`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_request_meta_context(h: *mut nbd_handle) -> c_int {
    call!(h, get_request_meta_context())
}

/// Chooses which handshake flags the client may answer.
///
/// Only flags that the server offers as well are used. At first both are set;
/// clearing them is of use in tests of servers.
///
/// - `LIBNBD_HANDSHAKE_FLAG_FIXED_NEWSTYLE`: without it no option but the
///   export name can be negotiated, so no TLS, no structured replies, no list
///   of exports.
///
/// - `LIBNBD_HANDSHAKE_FLAG_NO_ZEROES`: without it the server ends the short
///   form of the handshake with 124 zero bytes.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EINVAL`: a connection has been started already.
/// - `EINVAL`: `flags` has an unknown bit; the setting is as before.
///
/// States: created.
/// Since: 1.2.
/// See also: `nbd_get_handshake_flags`, `nbd_set_request_structured_replies`.
/// Source: NBD protocol, handshake flags.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_handshake_flags(h: *mut nbd_handle, flags: u32) -> c_int {
    call!(h, set_handshake_flags(flags))
}

/// Tells the handshake flags.
///
/// Before the handshake: those the client may answer. Afterwards: those that
/// both sides use; 0 with an oldstyle server.
///
/// Returns: a sum of `LIBNBD_HANDSHAKE_FLAG_...` flags.
/// Errors: none.
/// States: any.
/// Since: 1.2.
/// See also: `nbd_aio_is_created`, `nbd_aio_is_ready`, `nbd_get_protocol`,
///   `nbd_set_handshake_flags`, `nbd_set_strict_mode`.
/// Source: NBD protocol, handshake flags.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_handshake_flags(h: *mut nbd_handle) -> u32 {
    get!(h, get_handshake_flags(), 0)
}

/// Says whether the program conducts the negotiation.
///
/// Off at first. In option mode connecting stops in the negotiating state;
/// there the program sends the options it wants, until `nbd_opt_go` or
/// `nbd_opt_abort`. A server that is too old to negotiate gets the handle
/// connected at once: ask `nbd_aio_is_negotiating`.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EINVAL`: a connection has been started already.
///
/// States: created.
/// Since: 1.4.
/// See also: `nbd_aio_connect`, `nbd_aio_is_negotiating`, `nbd_get_opt_mode`,
///   `nbd_opt_abort`, `nbd_opt_go`, `nbd_opt_info`, `nbd_opt_list`,
///   `nbd_opt_list_meta_context`, `nbd_opt_set_meta_context`,
///   `nbd_opt_starttls`, `nbd_opt_structured_reply`,
///   `nbd_set_request_structured_replies`, `nbd_set_tls`, `nbd_shutdown`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_opt_mode(h: *mut nbd_handle, enable: bool) -> c_int {
    call!(h, set_opt_mode(enable))
}

/// Tells whether the program conducts the negotiation.
///
/// Returns: 1 if so, else 0.
/// Errors: none.
/// States: any.
/// Since: 1.4.
/// See also: `nbd_set_opt_mode`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_opt_mode(h: *mut nbd_handle) -> c_int {
    get!(h, get_opt_mode(), 0)
}
