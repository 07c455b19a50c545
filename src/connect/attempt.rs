//! Connecting to one of several addresses, tried in order, without waiting.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use crate::sys;
use crate::sys::address::SocketAddress;

/// A connection attempt in progress: the socket, and the addresses still to be
/// tried if it fails.
///
/// The descriptor keeps its number from the first address to the last, because
/// the caller may have registered it with an event loop.
#[derive(Debug)]
pub struct Attempt {
    socket: OwnedFd,
    family: i32,
    connected: bool,
    rest: std::vec::IntoIter<SocketAddress>,
    /// The first error, which is reported if all addresses fail.
    first_error: Option<io::Error>,
}

impl Attempt {
    /// Starts with the first address that does not fail at once.
    pub fn begin(addresses: Vec<SocketAddress>) -> io::Result<Self> {
        Self::next(addresses.into_iter(), None, None)
    }

    /// Starts with the next address that does not fail at once.  `failed` is
    /// the socket of the previous failed attempt, with its address family.
    fn next(
        mut rest: std::vec::IntoIter<SocketAddress>,
        mut first_error: Option<io::Error>,
        mut failed: Option<(OwnedFd, i32)>,
    ) -> io::Result<Self> {
        while let Some(address) = rest.next() {
            match begin_with(&address, &mut failed) {
                Ok((socket, connected)) => {
                    return Ok(Self {
                        socket,
                        family: address.family(),
                        connected,
                        rest,
                        first_error,
                    });
                }
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.unwrap_or_else(|| io::Error::from_raw_os_error(libc::EADDRNOTAVAIL)))
    }

    /// The descriptor to wait for; it becomes writable when the result is
    /// known.
    pub fn raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// Whether no other address is left, so that the socket stays the same.
    pub fn is_last(&self) -> bool {
        self.rest.as_slice().is_empty()
    }

    /// Whether there is nothing to wait for.
    pub fn is_connected(&self) -> bool {
        self.connected
    }

    /// Checks the result: either connected, or continuing with the next
    /// address.
    pub fn proceed(self) -> io::Result<Outcome> {
        if self.connected {
            return Ok(Outcome::Connected(self.socket));
        }
        match sys::connect_result(&self.socket) {
            Ok(()) => Ok(Outcome::Connected(self.socket)),
            Err(error) => {
                let first_error = self.first_error.or(Some(error));
                let failed = Some((self.socket, self.family));
                Self::next(self.rest, first_error, failed).map(Outcome::Trying)
            }
        }
    }
}

/// Starts to connect to one address.  Returns the socket and whether it is
/// already connected.
fn begin_with(
    address: &SocketAddress,
    failed: &mut Option<(OwnedFd, i32)>,
) -> io::Result<(OwnedFd, bool)> {
    let socket = match failed.take() {
        None => sys::open(address)?,
        // Reuse the socket if possible, because it may be registered with
        // epoll.
        Some((socket, family))
            if family == address.family() && sys::disconnect(&socket).is_ok() =>
        {
            socket
        }
        Some((socket, family)) => {
            let opened = sys::open(address).and_then(|new| sys::replace(&socket, new));
            if let Err(error) = opened {
                *failed = Some((socket, family));
                return Err(error);
            }
            socket
        }
    };
    match begin_on(&socket, address) {
        Ok(connected) => Ok((socket, connected)),
        Err(error) => {
            *failed = Some((socket, address.family()));
            Err(error)
        }
    }
}

/// Starts to connect a socket, and checks at once whether the connection was
/// refused.  A refusal by this machine is already known, and the caller, who
/// may not have obtained the socket yet, need not wait for it.
fn begin_on(socket: &OwnedFd, address: &SocketAddress) -> io::Result<bool> {
    let connected = sys::connect(socket, address)?;
    if !connected {
        sys::connect_result(socket)?;
    }
    Ok(connected)
}

/// Returns the result of an attempt.
#[derive(Debug)]
pub enum Outcome {
    Connected(OwnedFd),
    Trying(Attempt),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{Wait, poll};
    use std::net::TcpListener;
    use std::time::Duration;

    fn loopback(port: u16) -> SocketAddress {
        let family = libc::sa_family_t::try_from(libc::AF_INET).unwrap();
        let mut bytes = family.to_ne_bytes().to_vec();
        bytes.extend(port.to_be_bytes());
        bytes.extend([127, 0, 0, 1]);
        bytes.extend([0; 8]);
        SocketAddress::from_bytes(&bytes).unwrap()
    }

    /// Returns a port without a listener, and a listener on another port.
    fn ports() -> (u16, TcpListener) {
        let good = TcpListener::bind("127.0.0.1:0").unwrap();
        let bad = TcpListener::bind("127.0.0.1:0").unwrap();
        (bad.local_addr().unwrap().port(), good)
    }

    fn connect(addresses: Vec<SocketAddress>) -> io::Result<OwnedFd> {
        let mut attempt = Attempt::begin(addresses)?;
        loop {
            let wait = Wait {
                fd: attempt.raw_fd(),
                events: libc::POLLOUT,
            };
            poll([wait], Some(Duration::from_secs(60)))?.unwrap();
            match attempt.proceed()? {
                Outcome::Connected(socket) => return Ok(socket),
                Outcome::Trying(next) => attempt = next,
            }
        }
    }

    #[test]
    fn the_next_address_is_tried() {
        let (refusing, listener) = ports();
        let port = listener.local_addr().unwrap().port();
        let socket = connect(vec![loopback(refusing), loopback(port)]).unwrap();
        let (_, client) = listener.accept().unwrap();
        let socket = std::net::TcpStream::from(socket);
        assert_eq!(socket.local_addr().unwrap(), client);
    }

    #[test]
    fn the_first_failure_is_reported() {
        let (refusing, _listener) = ports();
        let unknown = SocketAddress::from_bytes(&[0xff, 0xff, 0, 0]).unwrap();
        let error = connect(vec![loopback(refusing), unknown]).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ECONNREFUSED));
        let error = connect(vec![unknown, loopback(refusing)]).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EAFNOSUPPORT));
    }
}
