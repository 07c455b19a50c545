//! How the connection is encrypted.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::error::{Error, Result};
use crate::handle::{Handle, entry};

use super::{c_string, forward};

forward! {
    /// Whether the server has to prove who it is, on by default (see
    /// `nbd_set_tls_verify_peer`).
    set_tls_verify_peer(verify: bool) -> () = SET_TLS_VERIFY_PEER, set_tls_verify_peer;
    /// Switches TLS on in the middle of the handshake; whether the server
    /// agrees (see `nbd_opt_starttls`).
    opt_starttls() -> bool = OPT_STARTTLS, opt_starttls;
}

impl Handle {
    /// Whether to use TLS: 0 no, which is the default, 1 if the server agrees,
    /// 2 or not at all (see `nbd_set_tls`).
    pub fn set_tls(&self, tls: i32) -> Result<()> {
        if !(0..=2).contains(&tls) {
            return Err(Error::new(libc::EINVAL, format!("{tls} is out of range")));
        }
        self.call(&entry::SET_TLS, |client| client.set_tls(tls))
    }

    /// The directory of certificates and keys (see
    /// `nbd_set_tls_certificates`).
    pub fn set_tls_certificates(&self, directory: impl AsRef<Path>) -> Result<()> {
        let directory = c_string(directory.as_ref().as_os_str().as_bytes())?;
        self.call(&entry::SET_TLS_CERTIFICATES, |client| {
            client.set_tls_certificates(&directory)
        })
    }

    /// The file of pre-shared keys (see `nbd_set_tls_psk_file`).
    pub fn set_tls_psk_file(&self, file: impl AsRef<Path>) -> Result<()> {
        let file = c_string(file.as_ref().as_os_str().as_bytes())?;
        self.call(&entry::SET_TLS_PSK_FILE, |client| {
            client.set_tls_psk_file(&file)
        })
    }

    /// The name under which the server knows our pre-shared key (see
    /// `nbd_set_tls_username`).
    pub fn set_tls_username(&self, name: &str) -> Result<()> {
        let name = c_string(name)?;
        self.call(&entry::SET_TLS_USERNAME, |client| {
            client.set_tls_username(&name)
        })
    }

    /// The name that the server has to prove (see `nbd_set_tls_hostname`).
    pub fn set_tls_hostname(&self, name: &str) -> Result<()> {
        let name = c_string(name)?;
        self.call(&entry::SET_TLS_HOSTNAME, |client| {
            client.set_tls_hostname(&name)
        })
    }

    /// Which versions and algorithms to use (see `nbd_set_tls_priority`).
    pub fn set_tls_priority(&self, priority: &str) -> Result<()> {
        let priority = c_string(priority)?;
        self.call(&entry::SET_TLS_PRIORITY, |client| {
            client.set_tls_priority(&priority)
        })
    }

    /// Whether the connection is encrypted (see `nbd_get_tls_negotiated`).
    pub fn get_tls_negotiated(&self) -> Result<bool> {
        self.call(&entry::GET_TLS_NEGOTIATED, |client| {
            Ok(client.tls_negotiated())
        })
    }
}
