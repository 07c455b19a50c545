//! Settings of the handshake: what it requests from the server. Settings are
//! made before connecting; some can be changed in option mode.

use std::ffi::c_int;

use super::guard::{call, get};
use super::registry::nbd_handle;

/// Sets whether to request the canonical name and the description of the
/// export.
///
/// Off by default, because few servers have them.
///
/// See also: `nbd_get_canonical_export_name`, `nbd_get_export_description`,
///   `nbd_get_full_info`, `nbd_set_request_block_size`.
/// Source: NBD protocol, `NBD_INFO_NAME` and `NBD_INFO_DESCRIPTION`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_full_info(h: *mut nbd_handle, request: bool) -> c_int {
    call!(h, set_full_info(request))
}

/// Reports whether name and description of the export are requested.
///
/// Returns: 1 if so, 0 if not, or -1 on failure.
/// See also: `nbd_set_full_info`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_full_info(h: *mut nbd_handle) -> c_int {
    call!(h, get_full_info())
}

/// Sets whether to request the block sizes of the export.
///
/// On by default. A client that requests them promises to respect them, so a
/// server that depends on this may refuse to describe the export to other
/// clients.
///
/// See also: `nbd_get_block_size`, `nbd_get_request_block_size`,
///   `nbd_set_full_info`, `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_INFO_BLOCK_SIZE`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_request_block_size(
    h: *mut nbd_handle,
    request: bool,
) -> c_int {
    call!(h, set_request_block_size(request))
}

/// Reports whether block sizes are requested.
///
/// Returns: 1 if so, 0 if not, or -1 on failure.
/// See also: `nbd_set_request_block_size`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_request_block_size(h: *mut nbd_handle) -> c_int {
    call!(h, get_request_block_size())
}

/// Sets whether to request structured replies.
///
/// On by default. Without them there are no holes in read replies, no block
/// status and no extended headers: switching this off also disables
/// `nbd_set_request_extended_headers`.
///
/// See also: `nbd_can_df`, `nbd_can_meta_context`,
///   `nbd_get_request_structured_replies`,
///   `nbd_get_structured_replies_negotiated`, `nbd_opt_structured_reply`,
///   `nbd_set_handshake_flags`, `nbd_set_request_extended_headers`,
///   `nbd_set_strict_mode`.
/// Source: NBD protocol, `NBD_OPT_STRUCTURED_REPLY`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_request_structured_replies(
    h: *mut nbd_handle,
    request: bool,
) -> c_int {
    call!(h, set_request_structured_replies(request))
}

/// Reports whether structured replies are requested.
///
/// See also: `nbd_get_request_extended_headers`,
///   `nbd_get_structured_replies_negotiated`,
///   `nbd_set_request_structured_replies`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_request_structured_replies(h: *mut nbd_handle) -> c_int {
    get!(h, get_request_structured_replies(), 0)
}

/// Sets whether to request extended headers.
///
/// On by default. With them, lengths have 64 bits: trim, zero, cache and block
/// status commands can cover more than 4 GiB at once.
///
/// See also: `nbd_block_status_64`, `nbd_cache`,
///   `nbd_get_extended_headers_negotiated`, `nbd_get_request_extended_headers`,
///   `nbd_opt_extended_headers`, `nbd_set_handshake_flags`,
///   `nbd_set_request_structured_replies`, `nbd_set_strict_mode`, `nbd_trim`,
///   `nbd_zero`.
/// Source: NBD protocol, `NBD_OPT_EXTENDED_HEADERS`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_request_extended_headers(
    h: *mut nbd_handle,
    request: bool,
) -> c_int {
    call!(h, set_request_extended_headers(request))
}

/// Reports whether extended headers are requested.
///
/// See also: `nbd_get_extended_headers_negotiated`,
///   `nbd_set_request_extended_headers`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_request_extended_headers(h: *mut nbd_handle) -> c_int {
    get!(h, get_request_extended_headers(), 0)
}

/// Sets whether `nbd_opt_go` and `nbd_opt_info` select meta contexts.
///
/// On by default: they first request the contexts of `nbd_add_meta_context`
/// from the server. If this is off, they keep what `nbd_opt_set_meta_context`
/// has selected.
///
/// See also: `nbd_can_meta_context`, `nbd_get_request_meta_context`,
///   `nbd_get_structured_replies_negotiated`, `nbd_opt_go`, `nbd_opt_info`,
///   `nbd_opt_list_meta_context`, `nbd_opt_set_meta_context`,
///   `nbd_set_opt_mode`.
/// Source: NBD protocol, `NBD_OPT_SET_META_CONTEXT`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_request_meta_context(
    h: *mut nbd_handle,
    request: bool,
) -> c_int {
    call!(h, set_request_meta_context(request))
}

/// Reports whether `nbd_opt_go` and `nbd_opt_info` select meta contexts.
///
/// Returns: 1 if so, 0 if not, or -1 on failure.
/// See also: `nbd_set_request_meta_context`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_request_meta_context(h: *mut nbd_handle) -> c_int {
    call!(h, get_request_meta_context())
}

/// Sets which handshake flags the client may accept.
///
/// Only flags that the server offers as well are used. By default both are set;
/// clearing them is useful for testing servers.
///
/// - `LIBNBD_HANDSHAKE_FLAG_FIXED_NEWSTYLE`: without it no option but the
///   export name can be negotiated, so there is no TLS, no structured replies
///   and no list of exports.
/// - `LIBNBD_HANDSHAKE_FLAG_NO_ZEROES`: without it the server ends the short
///   form of the handshake with 124 zero bytes.
///
/// See also: `nbd_get_handshake_flags`, `nbd_set_request_structured_replies`.
/// Source: NBD protocol, handshake flags.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_handshake_flags(h: *mut nbd_handle, flags: u32) -> c_int {
    call!(h, set_handshake_flags(flags))
}

/// Returns the handshake flags.
///
/// Before the handshake these are the flags that the client may accept.
/// Afterwards they are those that both sides use, or 0 with an oldstyle server.
///
/// Returns: a bitwise OR of `LIBNBD_HANDSHAKE_FLAG_...` flags.
/// See also: `nbd_aio_is_created`, `nbd_aio_is_ready`, `nbd_get_protocol`,
///   `nbd_set_handshake_flags`, `nbd_set_strict_mode`.
/// Source: NBD protocol, handshake flags.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_handshake_flags(h: *mut nbd_handle) -> u32 {
    get!(h, get_handshake_flags(), 0)
}

/// Sets whether the program controls the negotiation.
///
/// Off by default. In option mode connecting stops in the negotiating state.
/// There the program sends the options it wants, and ends with `nbd_opt_go` or
/// `nbd_opt_abort`. With a server that is too old to negotiate, the handle
/// becomes connected at once; check `nbd_aio_is_negotiating`.
///
/// See also: `nbd_aio_connect`, `nbd_aio_is_negotiating`, `nbd_get_opt_mode`,
///   `nbd_opt_abort`, `nbd_opt_go`, `nbd_opt_info`, `nbd_opt_list`,
///   `nbd_opt_list_meta_context`, `nbd_opt_set_meta_context`,
///   `nbd_opt_starttls`, `nbd_opt_structured_reply`,
///   `nbd_set_request_structured_replies`, `nbd_set_tls`, `nbd_shutdown`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_opt_mode(h: *mut nbd_handle, enable: bool) -> c_int {
    call!(h, set_opt_mode(enable))
}

/// Reports whether the program controls the negotiation.
///
/// See also: `nbd_set_opt_mode`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_opt_mode(h: *mut nbd_handle) -> c_int {
    get!(h, get_opt_mode(), 0)
}
