//! The schemes of NBD URIs.

use super::transport;

/// What a scheme means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheme {
    pub transport: Transport,
    pub tls: bool,
}

/// How bytes get to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Tcp,
    Unix,
    Vsock,
    Ssh,
}

impl Transport {
    /// Its bit in a set of transports.
    pub fn bit(self) -> u32 {
        match self {
            Self::Tcp => transport::TCP,
            Self::Unix => transport::UNIX,
            Self::Vsock => transport::VSOCK,
            Self::Ssh => transport::SSH,
        }
    }
}

impl Scheme {
    /// The scheme of this name, whatever the case of its letters.
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let (security, transport) = match name.split_once('+') {
            None => (name.as_str(), Transport::Tcp),
            Some((security, "unix")) => (security, Transport::Unix),
            Some((security, "vsock")) => (security, Transport::Vsock),
            Some((security, "ssh")) => (security, Transport::Ssh),
            Some(_) => return None,
        };
        let tls = match security {
            "nbd" => false,
            "nbds" => true,
            _ => return None,
        };
        Some(Self { transport, tls })
    }

    /// The name.
    pub fn name(self) -> &'static str {
        match (self.transport, self.tls) {
            (Transport::Tcp, false) => "nbd",
            (Transport::Tcp, true) => "nbds",
            (Transport::Unix, false) => "nbd+unix",
            (Transport::Unix, true) => "nbds+unix",
            (Transport::Vsock, false) => "nbd+vsock",
            (Transport::Vsock, true) => "nbds+vsock",
            (Transport::Ssh, false) => "nbd+ssh",
            (Transport::Ssh, true) => "nbds+ssh",
        }
    }
}

/// Whether a text looks like an NBD URI, as opposed to the name of a file.
/// Only its beginning counts.
pub fn is_uri(text: &[u8]) -> bool {
    let Some(end) = text.windows(3).position(|window| window == b"://") else {
        return false;
    };
    let name = text
        .get(..end)
        .and_then(|name| std::str::from_utf8(name).ok());
    name.and_then(Scheme::from_name).is_some()
}
