//! What the server has said of itself and of the export.

use std::ffi::{CStr, CString};

use libc::c_int;

use crate::error::{Error, Result};
use crate::protocol::export::{TransmissionFlags, payload_limit};

use super::Client;

impl Client {
    /// Size of the export in bytes.
    pub fn get_size(&self) -> Result<i64> {
        let (size, _) = self.basics()?;
        i64::try_from(size).map_err(|_| {
            Error::new(
                libc::EOVERFLOW,
                format!("the size of the export, {size} bytes, does not fit 63 bits"),
            )
        })
    }

    /// Whether writing is forbidden.
    pub fn is_read_only(&self) -> Result<bool> {
        self.has(TransmissionFlags::READ_ONLY)
    }

    /// Whether flush can be sent.
    pub fn can_flush(&self) -> Result<bool> {
        self.has(TransmissionFlags::SEND_FLUSH)
    }

    /// Whether FUA can be set.
    pub fn can_fua(&self) -> Result<bool> {
        self.has(TransmissionFlags::SEND_FUA)
    }

    /// Whether the export is on a spinning disk.
    pub fn is_rotational(&self) -> Result<bool> {
        self.has(TransmissionFlags::ROTATIONAL)
    }

    /// Whether trim can be sent.
    pub fn can_trim(&self) -> Result<bool> {
        self.has(TransmissionFlags::SEND_TRIM)
    }

    /// Whether write-zeroes can be sent.
    pub fn can_zero(&self) -> Result<bool> {
        self.has(TransmissionFlags::SEND_WRITE_ZEROES)
    }

    /// Whether FAST_ZERO can be set.
    pub fn can_fast_zero(&self) -> Result<bool> {
        self.has(TransmissionFlags::SEND_FAST_ZERO)
    }

    /// Whether DF can be set.
    pub fn can_df(&self) -> Result<bool> {
        self.has(TransmissionFlags::SEND_DF)
    }

    /// Whether several connections see each other's flushed writes.
    pub fn can_multi_conn(&self) -> Result<bool> {
        self.has(TransmissionFlags::CAN_MULTI_CONN)
    }

    /// Whether cache can be sent.
    pub fn can_cache(&self) -> Result<bool> {
        self.has(TransmissionFlags::SEND_CACHE)
    }

    /// Whether block status can be limited to some meta contexts.
    pub fn can_block_status_payload(&self) -> Result<bool> {
        self.has(TransmissionFlags::BLOCK_STATUS_PAYLOAD)
    }

    /// Whether the server granted this meta context.
    pub fn can_meta_context(&self, name: &CStr) -> Result<bool> {
        let set = &self.session.contexts;
        if self.settings.handshake.contexts.is_empty() && !set.valid {
            return Ok(false);
        }
        if !set.valid {
            return Err(Error::new(
                libc::EINVAL,
                "meta contexts have not been negotiated for this export",
            ));
        }
        Ok(set.granted.iter().any(|context| *context.name == *name))
    }

    /// A block size constraint: 0 minimum, 1 preferred, 2 maximum, 3 the
    /// longest payload to send.
    pub fn get_block_size(&self, which: c_int) -> Result<i64> {
        self.basics()?;
        let sizes = self.session.export.block_sizes;
        let size = match which {
            0 => sizes.map_or(0, |sizes| sizes.minimum),
            1 => sizes.map_or(0, |sizes| sizes.preferred),
            2 => sizes.map_or(0, |sizes| sizes.maximum),
            _ => payload_limit(sizes),
        };
        Ok(size.into())
    }

    /// The variant of the handshake.
    pub fn get_protocol(&self) -> Result<&'static CStr> {
        let protocol = self
            .session
            .protocol
            .ok_or_else(|| Error::new(libc::EINVAL, "the handshake has not got that far"))?;
        Ok(protocol.name())
    }

    /// The name by which the server knows the export.
    pub fn canonical_export_name(&self) -> Result<CString> {
        self.basics()?;
        said(&self.session.export.canonical_name, "canonical name")
    }

    /// The server's description of the export.
    pub fn export_description(&self) -> Result<CString> {
        self.basics()?;
        said(&self.session.export.description, "description")
    }

    /// Whether structured replies are in use.
    pub fn structured_replies_negotiated(&self) -> bool {
        self.session.structured_replies
    }

    /// Whether extended headers are in use.
    pub fn extended_headers_negotiated(&self) -> bool {
        self.session.extended_headers
    }

    /// Whether TLS is in use.
    pub fn tls_negotiated(&self) -> bool {
        self.session.tls
    }

    /// Size and transmission flags of the export.
    pub(super) fn basics(&self) -> Result<(u64, TransmissionFlags)> {
        self.session.export.basics.ok_or_else(|| {
            Error::new(
                libc::EINVAL,
                "the server has not said anything of the export yet",
            )
        })
    }

    pub(super) fn has(&self, flag: u16) -> Result<bool> {
        let (_, flags) = self.basics()?;
        Ok(flags.has(flag))
    }
}

fn said(text: &Option<CString>, what: &str) -> Result<CString> {
    text.clone().ok_or_else(|| {
        Error::new(
            libc::ENOTSUP,
            format!("the server did not send a {what} of the export"),
        )
    })
}
