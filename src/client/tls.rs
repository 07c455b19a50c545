//! What the caller says of TLS.

use std::ffi::{CStr, CString};

use libc::c_int;

use crate::connect::Place;
use crate::error::Result;
use crate::negotiation::Tls;
use crate::transport::tls::{DEFAULT_PRIORITY, default_username};

use super::Client;

impl Client {
    /// Whether to use TLS: 0 no, 1 if the server agrees, 2 yes.
    pub fn set_tls(&mut self, tls: c_int) -> Result<()> {
        self.settings.handshake.tls = match tls {
            0 => Tls::Disable,
            1 => Tls::Allow,
            // Whatever else it might be, the safe side.
            _ => Tls::Require,
        };
        Ok(())
    }

    /// As set.
    pub fn tls(&self) -> c_int {
        match self.settings.handshake.tls {
            Tls::Disable => 0,
            Tls::Allow => 1,
            Tls::Require => 2,
        }
    }

    /// The directory of certificates.
    pub fn set_tls_certificates(&mut self, directory: &CStr) -> Result<()> {
        self.settings.tls.certificates = Some(directory.to_owned());
        Ok(())
    }

    /// The file of pre-shared keys.
    pub fn set_tls_psk_file(&mut self, file: &CStr) -> Result<()> {
        self.settings.tls.psk_file = Some(file.to_owned());
        Ok(())
    }

    /// The name under which the server knows our pre-shared key.
    pub fn set_tls_username(&mut self, username: &CStr) -> Result<()> {
        self.settings.tls.username = Some(username.to_owned());
        Ok(())
    }

    /// As set, or the user's login name.
    pub fn get_tls_username(&self) -> Result<CString> {
        match &self.settings.tls.username {
            Some(name) => Ok(name.clone()),
            None => default_username(),
        }
    }

    /// The name that the server has to prove.
    pub fn set_tls_hostname(&mut self, hostname: &CStr) -> Result<()> {
        self.settings.tls.hostname = Some(hostname.to_owned());
        Ok(())
    }

    /// As set, or the host that was connected to, or nothing.
    pub fn get_tls_hostname(&self) -> CString {
        let explicit = self.settings.tls.hostname.as_ref();
        let explicit = explicit.filter(|name| !name.is_empty());
        explicit
            .map(CString::as_c_str)
            .or(self.server_name())
            .unwrap_or_default()
            .to_owned()
    }

    /// The host that was connected to by TCP, as the caller named it.
    pub(super) fn server_name(&self) -> Option<&CStr> {
        match &self.place {
            Some(Place::Tcp { host, .. }) => Some(host),
            _ => None,
        }
    }

    /// Whether the server has to prove anything.
    pub fn set_tls_verify_peer(&mut self, verify: bool) -> Result<()> {
        self.settings.tls.verify_peer = verify;
        Ok(())
    }

    /// As set.
    pub fn tls_verify_peer(&self) -> bool {
        self.settings.tls.verify_peer
    }

    /// Which versions and algorithms to use.
    pub fn set_tls_priority(&mut self, priority: &CStr) -> Result<()> {
        self.settings.tls.priority = Some(priority.to_owned());
        Ok(())
    }

    /// As set, or the default.
    pub fn get_tls_priority(&self) -> CString {
        let priority = self.settings.tls.priority.as_deref();
        priority.unwrap_or(DEFAULT_PRIORITY).to_owned()
    }
}
