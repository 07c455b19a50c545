//! What the server said: about the export, and about how to talk.
//!
//! Size, flags and block sizes are known once `opt_go` or `opt_info` has
//! succeeded, or connecting without option mode has.

use std::ffi::{CStr, CString};

use super::arguments::ToText;
use super::constants::{SIZE_MAXIMUM, SIZE_MINIMUM, SIZE_PREFERRED};
use super::functions;
use crate::error::{Error, Result};
use crate::protocol::export::{TransmissionFlags, payload_limit};

functions! {
    /// Size of the export in bytes, at most `i64::MAX`.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`, `EOVERFLOW`; see `nbd_get_size`.
    get_size() -> u64, |client| {
        let (size, _) = client.basics()?;
        if i64::try_from(size).is_err() {
            return Err(Error::new(
                libc::EOVERFLOW,
                format!("the size of the export, {size} bytes, does not fit 63 bits"),
            ));
        }
        Ok(size)
    };
    /// Whether writing is forbidden.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_is_read_only`.
    is_read_only() -> bool, |client| client.has(TransmissionFlags::READ_ONLY);
    /// Whether the export is on a spinning disk.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_is_rotational`.
    is_rotational() -> bool, |client| client.has(TransmissionFlags::ROTATIONAL);
    /// Whether [`Handle::flush`](Self::flush) works.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_can_flush`.
    can_flush() -> bool, |client| client.has(TransmissionFlags::SEND_FLUSH);
    /// Whether [`CMD_FLAG_FUA`](crate::CMD_FLAG_FUA) works.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_can_fua`.
    can_fua() -> bool, |client| client.has(TransmissionFlags::SEND_FUA);
    /// Whether [`Handle::trim`](Self::trim) works.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_can_trim`.
    can_trim() -> bool, |client| client.has(TransmissionFlags::SEND_TRIM);
    /// Whether [`Handle::zero`](Self::zero) works.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_can_zero`.
    can_zero() -> bool, |client| client.has(TransmissionFlags::SEND_WRITE_ZEROES);
    /// Whether [`CMD_FLAG_FAST_ZERO`](crate::CMD_FLAG_FAST_ZERO) works.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_can_fast_zero`.
    can_fast_zero() -> bool, |client| client.has(TransmissionFlags::SEND_FAST_ZERO);
    /// Whether [`CMD_FLAG_DF`](crate::CMD_FLAG_DF) works.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_can_df`.
    can_df() -> bool, |client| client.has(TransmissionFlags::SEND_DF);
    /// Whether several connections see each other's flushed writes.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_can_multi_conn`.
    can_multi_conn() -> bool, |client| client.has(TransmissionFlags::CAN_MULTI_CONN);
    /// Whether [`Handle::cache`](Self::cache) works.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_can_cache`.
    can_cache() -> bool, |client| client.has(TransmissionFlags::SEND_CACHE);
    /// Whether [`Handle::block_status_filter`](Self::block_status_filter)
    /// works.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_can_block_status_payload`.
    can_block_status_payload() -> bool, |client| client.has(TransmissionFlags::BLOCK_STATUS_PAYLOAD);
    /// Whether the server granted a meta context.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_can_meta_context`.
    can_meta_context(metacontext: impl ToText) -> bool, |client| {
        let (set, name) = (&client.session.contexts, metacontext.as_ref());
        if set.valid {
            return Ok(set.granted.iter().any(|context| *context.name == *name));
        }
        if client.settings.handshake.contexts.is_empty() {
            return Ok(false);
        }
        Err(Error::new(
            libc::EINVAL,
            "meta contexts have not been negotiated for this export",
        ))
    };
    /// A block size in bytes: [`SIZE_MINIMUM`](crate::SIZE_MINIMUM),
    /// [`SIZE_PREFERRED`](crate::SIZE_PREFERRED),
    /// [`SIZE_MAXIMUM`](crate::SIZE_MAXIMUM) or
    /// [`SIZE_PAYLOAD`](crate::SIZE_PAYLOAD); 0 if the server did not say.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_get_block_size`.
    get_block_size(; size_type: choice) -> u64, |client| {
        client.basics()?;
        let sizes = client.session.export.block_sizes;
        let size = match size_type {
            SIZE_MINIMUM => sizes.map_or(0, |sizes| sizes.minimum),
            SIZE_PREFERRED => sizes.map_or(0, |sizes| sizes.preferred),
            SIZE_MAXIMUM => sizes.map_or(0, |sizes| sizes.maximum),
            _ => payload_limit(sizes),
        };
        Ok(size.into())
    };
    /// The name by which the server knows the export, if it was asked with
    /// [`Handle::set_full_info`](Self::set_full_info).
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`, `ENOTSUP`, `ENOMEM`; see `nbd_get_canonical_export_name`.
    get_canonical_export_name() -> CString, |client| {
        client.basics()?;
        said(&client.session.export.canonical_name, "canonical name")
    };
    /// The server's description of the export, if it was asked with
    /// [`Handle::set_full_info`](Self::set_full_info).
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`, `ENOTSUP`, `ENOMEM`; see `nbd_get_export_description`.
    get_export_description() -> CString, |client| {
        client.basics()?;
        said(&client.session.export.description, "description")
    };
    /// The variant of the handshake: `oldstyle`, `newstyle` or
    /// `newstyle-fixed`.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_get_protocol`.
    get_protocol() -> &'static CStr, |client| match client.session.protocol {
        Some(protocol) => Ok(protocol.name()),
        None => Err(Error::new(libc::EINVAL, "the handshake has not got that far")),
    };
    /// Whether structured replies are in use.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_get_structured_replies_negotiated`.
    get_structured_replies_negotiated() -> bool, |client| Ok(client.session.structured_replies);
    /// Whether extended headers are in use.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_get_extended_headers_negotiated`.
    get_extended_headers_negotiated() -> bool, |client| Ok(client.session.extended_headers);
}

fn said(text: &Option<CString>, what: &str) -> Result<CString> {
    text.clone().ok_or_else(|| {
        Error::new(
            libc::ENOTSUP,
            format!("the server did not send a {what} of the export"),
        )
    })
}
