//! Every way to get a connected byte stream.
//!
//! Each way ends in a socket that is non-blocking and closed on exec, or in an
//! address to connect to.

pub mod address;
pub mod command;
pub mod subprocess;
mod sys;

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use crate::error::{Error, Escaped, Result};
use crate::transport::sys::{adopt, prepare_descriptor};

use address::SocketAddress;

/// A connection that is being made: the socket, and the addresses still to be
/// tried if it fails.
#[derive(Debug)]
pub struct Attempt {
    socket: OwnedFd,
    rest: std::vec::IntoIter<SocketAddress>,
    /// What went wrong first; it is reported if nothing goes right.
    first_error: Option<io::Error>,
}

impl Attempt {
    /// Begins with the first address that does not fail at once.
    pub fn begin(addresses: Vec<SocketAddress>) -> io::Result<Self> {
        Self::next(addresses.into_iter(), None)
    }

    fn next(
        mut rest: std::vec::IntoIter<SocketAddress>,
        mut first_error: Option<io::Error>,
    ) -> io::Result<Self> {
        for address in rest.by_ref() {
            match sys::start_connecting(&address) {
                Ok(socket) => {
                    return Ok(Self {
                        socket,
                        rest,
                        first_error,
                    });
                }
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.unwrap_or_else(|| io::Error::from_raw_os_error(libc::EADDRNOTAVAIL)))
    }

    /// The descriptor to wait for; it becomes writable when there is news.
    pub fn raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// Looks at how it went: connected, or on to the next address.
    pub fn proceed(self) -> io::Result<Outcome> {
        match sys::connect_result(&self.socket) {
            Ok(()) => Ok(Outcome::Connected(self.socket)),
            Err(error) => {
                let first_error = self.first_error.or(Some(error));
                Self::next(self.rest, first_error).map(Outcome::Trying)
            }
        }
    }
}

/// How an attempt went.
#[derive(Debug)]
pub enum Outcome {
    Connected(OwnedFd),
    Trying(Attempt),
}

/// Takes over a connected socket from the caller.  If this fails, the socket
/// stays the caller's.
pub fn adopt_socket(fd: RawFd) -> Result<OwnedFd> {
    prepare_descriptor(fd).map_err(|error| Error::system("the socket cannot be used", &error))?;
    Ok(adopt(fd))
}

/// All addresses of a TCP server.  This blocks while names are resolved.
pub fn resolve(host: &CStr, port: &CStr) -> Result<Vec<SocketAddress>> {
    sys::resolve(host, port).map_err(|reason| {
        Error::without_errno(format!(
            "{}:{}: {reason}",
            Escaped(host.to_bytes()),
            Escaped(port.to_bytes())
        ))
    })
}
