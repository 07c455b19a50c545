//! What the caller wants, and in part only until the handshake is over.

use std::ffi::{CStr, CString, c_int};

use crate::error::{Error, Result};
use crate::negotiation::Config;
use crate::protocol::MAX_STRING;
use crate::transport::tls;
use crate::uri::Rules;

use super::Client;
use crate::table::States;

/// Bits of the strict mode: which requests are refused before they are sent.
pub mod strict {
    /// Commands and features that the server does not advertise.
    pub const COMMANDS: u32 = 0x01;
    /// Command flags that do not belong to the command.
    pub const FLAGS: u32 = 0x02;
    /// Requests beyond the end of the export.
    pub const BOUNDS: u32 = 0x04;
    /// Requests for nothing.
    pub const ZERO_SIZE: u32 = 0x08;
    /// Requests that are not aligned to the minimum block size.
    pub const ALIGN: u32 = 0x10;
    /// Payloads longer than the server is known to accept.
    pub const PAYLOAD: u32 = 0x20;
    /// Set the PAYLOAD_LEN flag for the caller.
    pub const AUTO_FLAG: u32 = 0x40;
    /// All of them.
    pub const MASK: u32 = 0x7f;
}

/// The settings of a handle.
#[derive(Debug)]
pub struct Settings {
    /// What the handshake asks for.
    pub handshake: Config,
    /// How TLS is done, if it is.
    pub tls: tls::Settings,
    pub strict_mode: u32,
    pub pread_initialize: bool,
    /// What an activated server finds its socket under.
    pub socket_activation_name: CString,
    /// What URIs may ask for.
    pub uri: Rules,
    /// Which addresses of a host are used.
    pub address_family: c_int,
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

/// Length of all strings of these settings.
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

impl Client {
    /// The export to open.  What is known of another one is forgotten.
    pub fn set_export_name(&mut self, name: &CStr) -> Result<()> {
        check_length(name)?;
        if self.settings.handshake.export_name.as_c_str() != name {
            self.settings.handshake.export_name = name.to_owned();
            self.session.forget_export();
        }
        Ok(())
    }

    /// The export to open.
    pub fn get_export_name(&self) -> CString {
        self.settings.handshake.export_name.clone()
    }

    /// Ask for name and description of the export.
    pub fn set_full_info(&mut self, wanted: bool) -> Result<()> {
        self.settings.handshake.full_info = wanted;
        Ok(())
    }

    /// As set.
    pub fn full_info(&self) -> bool {
        self.settings.handshake.full_info
    }

    /// Ask for block sizes, and thereby promise to obey them.
    pub fn set_request_block_size(&mut self, wanted: bool) -> Result<()> {
        self.settings.handshake.block_size = wanted;
        Ok(())
    }

    /// As set.
    pub fn request_block_size(&self) -> bool {
        self.settings.handshake.block_size
    }

    /// Ask for structured replies.
    pub fn set_request_structured_replies(&mut self, wanted: bool) -> Result<()> {
        self.settings.handshake.structured_replies = wanted;
        Ok(())
    }

    /// As set.
    pub fn request_structured_replies(&self) -> bool {
        self.settings.handshake.structured_replies
    }

    /// Ask for extended headers.
    pub fn set_request_extended_headers(&mut self, wanted: bool) -> Result<()> {
        self.settings.handshake.extended_headers = wanted;
        Ok(())
    }

    /// As set.
    pub fn request_extended_headers(&self) -> bool {
        self.settings.handshake.extended_headers
    }

    /// Ask for the meta contexts below before the export is opened.
    pub fn set_request_meta_context(&mut self, wanted: bool) -> Result<()> {
        self.settings.handshake.meta_context = wanted;
        Ok(())
    }

    /// As set.
    pub fn request_meta_context(&self) -> bool {
        self.settings.handshake.meta_context
    }

    /// One more meta context to ask for.
    pub fn add_meta_context(&mut self, name: &CStr) -> Result<()> {
        check_length(name)?;
        self.settings.handshake.contexts.push(name.to_owned());
        Ok(())
    }

    /// No meta context to ask for.
    pub fn clear_meta_contexts(&mut self) -> Result<()> {
        self.settings.handshake.contexts.clear();
        Ok(())
    }

    /// How many meta contexts to ask for.
    pub fn nr_meta_contexts(&self) -> usize {
        self.settings.handshake.contexts.len()
    }

    /// One of them.
    pub fn meta_context(&self, index: usize) -> Result<CString> {
        let contexts = &self.settings.handshake.contexts;
        contexts.get(index).cloned().ok_or_else(|| {
            Error::new(
                libc::EINVAL,
                format!(
                    "meta context {index} does not exist: there are {}",
                    contexts.len()
                ),
            )
        })
    }

    /// The handshake flags to agree to.
    pub fn set_handshake_flags(&mut self, flags: u32) -> Result<()> {
        // The method has refused unknown bits; both known ones fit.
        self.settings.handshake.handshake_flags = u16::try_from(flags).unwrap_or(0);
        Ok(())
    }

    /// Before connecting the flags wanted, afterwards those agreed.
    pub fn handshake_flags(&self) -> u32 {
        if self.state.states() == States::CREATED || self.session.protocol.is_none() {
            self.settings.handshake.handshake_flags.into()
        } else {
            self.session.handshake_flags.into()
        }
    }

    /// Never show stale memory in a read buffer.
    pub fn set_pread_initialize(&mut self, wanted: bool) -> Result<()> {
        self.settings.pread_initialize = wanted;
        Ok(())
    }

    /// As set.
    pub fn pread_initialize(&self) -> bool {
        self.settings.pread_initialize
    }

    /// Which requests to refuse before they are sent.
    pub fn set_strict_mode(&mut self, flags: u32) -> Result<()> {
        self.settings.strict_mode = flags;
        Ok(())
    }

    /// As set.
    pub fn strict_mode(&self) -> u32 {
        self.settings.strict_mode
    }

    /// Stop before the export is opened.
    pub fn set_opt_mode(&mut self, enable: bool) -> Result<()> {
        self.settings.handshake.opt_mode = enable;
        Ok(())
    }

    /// As set.
    pub fn opt_mode(&self) -> bool {
        self.settings.handshake.opt_mode
    }
}

/// Names on the wire have a limit.
fn check_length(name: &CStr) -> Result<()> {
    if name.count_bytes() > MAX_STRING {
        return Err(Error::new(
            libc::ENAMETOOLONG,
            format!("the name is longer than {MAX_STRING} bytes"),
        ));
    }
    Ok(())
}
