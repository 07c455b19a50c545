//! NBD URIs: text to a plan of settings and a place to connect to, and back.
//!
//! `text` takes a URI apart, as RFC 3986 says; `plan` decides what it means
//! and whether that is allowed; `compose` writes the URI of a place.  Nothing
//! here changes a handle, so a URI that is refused leaves it as it was.

mod compose;
mod plan;
mod scheme;
#[cfg(test)]
mod tests;
mod text;

use std::ffi::CString;

use crate::connect::Place;

pub use compose::compose;
pub use plan::plan;
pub use scheme::is_uri;

/// What a URI asks for.
#[derive(Debug)]
pub struct Plan {
    pub place: Place,
    pub export_name: CString,
    pub tls: TlsParameters,
}

/// What a URI says about TLS.  `None` leaves a setting unchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsParameters {
    /// The scheme permits nothing but TLS.
    pub required: bool,
    pub username: Option<CString>,
    pub certificates: Option<CString>,
    pub psk_file: Option<CString>,
    pub hostname: Option<CString>,
    pub verify_peer: Option<bool>,
    pub priority: Option<CString>,
}

/// What a program allows URIs to ask for.
#[derive(Debug, Clone)]
pub struct Rules {
    /// A set of the bits below.
    pub transports: u32,
    pub tls: TlsRule,
    /// Parameters may name files and directories.
    pub local_file: bool,
    /// Parameters may choose the algorithms of TLS.
    pub tls_priority: bool,
}

/// Whether URIs with TLS, and those without, are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsRule {
    Never,
    Either,
    Always,
}

impl TlsRule {
    /// By the numbers of the settings of TLS.
    pub fn from_number(number: i32) -> Self {
        match number {
            0 => Self::Never,
            1 => Self::Either,
            _ => Self::Always,
        }
    }
}

/// Bits of the transports.
pub mod transport {
    pub const TCP: u32 = 0x1;
    pub const UNIX: u32 = 0x2;
    pub const VSOCK: u32 = 0x4;
    pub const SSH: u32 = 0x8;
    /// All of them.
    pub const MASK: u32 = 0xf;
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            transports: transport::MASK,
            tls: TlsRule::Either,
            local_file: false,
            tls_priority: false,
        }
    }
}
