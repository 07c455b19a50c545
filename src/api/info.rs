//! What the server reported about the export and about the protocol.
//!
//! Size, flags and block sizes are known once `opt_go` or `opt_info` has
//! succeeded, or connecting without option mode has.  A feature counts as
//! supported only if it can be used: a flag that needs structured replies or
//! extended headers counts as absent without them.

use std::ffi::{CStr, CString};

use super::arguments::ToText;
use super::constants::{SIZE_MAXIMUM, SIZE_MINIMUM, SIZE_PREFERRED};
use super::functions;
use crate::error::{Error, Result};
use crate::protocol::export::{TransmissionFlags, payload_limit};

functions! {
    /// Returns the size of the export in bytes, at most `i64::MAX`.
    get_size() -> u64, |client| {
        let (size, _) = client.basics()?;
        if i64::try_from(size).is_err() {
            return Err(Error::new(
                libc::EOVERFLOW,
                format!("the size of the export, {size} bytes, does not fit in 63 bits"),
            ));
        }
        Ok(size)
    };
    /// Returns whether the export is read-only.
    is_read_only() -> bool, |client| client.has(TransmissionFlags::READ_ONLY);
    /// Returns whether the export behaves like a rotational disk.
    is_rotational() -> bool, |client| client.has(TransmissionFlags::ROTATIONAL);
    /// Returns whether the server supports [`Handle::flush`](Self::flush).
    can_flush() -> bool, |client| client.has(TransmissionFlags::SEND_FLUSH);
    /// Returns whether the server supports
    /// [`CMD_FLAG_FUA`](crate::CMD_FLAG_FUA).
    can_fua() -> bool, |client| client.has(TransmissionFlags::SEND_FUA);
    /// Returns whether the server supports [`Handle::trim`](Self::trim).
    can_trim() -> bool, |client| client.has(TransmissionFlags::SEND_TRIM);
    /// Returns whether the server supports [`Handle::zero`](Self::zero).
    can_zero() -> bool, |client| client.has(TransmissionFlags::SEND_WRITE_ZEROES);
    /// Returns whether the server supports
    /// [`CMD_FLAG_FAST_ZERO`](crate::CMD_FLAG_FAST_ZERO).
    can_fast_zero() -> bool, |client| client.has(TransmissionFlags::SEND_FAST_ZERO);
    /// Returns whether the server supports [`CMD_FLAG_DF`](crate::CMD_FLAG_DF).
    can_df() -> bool, |client| client.has(TransmissionFlags::SEND_DF);
    /// Returns whether several connections see each other's flushed writes.
    can_multi_conn() -> bool, |client| client.has(TransmissionFlags::CAN_MULTI_CONN);
    /// Returns whether the server supports [`Handle::cache`](Self::cache).
    can_cache() -> bool, |client| client.has(TransmissionFlags::SEND_CACHE);
    /// Returns whether the server supports
    /// [`Handle::block_status_filter`](Self::block_status_filter).
    can_block_status_payload() -> bool, |client| client.has(TransmissionFlags::BLOCK_STATUS_PAYLOAD);
    /// Returns whether the server has selected a meta context.
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
    /// Returns a block size in bytes: [`SIZE_MINIMUM`](crate::SIZE_MINIMUM),
    /// [`SIZE_PREFERRED`](crate::SIZE_PREFERRED),
    /// [`SIZE_MAXIMUM`](crate::SIZE_MAXIMUM) or
    /// [`SIZE_PAYLOAD`](crate::SIZE_PAYLOAD); 0 if the server did not report
    /// it.
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
    /// Returns the name by which the server knows the export, if it was
    /// requested with [`Handle::set_full_info`](Self::set_full_info).
    get_canonical_export_name() -> CString, |client| {
        client.basics()?;
        said(&client.session.export.canonical_name, "canonical name")
    };
    /// Returns the server's description of the export, if it was requested with
    /// [`Handle::set_full_info`](Self::set_full_info).
    get_export_description() -> CString, |client| {
        client.basics()?;
        said(&client.session.export.description, "description")
    };
    /// Returns the variant of the handshake: `oldstyle`, `newstyle` or
    /// `newstyle-fixed`.
    get_protocol() -> &'static CStr, |client| match client.session.protocol {
        Some(protocol) => Ok(protocol.name()),
        None => Err(Error::new(libc::EINVAL, "the server has not sent its greeting yet")),
    };
    /// Returns whether structured replies are in use.
    get_structured_replies_negotiated() -> bool, |client| Ok(client.session.structured_replies);
    /// Returns whether extended headers are in use.
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
