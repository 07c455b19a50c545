//! What is known about the server, and what it has reported about the export.

use std::ffi::CStr;

use crate::connect::Place;
use crate::error::{Error, Result};
use crate::protocol::export::TransmissionFlags;

use super::Client;

impl Client {
    /// The host of a TCP connection, as named by the caller.
    pub fn server_name(&self) -> Option<&CStr> {
        match &self.place {
            Some(Place::Tcp { host, .. }) => Some(host),
            _ => None,
        }
    }

    /// Size and transmission flags of the export.
    #[inline]
    pub fn basics(&self) -> Result<(u64, TransmissionFlags)> {
        self.session.export.basics.ok_or_else(|| {
            Error::new(
                libc::EINVAL,
                "the server has not reported anything about the export yet",
            )
        })
    }

    /// Returns whether the server has set a transmission flag.
    #[inline]
    pub fn has(&self, flag: u16) -> Result<bool> {
        let (_, flags) = self.basics()?;
        Ok(flags.has(flag))
    }
}
