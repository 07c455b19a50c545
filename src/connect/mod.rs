//! All ways to obtain a connected byte stream.
//!
//! Each way results in a socket that is non-blocking and closed on exec, or in
//! an address to connect to.  For servers that run as a subprocess, see also
//! `sys::spawn`.

pub mod activation;
mod attempt;
mod program;
mod socket_file;
pub mod ssh;
pub mod subprocess;

use std::ffi::{CStr, CString, c_int};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Instant;

use crate::error::{Error, Escaped, Result};
use crate::sys::address::SocketAddress;
use crate::sys::{self, Brought, Offered, prepare_descriptor};

pub use attempt::{Attempt, Outcome};
pub use program::Argv;

/// What a handle can connect to.
#[derive(Debug)]
pub enum Target {
    Place(Place),
    /// A socket that is already connected.
    Socket(Socket),
    /// A command that accepts connections on a socket that it inherits.
    Activated(Argv),
}

/// The address of a server.
#[derive(Debug, Clone)]
pub enum Place {
    /// A host and a port, as the caller named them.
    Tcp { host: CString, port: CString },
    /// A socket address.
    Address(SocketAddress),
    /// The standard input and output of a command.
    Command(Argv),
}

impl Place {
    /// A host and a port or service.
    pub fn tcp(host: impl AsRef<CStr>, port: impl AsRef<CStr>) -> Self {
        Self::Tcp {
            host: host.as_ref().to_owned(),
            port: port.as_ref().to_owned(),
        }
    }

    /// The path of a Unix domain socket.
    pub fn unix(path: impl AsRef<CStr>) -> Result<Self> {
        SocketAddress::unix(path.as_ref().to_bytes()).map(Self::Address)
    }

    /// A port of a virtual machine or its host.
    pub fn vsock(cid: u32, port: u32) -> Result<Self> {
        SocketAddress::vsock(cid, port).map(Self::Address)
    }

    /// Estimate of the memory in use besides the value itself, in bytes.
    pub fn memory(&self) -> usize {
        match self {
            Self::Tcp { host, port } => host.count_bytes().saturating_add(port.count_bytes()),
            Self::Command(argv) => argv.memory(),
            Self::Address(_) => 0,
        }
    }
}

impl From<Place> for Target {
    fn from(place: Place) -> Self {
        Self::Place(place)
    }
}

/// A connected socket that the caller passes.
#[derive(Debug)]
pub enum Socket {
    /// It is already owned by the library.
    Owned(OwnedFd),
    /// The library owns it once it has been accepted; until then, and if that
    /// fails, the caller keeps ownership.
    Offered(Offered),
}

impl Socket {
    /// Takes ownership of it.
    pub fn take_over(self) -> Result<OwnedFd> {
        let fd = match &self {
            Self::Owned(socket) => socket.as_raw_fd(),
            Self::Offered(offer) => offer.as_raw_fd(),
        };
        let unusable = |error: io::Error| Error::system("the socket cannot be used", &error);
        match sys::look_at(fd).map_err(unusable)? {
            Brought::Connected => {}
            Brought::Listening => {
                let reason = "the socket accepts connections but is not itself connected";
                return Err(Error::new(libc::EINVAL, reason));
            }
            Brought::Unconnected => {
                return Err(Error::new(libc::ENOTCONN, "the socket cannot be used"));
            }
        }
        match self {
            Self::Owned(socket) => prepare_descriptor(fd).map(|()| socket),
            Self::Offered(offer) => offer.accept(),
        }
        .map_err(unusable)
    }
}

/// Returns all addresses of a TCP server, or those of one family.  This blocks
/// while names are resolved, until the deadline if there is one: then it fails
/// with `ETIMEDOUT`.
pub fn resolve(
    host: &CStr,
    port: &CStr,
    family: c_int,
    deadline: Option<Instant>,
) -> Result<Vec<SocketAddress>> {
    let resolved = match deadline {
        None => Some(sys::resolve(host, port, family)),
        Some(deadline) => sys::resolve_until(host, port, family, deadline),
    };
    let of = |reason: &str| {
        let (host, port) = (Escaped(host.to_bytes()), Escaped(port.to_bytes()));
        format!("{host}:{port}: {reason}")
    };
    match resolved {
        Some(Ok(addresses)) => Ok(addresses),
        Some(Err(reason)) => Err(Error::without_errno(of(&reason))),
        None => Err(Error::new(libc::ETIMEDOUT, of("no answer"))),
    }
}
