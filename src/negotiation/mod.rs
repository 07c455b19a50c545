//! The handshake: from the first byte of the server to the transmission phase.
//!
//! Each file is one part of the conversation, in the order of the protocol: the
//! greeting, the framing of options, then the options.  `automatic` combines
//! them for programs that do not need the details; `request` leaves the choice
//! to the program.

mod automatic;
mod contexts;
mod export;
mod greeting;
pub mod line;
mod list;
mod option;
mod request;
mod starttls;
mod switches;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod tests;

use std::ffi::{CStr, CString};

use crate::error::Error;
use crate::protocol::context::MetaContext;
use crate::protocol::export::{BlockSizes, TransmissionFlags};
use crate::protocol::handshake::{FIXED_NEWSTYLE, NO_ZEROES};

pub use request::{OptionRequest, begin};

/// Whether the caller wants TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Only if the caller sends the option itself.
    Disable = 0,
    /// If the server agrees.
    Allow = 1,
    /// Or nothing.
    Require = 2,
}

impl From<i32> for Tls {
    /// By the number that callers know.
    fn from(number: i32) -> Self {
        match number {
            0 => Self::Disable,
            1 => Self::Allow,
            // Whatever else it might be, the safe side.
            _ => Self::Require,
        }
    }
}

/// What the caller wants from the handshake.
#[derive(Debug, Clone)]
pub struct Config {
    pub tls: Tls,
    pub export_name: CString,
    pub handshake_flags: u16,
    pub structured_replies: bool,
    pub extended_headers: bool,
    pub full_info: bool,
    pub block_size: bool,
    /// Ask for the meta contexts below before entering the export.
    pub meta_context: bool,
    pub contexts: Vec<CString>,
    /// Stop before the export is chosen, and let the caller continue.
    pub opt_mode: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tls: Tls::Disable,
            export_name: CString::default(),
            handshake_flags: FIXED_NEWSTYLE | NO_ZEROES,
            structured_replies: true,
            extended_headers: true,
            full_info: false,
            block_size: true,
            meta_context: true,
            contexts: Vec::new(),
            opt_mode: false,
        }
    }
}

/// The variants of the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Oldstyle,
    Newstyle,
    FixedNewstyle,
}

impl Protocol {
    /// The name that callers see.
    pub fn name(self) -> &'static CStr {
        match self {
            Self::Oldstyle => c"oldstyle",
            Self::Newstyle => c"newstyle",
            Self::FixedNewstyle => c"newstyle-fixed",
        }
    }
}

/// What client and server have agreed on so far.
#[derive(Debug, Clone, Default)]
pub struct Session {
    pub protocol: Option<Protocol>,
    /// The handshake flags that both sides set.
    pub handshake_flags: u16,
    /// Everything is encrypted.
    pub tls: bool,
    pub structured_replies: bool,
    pub extended_headers: bool,
    pub export: ExportInfo,
    pub contexts: ContextSet,
}

/// What the server has reported about the export.
#[derive(Debug, Clone, Default)]
pub struct ExportInfo {
    /// Size in bytes and transmission flags; they come together.
    pub basics: Option<(u64, TransmissionFlags)>,
    pub block_sizes: Option<BlockSizes>,
    pub canonical_name: Option<CString>,
    pub description: Option<CString>,
}

/// The meta contexts that the server has granted.
#[derive(Debug, Clone, Default)]
pub struct ContextSet {
    /// Whether the set holds for the export that is, or will be, entered.
    pub valid: bool,
    pub granted: Vec<MetaContext>,
}

impl ContextSet {
    /// The contexts that may be used.
    pub fn in_force(&self) -> &[MetaContext] {
        if self.valid { &self.granted } else { &[] }
    }

    /// Forgets the set.
    pub fn clear(&mut self) {
        self.valid = false;
        self.granted.clear();
    }
}

impl Session {
    /// Forgets what belongs to one export, before another one is requested.
    pub fn forget_export(&mut self) {
        self.export = ExportInfo::default();
        self.contexts.clear();
    }

    /// Whether both sides set the flag that makes option replies exist.
    pub fn is_fixed(&self) -> bool {
        self.protocol == Some(Protocol::FixedNewstyle)
    }
}

/// The result of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The export is open: requests can be sent.
    Transmission,
    /// Another option can be sent.  After an option that lists or selects
    /// something, this is the number of items.
    Negotiating(usize),
    /// The session is over.
    Closed,
}

/// Why a conversation failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The connection cannot be used any more.
    Broken(Error),
    /// An option was refused with this reply; another one can be sent.
    Refused(u32, Error),
    /// The request was not sent, because the caller made a mistake; another
    /// option can be sent.
    Unheard(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

/// What a conversation returns.
pub type Answer<T> = std::result::Result<T, Fault>;

/// A string from the server as C sees it: it ends at the first NUL, which the
/// protocol forbids.
fn c_string(bytes: &[u8]) -> CString {
    let end = bytes.iter().position(|&byte| byte == 0);
    let bytes = end.and_then(|end| bytes.get(..end)).unwrap_or(bytes);
    CString::new(bytes).unwrap_or_default()
}
