//! The settings made by the caller.

use std::ffi::{CStr, CString, c_int};
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::negotiation::Config;
use crate::protocol::MAX_STRING;
use crate::transport::tls;
use crate::uri::Rules;

use super::Client;

/// Bits of the strict mode: which requests are rejected before they are sent.
pub mod strict {
    /// Commands and features that the server does not advertise.
    pub const COMMANDS: u32 = 0x01;
    /// Flags that the command does not take.
    pub const FLAGS: u32 = 0x02;
    /// Requests beyond the end of the export.
    pub const BOUNDS: u32 = 0x04;
    /// Requests of length zero.
    pub const ZERO_SIZE: u32 = 0x08;
    /// Requests that are not aligned to the minimum block size.
    pub const ALIGN: u32 = 0x10;
    /// Payloads longer than the server is known to accept.
    pub const PAYLOAD: u32 = 0x20;
    /// Set the PAYLOAD_LEN flag for the caller.
    pub const AUTO_FLAG: u32 = 0x40;
    /// All bits.
    pub const MASK: u32 = 0x7f;
}

/// The settings of a handle.
#[derive(Debug)]
pub struct Settings {
    /// What the handshake asks for.
    pub handshake: Config,
    /// How TLS is configured, if it is used.
    pub tls: tls::Settings,
    pub strict_mode: u32,
    pub pread_initialize: bool,
    /// The name under which a server with socket activation finds its socket.
    pub socket_activation_name: CString,
    /// What URIs are allowed to use.
    pub uri: Rules,
    /// Which addresses of a host are used.
    pub address_family: c_int,
    /// Whether commands wait until the handle next moves bytes.
    pub batch: bool,
    /// For how long to try again if nobody listens.
    pub connect_retry: Option<Duration>,
    /// How much later than the one before each address is tried, if they are tried
    /// at the same time at all.
    pub address_race: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            handshake: Config::default(),
            tls: tls::Settings::default(),
            strict_mode: strict::MASK,
            pread_initialize: true,
            socket_activation_name: CString::default(),
            uri: Rules::default(),
            address_family: libc::AF_UNSPEC,
            batch: false,
            connect_retry: None,
            address_race: None,
        }
    }
}

impl Settings {
    /// Estimate of the memory in use, in bytes.
    pub fn memory(&self) -> usize {
        text_memory(&self.handshake, &self.tls)
            .saturating_add(self.socket_activation_name.count_bytes())
    }
}

/// Total length of all strings of these settings.
pub(super) fn text_memory(config: &Config, tls: &tls::Settings) -> usize {
    let of_tls = [
        &tls.certificates,
        &tls.psk_file,
        &tls.username,
        &tls.hostname,
        &tls.priority,
    ];
    let contexts = config.contexts.iter();
    contexts
        .chain(of_tls.into_iter().flatten())
        .chain([&config.export_name])
        .map(|text| text.count_bytes())
        .fold(tls.given.memory(), usize::saturating_add)
}

/// A value, and whether it has been borrowed mutably.
#[derive(Debug, Default)]
pub struct Watched<T> {
    value: T,
    is_touched: bool,
}

impl<T> Watched<T> {
    /// Whether that has happened since `untouch`.
    pub fn is_touched(&self) -> bool {
        self.is_touched
    }

    /// Begins again to watch the value.
    pub fn untouch(&mut self) {
        self.is_touched = false;
    }
}

impl<T> Deref for Watched<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Watched<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.is_touched = true;
        &mut self.value
    }
}

impl Client {
    /// Sets the export to open.  Information about another one is discarded.
    pub fn set_export_name(&mut self, name: &CStr) -> Result<()> {
        check_length(name)?;
        if self.settings.handshake.export_name.as_c_str() != name {
            self.settings.handshake.export_name = name.to_owned();
            self.session.forget_export();
        }
        Ok(())
    }
}

/// Names on the wire have a maximum length.
pub fn check_length(name: &CStr) -> Result<()> {
    if name.count_bytes() > MAX_STRING {
        return Err(Error::new(
            libc::ENAMETOOLONG,
            format!("the name is longer than {MAX_STRING} bytes"),
        ));
    }
    Ok(())
}
