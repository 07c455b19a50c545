//! Connecting to one of several addresses, tried in order, without waiting.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;
use std::vec;

use super::failure::{Failure, Failures};
use super::{Outcome, Seat};
use crate::cancel::{Cancel, Stoppable};
use crate::sys;
use crate::sys::Wait;
use crate::sys::address::SocketAddress;

/// A connection attempt in progress: the socket, and the addresses still to be
/// tried if it fails.
#[derive(Debug)]
pub struct Attempt {
    socket: Stoppable,
    cancel: Arc<Cancel>,
    family: i32,
    connected: bool,
    rest: vec::IntoIter<SocketAddress>,
    /// The first error is reported if all addresses fail.
    failures: Failures,
}

impl Attempt {
    /// Starts with the first address that does not fail at once.
    pub fn begin(addresses: Vec<SocketAddress>, seat: Seat) -> Result<Self, Failure> {
        Self::next(addresses.into_iter(), Failures::default(), seat)
    }

    /// Starts with the next address that does not fail at once.
    fn next(
        mut rest: vec::IntoIter<SocketAddress>,
        mut failures: Failures,
        mut seat: Seat,
    ) -> Result<Self, Failure> {
        while let Some(address) = rest.next() {
            let family = address.family();
            let socket = match seat.socket(&address) {
                Ok(socket) => socket,
                Err(error) => {
                    failures.add(error, family);
                    continue;
                }
            };
            let cancel = Arc::clone(seat.cancel());
            match begin_on(socket.as_fd(), &address) {
                Ok(connected) => {
                    return Ok(Self {
                        socket,
                        cancel,
                        family,
                        connected,
                        rest,
                        failures,
                    });
                }
                Err(error) => {
                    failures.add(error, family);
                    seat = Seat::of_socket(socket, family, cancel);
                }
            }
        }
        Err(failures.conclude(seat))
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
    pub fn proceed(mut self) -> Result<Outcome, Failure> {
        if self.connected {
            return Ok(Outcome::Connected(self.socket));
        }
        match result_of(self.socket.as_fd()) {
            Ok(true) => Ok(Outcome::Connected(self.socket)),
            Ok(false) => Ok(Outcome::attempting(self)),
            Err(error) => {
                self.failures.add(error, self.family);
                let seat = Seat::of_socket(self.socket, self.family, self.cancel);
                Self::next(self.rest, self.failures, seat).map(Outcome::attempting)
            }
        }
    }
}

/// Starts to connect a socket, and checks at once whether the connection was
/// refused.  A refusal by this machine is already known, and the caller, who
/// may not have obtained the socket yet, need not wait for it.
pub(super) fn begin_on(socket: BorrowedFd, address: &SocketAddress) -> io::Result<bool> {
    let connected = sys::connect(socket, address)?;
    if !connected {
        sys::connect_result(socket)?;
    }
    Ok(connected)
}

/// Whether a socket is connected; the error says that it will never be.  The
/// socket itself has no error either while it is not connected yet, and a caller
/// may ask too early, because of an event that was meant for another descriptor.
pub(super) fn result_of(socket: BorrowedFd) -> io::Result<bool> {
    let wait = Wait {
        fd: socket.as_raw_fd(),
        events: libc::POLLOUT,
    };
    match sys::poll([wait], Some(Duration::ZERO))? {
        None => Ok(false),
        Some(_) => sys::connect_result(socket).map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Reason, Trying};
    use super::*;
    use crate::sys::poll;
    use std::net::TcpListener;

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

    fn error(failure: Failure) -> io::Error {
        match failure.reason {
            Reason::System(error) => error,
            Reason::Unresolved(text) => panic!("{text}"),
        }
    }

    fn connect(addresses: Vec<SocketAddress>) -> io::Result<Stoppable> {
        let seat = Seat::new(&Arc::default());
        let mut attempt = Attempt::begin(addresses, seat).map_err(error)?;
        loop {
            let wait = Wait {
                fd: attempt.raw_fd(),
                events: libc::POLLOUT,
            };
            poll([wait], Some(Duration::from_secs(60)))?.unwrap();
            match attempt.proceed().map_err(error)? {
                Outcome::Connected(socket) => return Ok(socket),
                Outcome::Trying(Trying::Attempt(next)) => attempt = next,
                Outcome::Trying(other) => panic!("{other:?}"),
                Outcome::Again(seat) => panic!("{seat:?}"),
            }
        }
    }

    #[test]
    fn the_next_address_is_tried() {
        let (refusing, listener) = ports();
        let port = listener.local_addr().unwrap().port();
        let socket = connect(vec![loopback(refusing), loopback(port)]).unwrap();
        let (_, client) = listener.accept().unwrap();
        let socket = std::net::TcpStream::from(socket.as_fd().try_clone_to_owned().unwrap());
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
