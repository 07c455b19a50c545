//! What lies between OpenSSL and the socket: encrypted bytes.
//!
//! OpenSSL could use the socket itself, but it would need one call for the
//! header of a record, one for the rest and one for each record that it writes,
//! and its writes raise SIGPIPE when the peer is gone.  So everything goes
//! through here.
//!
//! When reading, the bytes after those asked for are received along with them,
//! so that a record does not need separate calls for its header and the rest.
//! Written records are gathered until the session sends them.  This costs less
//! than a call for each of them, and no record is ever left half sent inside
//! OpenSSL, which would then require the same data again.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, RawFd};

use crate::cancel::Stoppable;
use crate::memory::{ReceiveVector, SendVector};
use crate::sys;
use crate::transport::Turn;

/// Room for what follows a small record: many small replies.
const WIDE: usize = 64 * 1024;

/// Room for what follows a large record: the header of the next one, and a
/// little that is cheap to copy.
const NARROW: usize = 4 * 1024;

/// Records from this size on are received where they are decrypted.
const LARGE: usize = 8 * 1024;

/// How many encrypted bytes are worth a call.  Half as many cost about a
/// fifteenth more CPU time, twice as many hardly less.
const GATHERED: usize = 128 * 1024;

/// The maximum number of encrypted bytes that may wait for the socket.
/// Requests stop before that, so only a peer that requests responses and does
/// not read them can cause this.
const MAX_UNSENT: usize = 256 * 1024;

/// The socket and the bytes on their way to and from it.
#[derive(Debug)]
pub struct Wire {
    socket: Stoppable,
    /// Received and not yet asked for.
    ahead: Vec<u8>,
    start: usize,
    end: usize,
    /// The socket is known to be empty.
    drained: bool,
    /// Receive calls that are left in this turn.
    allowance: u32,
    turn: Turn,
    /// Written and not yet sent.
    unsent: Vec<u8>,
    sent: usize,
    /// Bytes have been received since this was last reset.
    heard: bool,
    /// The last error of the socket.
    failure: Option<io::Error>,
}

impl Wire {
    /// A wire over a connected, non-blocking socket.
    pub fn new(socket: Stoppable) -> Self {
        Self {
            socket,
            ahead: Vec::new(),
            start: 0,
            end: 0,
            drained: false,
            allowance: 0,
            turn: Turn::Ahead,
            unsent: Vec::new(),
            sent: 0,
            heard: false,
            failure: None,
        }
    }

    /// The descriptor to poll.
    pub fn raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// Begins a turn, and limits how many times the socket may be asked for
    /// data.  In a turn in view it is asked for one record at a time, so that a
    /// caller that watches it can see that there are more.
    pub fn allow(&mut self, calls: u32, turn: Turn) {
        self.allowance = calls;
        self.turn = turn;
        self.drained = false;
    }

    /// Whether the socket may be asked no more in this turn.
    pub fn was_interrupted(&self) -> bool {
        self.allowance == 0
    }

    /// Whether records stay in the socket until they are needed.
    pub fn is_in_view(&self) -> bool {
        self.turn == Turn::InView
    }

    /// Whether bytes have been received; to be reset by the caller.
    pub fn heard(&mut self) -> &mut bool {
        &mut self.heard
    }

    /// Whether bytes were received that OpenSSL has not asked for.
    pub fn has_received(&self) -> bool {
        self.start < self.end
    }

    /// Whether bytes are waiting to be sent.
    pub fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Whether enough has been gathered to be sent.
    pub fn has_gathered(&self) -> bool {
        self.unsent.len() >= GATHERED
    }

    /// Sends what is waiting, and returns whether nothing is left.
    pub fn send_unsent(&mut self) -> io::Result<bool> {
        while self.has_unsent() {
            let rest = self.unsent.get(self.sent..).unwrap_or_default();
            match sys::send(self.socket.as_fd(), &[SendVector::from(rest)]) {
                Ok(count) => self.sent = self.sent.saturating_add(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => {
                    self.unsent.clear();
                    self.sent = 0;
                    return Err(error);
                }
            }
            if self.sent >= self.unsent.len() {
                self.unsent.clear();
                self.sent = 0;
            }
        }
        Ok(true)
    }

    /// Shuts down the sending side of the socket.
    pub fn shut_down_sending(&self) -> io::Result<()> {
        sys::shutdown_write(self.socket.as_fd())
    }

    /// Why the socket failed, if it did.
    pub fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Memory in use.
    pub fn memory(&self) -> usize {
        self.ahead.capacity().saturating_add(self.unsent.capacity())
    }

    /// Receives what OpenSSL asks for, and what follows it.
    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.drained || self.allowance == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.allowance = self.allowance.saturating_sub(1);
        if self.ahead.is_empty() {
            self.ahead = vec![0; WIDE];
        }
        let room = match into.len() {
            _ if self.is_in_view() => 0,
            ..LARGE => WIDE,
            _ => NARROW,
        };
        let room = self.ahead.get_mut(..room).unwrap_or_default();
        let asked = into.len();
        let offered = asked.saturating_add(room.len());
        let vectors = &mut [ReceiveVector::from(into), ReceiveVector::from(room)];
        match sys::receive(self.socket.as_fd(), vectors, sys::IfNothing::Return) {
            Ok(count) => {
                self.heard |= count > 0;
                self.drained = count < offered && self.turn != Turn::UntilEmpty;
                self.start = 0;
                self.end = count.saturating_sub(asked);
                Ok(count.min(asked))
            }
            Err(error) => {
                self.drained = true;
                Err(error)
            }
        }
    }

    /// Keeps the error; OpenSSL is told only that there is one.
    fn failed(&mut self, error: io::Error) -> io::Error {
        let kind = error.kind();
        if kind != io::ErrorKind::WouldBlock {
            self.failure = Some(error);
        }
        kind.into()
    }
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(ahead) = self
            .ahead
            .get(self.start..self.end)
            .filter(|a| !a.is_empty())
        else {
            return self.receive(into).map_err(|error| self.failed(error));
        };
        let count = ahead.len().min(into.len());
        if let (Some(target), Some(bytes)) = (into.get_mut(..count), ahead.get(..count)) {
            target.copy_from_slice(bytes);
        }
        self.start = self.start.saturating_add(count);
        Ok(count)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.unsent.len() > MAX_UNSENT {
            return Err(self.failed(io::Error::from_raw_os_error(libc::ENOBUFS)));
        }
        self.unsent.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
