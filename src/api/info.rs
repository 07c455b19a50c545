//! What the server said: about the export, and about how to talk.
//!
//! Size, flags and block sizes are known once `opt_go` or `opt_info` has
//! succeeded, or connecting without option mode has.

use std::ffi::{CStr, CString};

use super::arguments::{ToText, enumeration};
use super::functions;

functions! {
    /// Size of the export in bytes, at most `i64::MAX`.
    get_size() -> u64 = GET_SIZE, |client| client.get_size().map(i64::unsigned_abs);
    /// Whether writing is forbidden.
    is_read_only() -> bool = IS_READ_ONLY, |client| client.is_read_only();
    /// Whether the export is on a spinning disk.
    is_rotational() -> bool = IS_ROTATIONAL, |client| client.is_rotational();
    /// Whether [`Handle::flush`](Self::flush) works.
    can_flush() -> bool = CAN_FLUSH, |client| client.can_flush();
    /// Whether [`CMD_FLAG_FUA`](crate::CMD_FLAG_FUA) works.
    can_fua() -> bool = CAN_FUA, |client| client.can_fua();
    /// Whether [`Handle::trim`](Self::trim) works.
    can_trim() -> bool = CAN_TRIM, |client| client.can_trim();
    /// Whether [`Handle::zero`](Self::zero) works.
    can_zero() -> bool = CAN_ZERO, |client| client.can_zero();
    /// Whether [`CMD_FLAG_FAST_ZERO`](crate::CMD_FLAG_FAST_ZERO) works.
    can_fast_zero() -> bool = CAN_FAST_ZERO, |client| client.can_fast_zero();
    /// Whether [`CMD_FLAG_DF`](crate::CMD_FLAG_DF) works.
    can_df() -> bool = CAN_DF, |client| client.can_df();
    /// Whether several connections see each other's flushed writes.
    can_multi_conn() -> bool = CAN_MULTI_CONN, |client| client.can_multi_conn();
    /// Whether [`Handle::cache`](Self::cache) works.
    can_cache() -> bool = CAN_CACHE, |client| client.can_cache();
    /// Whether [`Handle::block_status_filter`](Self::block_status_filter)
    /// works.
    can_block_status_payload() -> bool = CAN_BLOCK_STATUS_PAYLOAD,
        |client| client.can_block_status_payload();
    /// Whether the server granted a meta context.
    can_meta_context(metacontext: impl ToText) -> bool = CAN_META_CONTEXT,
        |client| client.can_meta_context(metacontext.as_ref());
    /// A block size in bytes: [`SIZE_MINIMUM`](crate::SIZE_MINIMUM),
    /// [`SIZE_PREFERRED`](crate::SIZE_PREFERRED),
    /// [`SIZE_MAXIMUM`](crate::SIZE_MAXIMUM) or
    /// [`SIZE_PAYLOAD`](crate::SIZE_PAYLOAD); 0 if the server did not say.
    get_block_size(size_type: i32) -> u64 = GET_BLOCK_SIZE, |client| {
        let which = enumeration("size_type", size_type, 3)?;
        client.get_block_size(which).map(i64::unsigned_abs)
    };
    /// The name by which the server knows the export, if it was asked with
    /// [`Handle::set_full_info`](Self::set_full_info).
    get_canonical_export_name() -> CString = GET_CANONICAL_EXPORT_NAME,
        |client| client.canonical_export_name();
    /// The server's description of the export, if it was asked with
    /// [`Handle::set_full_info`](Self::set_full_info).
    get_export_description() -> CString = GET_EXPORT_DESCRIPTION,
        |client| client.export_description();
    /// The variant of the handshake: `oldstyle`, `newstyle` or
    /// `newstyle-fixed`.
    get_protocol() -> &'static CStr = GET_PROTOCOL, |client| client.get_protocol();
    /// Whether structured replies are in use.
    get_structured_replies_negotiated() -> bool = GET_STRUCTURED_REPLIES_NEGOTIATED,
        |client| Ok(client.structured_replies_negotiated());
    /// Whether extended headers are in use.
    get_extended_headers_negotiated() -> bool = GET_EXTENDED_HEADERS_NEGOTIATED,
        |client| Ok(client.extended_headers_negotiated());
}
