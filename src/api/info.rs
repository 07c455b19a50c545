//! What the server said: about the export, and about how to talk.
//!
//! Size, flags and block sizes are known once `opt_go` or `opt_info` has
//! succeeded, or connecting without option mode has.

use std::ffi::{CStr, CString};

use super::arguments::ToText;
use super::functions;

functions! {
    /// Size of the export in bytes, at most `i64::MAX`.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`, `EOVERFLOW`; see `nbd_get_size`.
    get_size() -> u64, |client| client.get_size().map(i64::unsigned_abs);
    /// Whether writing is forbidden.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_is_read_only`.
    is_read_only() -> bool, |client| client.is_read_only();
    /// Whether the export is on a spinning disk.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_is_rotational`.
    is_rotational() -> bool, |client| client.is_rotational();
    /// Whether [`Handle::flush`](Self::flush) works.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_can_flush`.
    can_flush() -> bool, |client| client.can_flush();
    /// Whether [`CMD_FLAG_FUA`](crate::CMD_FLAG_FUA) works.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_can_fua`.
    can_fua() -> bool, |client| client.can_fua();
    /// Whether [`Handle::trim`](Self::trim) works.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_can_trim`.
    can_trim() -> bool, |client| client.can_trim();
    /// Whether [`Handle::zero`](Self::zero) works.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_can_zero`.
    can_zero() -> bool, |client| client.can_zero();
    /// Whether [`CMD_FLAG_FAST_ZERO`](crate::CMD_FLAG_FAST_ZERO) works.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_can_fast_zero`.
    can_fast_zero() -> bool, |client| client.can_fast_zero();
    /// Whether [`CMD_FLAG_DF`](crate::CMD_FLAG_DF) works.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_can_df`.
    can_df() -> bool, |client| client.can_df();
    /// Whether several connections see each other's flushed writes.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_can_multi_conn`.
    can_multi_conn() -> bool, |client| client.can_multi_conn();
    /// Whether [`Handle::cache`](Self::cache) works.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_can_cache`.
    can_cache() -> bool, |client| client.can_cache();
    /// Whether [`Handle::block_status_filter`](Self::block_status_filter)
    /// works.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_can_block_status_payload`.
    can_block_status_payload() -> bool, |client| client.can_block_status_payload();
    /// Whether the server granted a meta context.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_can_meta_context`.
    can_meta_context(metacontext: impl ToText) -> bool, |client| client.can_meta_context(metacontext.as_ref());
    /// A block size in bytes: [`SIZE_MINIMUM`](crate::SIZE_MINIMUM),
    /// [`SIZE_PREFERRED`](crate::SIZE_PREFERRED),
    /// [`SIZE_MAXIMUM`](crate::SIZE_MAXIMUM) or
    /// [`SIZE_PAYLOAD`](crate::SIZE_PAYLOAD); 0 if the server did not say.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_get_block_size`.
    get_block_size(; size_type: choice) -> u64,
        |client| client.get_block_size(size_type).map(i64::unsigned_abs);
    /// The name by which the server knows the export, if it was asked with
    /// [`Handle::set_full_info`](Self::set_full_info).
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`, `ENOTSUP`, `ENOMEM`; see `nbd_get_canonical_export_name`.
    get_canonical_export_name() -> CString, |client| client.canonical_export_name();
    /// The server's description of the export, if it was asked with
    /// [`Handle::set_full_info`](Self::set_full_info).
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`, `ENOTSUP`, `ENOMEM`; see `nbd_get_export_description`.
    get_export_description() -> CString, |client| client.export_description();
    /// The variant of the handshake: `oldstyle`, `newstyle` or
    /// `newstyle-fixed`.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_get_protocol`.
    get_protocol() -> &'static CStr, |client| client.get_protocol();
    /// Whether structured replies are in use.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_get_structured_replies_negotiated`.
    get_structured_replies_negotiated() -> bool, |client| Ok(client.structured_replies_negotiated());
    /// Whether extended headers are in use.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_get_extended_headers_negotiated`.
    get_extended_headers_negotiated() -> bool, |client| Ok(client.extended_headers_negotiated());
}
