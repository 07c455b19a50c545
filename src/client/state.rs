//! The states of a handle.

use std::ffi::CStr;
use std::fmt;
use std::os::fd::RawFd;

use crate::connect::Trying;
use crate::error::Error;
use crate::negotiation::line::{Conversation, Line};
use crate::negotiation::{Answer, Next, Session};
use crate::transport::Stream;

use super::Client;
use crate::table::States;

/// The events to poll the socket for.
pub const READ: u32 = 1;
/// As above.
pub const WRITE: u32 = 2;

/// The state of a handle, with what exists only in that state.
pub enum State {
    /// Not connected yet.
    Created,
    /// A socket is being connected, or several, or none for the moment.
    Connecting(Box<Trying>),
    /// The handshake or an option is in progress.
    Conversing(Talk),
    /// In option mode, between two options.
    Negotiating(Stream, Line),
    /// Requests and replies are exchanged.
    Transmitting(Stream),
    /// The session ended in an orderly way.
    Closed,
    /// The connection failed.
    Dead(Error),
}

/// A conversation and the wire it uses.
pub struct Talk {
    pub stream: Stream,
    pub line: Line,
    pub conversation: Conversation<(Session, Answer<Next>)>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label().to_string_lossy())
    }
}

impl State {
    /// The state as the public interface distinguishes it.
    pub fn states(&self) -> States {
        match self {
            Self::Created => States::CREATED,
            Self::Connecting(_) | Self::Conversing(_) => States::CONNECTING,
            Self::Negotiating(..) => States::NEGOTIATING,
            Self::Transmitting(_) => States::CONNECTED,
            Self::Closed => States::CLOSED,
            Self::Dead(_) => States::DEAD,
        }
    }

    /// Name and description.
    pub fn label(&self) -> &'static CStr {
        match self {
            Self::Created => c"START: the handle has been created",
            Self::Connecting(trying) => trying.label(),
            Self::Conversing(talk) => talk.line.current_label(),
            Self::Negotiating(..) => c"NEGOTIATING: waiting for the caller to choose an option",
            Self::Transmitting(_) => c"READY: connected to the server",
            Self::Closed => c"CLOSED: the connection is closed",
            Self::Dead(_) => c"DEAD: the connection is broken",
        }
    }

    /// The stream to the server, if there is one.
    pub fn stream(&mut self) -> Option<&mut Stream> {
        match self {
            Self::Conversing(talk) => Some(&mut talk.stream),
            Self::Negotiating(stream, _) | Self::Transmitting(stream) => Some(stream),
            Self::Created | Self::Connecting(_) | Self::Closed | Self::Dead(_) => None,
        }
    }

    /// The socket, if there is one.
    #[inline]
    pub fn raw_fd(&self) -> Option<RawFd> {
        match self {
            Self::Connecting(trying) => Some(trying.raw_fd()),
            Self::Conversing(talk) => Some(talk.stream.raw_fd()),
            Self::Negotiating(stream, _) | Self::Transmitting(stream) => Some(stream.raw_fd()),
            Self::Created | Self::Closed | Self::Dead(_) => None,
        }
    }

    /// Whether bytes that the stream has accepted still wait for the socket.
    #[inline]
    pub fn has_unsent(&self) -> bool {
        match self {
            Self::Conversing(talk) => talk.stream.has_unsent(),
            Self::Negotiating(stream, _) | Self::Transmitting(stream) => stream.has_unsent(),
            _ => false,
        }
    }

    /// Whether the stream has received bytes that have not been read from it
    /// yet.
    pub fn has_received(&self) -> bool {
        match self {
            Self::Conversing(talk) => talk.stream.has_received(),
            Self::Negotiating(stream, _) | Self::Transmitting(stream) => stream.has_received(),
            _ => false,
        }
    }

    /// Estimate of the memory in use, in bytes.
    pub fn memory(&self) -> usize {
        match self {
            Self::Conversing(talk) => talk.line.memory().saturating_add(talk.stream.memory()),
            Self::Negotiating(stream, line) => line.memory().saturating_add(stream.memory()),
            Self::Transmitting(stream) => stream.memory(),
            _ => 0,
        }
    }
}

/// The part of the state that other threads can see without the lock: one
/// atomic word.
#[derive(Debug, Clone, Copy)]
pub struct Published(u32);

const DIRECTION_SHIFT: u32 = 8;
const PROCESSING: u32 = 1 << 16;

impl Published {
    /// The state of a new handle, which waits for nothing.
    pub const CREATED: Self = Self(States::CREATED.to_bits());

    /// Decodes the atomic word.
    pub fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Encodes it for the atomic word.
    pub fn to_bits(self) -> u32 {
        self.0
    }

    /// The state.
    pub fn states(self) -> States {
        States::from_bits(self.0 & 0xff)
    }

    /// The events to poll the socket for.
    pub fn direction(self) -> u32 {
        (self.0 >> DIRECTION_SHIFT) & (READ | WRITE)
    }

    /// Whether a request or a reply is partly transferred.
    pub fn is_processing(self) -> bool {
        self.0 & PROCESSING != 0
    }
}

impl Client {
    /// Publishes the state to other threads.  Every call ends with this.
    #[inline]
    pub fn published(&self) -> Published {
        match &self.state {
            State::Transmitting(stream) => {
                let is_processing = stream.has_unsent() || !self.transmission.is_idle();
                let processing = if is_processing { PROCESSING } else { 0 };
                let direction = self.direction_of(stream) << DIRECTION_SHIFT;
                Published(States::CONNECTED.to_bits() | direction | processing)
            }
            _ => self.published_unconnected(),
        }
    }

    /// As above, where speed does not matter.
    #[cold]
    #[inline(never)]
    fn published_unconnected(&self) -> Published {
        let direction = self.direction() << DIRECTION_SHIFT;
        Published(self.state.states().to_bits() | direction)
    }

    /// The events to poll the socket for.
    #[inline(never)]
    pub fn direction(&self) -> u32 {
        match &self.state {
            State::Created | State::Negotiating(..) | State::Closed | State::Dead(_) => 0,
            State::Connecting(trying) if trying.is_awaited_by_reading() => READ,
            State::Connecting(_) => WRITE,
            State::Conversing(talk) if talk.stream.has_unsent() || talk.line.has_output() => WRITE,
            State::Conversing(_) => READ,
            State::Transmitting(stream) => self.direction_of(stream),
        }
    }

    /// As above, while commands are in flight.
    #[inline]
    fn direction_of(&self, stream: &Stream) -> u32 {
        let has_output = stream.has_unsent() || self.transmission.has_queue();
        if (has_output && !self.server_is_deaf) || self.has_backlog_with(stream) {
            READ | WRITE
        } else {
            READ
        }
    }

    /// Whether data has been received that the next call can process, but that
    /// the socket does not indicate.
    #[inline]
    pub(super) fn has_backlog(&self) -> bool {
        match &self.state {
            State::Transmitting(stream) => self.has_backlog_with(stream),
            _ => false,
        }
    }

    #[inline]
    fn has_backlog_with(&self, stream: &Stream) -> bool {
        self.transmission.has_backlog() || stream.has_received()
    }
}
