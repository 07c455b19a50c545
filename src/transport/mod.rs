//! Non-blocking byte streams.  The only place that moves bytes between the
//! library and a peer.

pub mod sys;

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use crate::memory::{ReceiveVector, SendVector};

/// The stream to the server.
#[derive(Debug)]
pub struct Stream {
    socket: OwnedFd,
}

/// What a receive call brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// So many bytes.  Fewer than there was room for means that the stream is
    /// drained: asking again at once would only be told so.
    Bytes(usize),
    /// Nothing now.
    Blocked,
    /// The peer has closed its side.
    End,
}

/// What a send call took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// So many bytes.
    Bytes(usize),
    /// Nothing now.
    Blocked,
}

impl Stream {
    /// A stream over a connected, non-blocking socket.
    pub fn plain(socket: OwnedFd) -> Self {
        Self { socket }
    }

    /// The descriptor to poll.
    pub fn raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// Receives into the vectors, in order.
    pub fn receive(&mut self, into: &mut [ReceiveVector<'_>]) -> io::Result<Received> {
        match sys::receive(self.as_fd(), into) {
            Ok(0) => Ok(Received::End),
            Ok(count) => Ok(Received::Bytes(count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Received::Blocked),
            Err(error) => Err(error),
        }
    }

    /// Sends the vectors, in order, in one system call.
    pub fn send(&mut self, from: &[SendVector<'_>]) -> io::Result<Sent> {
        match sys::send(self.as_fd(), from) {
            Ok(count) => Ok(Sent::Bytes(count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Sent::Blocked),
            Err(error) => Err(error),
        }
    }

    /// Tells the peer that nothing more will be sent.
    pub fn shut_down_sending(&mut self) -> io::Result<()> {
        sys::shutdown_write(self.as_fd())
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
