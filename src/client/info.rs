//! What is known of the server, and what it has said of the export.

use std::ffi::CStr;

use crate::connect::Place;
use crate::error::{Error, Result};
use crate::protocol::export::TransmissionFlags;

use super::Client;

impl Client {
    /// The host that was connected to by TCP, as the caller named it.
    pub fn server_name(&self) -> Option<&CStr> {
        match &self.place {
            Some(Place::Tcp { host, .. }) => Some(host),
            _ => None,
        }
    }

    /// Size and transmission flags of the export.
    pub fn basics(&self) -> Result<(u64, TransmissionFlags)> {
        self.session.export.basics.ok_or_else(|| {
            Error::new(
                libc::EINVAL,
                "the server has not said anything of the export yet",
            )
        })
    }

    /// Whether the server has set a transmission flag.
    pub fn has(&self, flag: u16) -> Result<bool> {
        let (_, flags) = self.basics()?;
        Ok(flags.has(flag))
    }
}
