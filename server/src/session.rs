//! One connection: its bytes in and out, what went wrong, how it ended.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::config::{Config, Event};
use crate::fault::FaultyWriter;
use crate::wire::{self, Request};

/// Longest payload that the server reads; a longer one is an attack.
const ABSURD_PAYLOAD: u64 = 64 << 20;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The client sent DISC.
    Disconnected,
    /// The client sent ABORT.
    Aborted,
    /// The client closed between two messages.
    Closed,
    /// The client closed inside a message.
    ClosedInside,
    /// The client closed before it had received all that the server sent.
    Unheard,
    /// The server closed on a client that broke the protocol beyond repair.
    Dropped,
    /// The server closed because it refuses the export.
    Refused,
    /// The server cut the connection as configured.
    Cut,
    /// The script reached its end.
    ScriptDone,
    /// The client did something other than the script expects.
    ScriptFailed,
}

/// What is known about a connection when it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// The client's violations of the protocol or the script.
    pub violations: Vec<String>,
    /// Requests received.
    pub requests: u64,
    /// Bytes sent.
    pub sent: u64,
}

/// Why the conversation ends.
#[derive(Debug)]
pub(crate) enum Stop {
    End(End),
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::UnexpectedEof => Stop::End(End::ClosedInside),
            ErrorKind::ConnectionReset => Stop::End(End::Closed),
            _ => Stop::Io(error),
        }
    }
}

pub(crate) type Talk<T> = Result<T, Stop>;

/// The conversation with one client.
pub(crate) struct Session<'a> {
    pub(crate) config: &'a Config,
    input: BufReader<UnixStream>,
    output: FaultyWriter<UnixStream>,
    violations: Vec<String>,
    requests: u64,
}

impl<'a> Session<'a> {
    /// Takes any stream socket: the standard library's Unix stream does nothing that is specific to
    /// Unix sockets.
    pub(crate) fn new(socket: OwnedFd, config: &'a Config) -> io::Result<Self> {
        let socket = UnixStream::from(socket);
        Ok(Session {
            config,
            input: BufReader::with_capacity(1 << 16, socket.try_clone()?),
            output: FaultyWriter::new(socket, config.faults.clone()),
            violations: Vec::new(),
            requests: 0,
        })
    }

    /// Hangs up and returns what happened.
    pub(crate) fn finish(mut self, result: Talk<End>) -> io::Result<Outcome> {
        self.hang_up();
        let end = match result {
            _ if self.output.is_cut() => End::Cut,
            Ok(end) | Err(Stop::End(end)) => end,
            Err(Stop::Io(error)) => return Err(error),
        };
        let sent = self.output.sent();
        Ok(Outcome {
            end,
            violations: self.violations,
            requests: self.requests,
            sent,
        })
    }

    /// Closes the connection so that the client sees the end of the stream and not a reset, which a
    /// socket sends if it is closed with unread bytes.
    pub(crate) fn hang_up(&mut self) {
        let socket = self.output.get_ref();
        let drained = socket
            .shutdown(Shutdown::Both)
            .and_then(|()| socket.set_nonblocking(true))
            .and_then(|()| io::copy(&mut &*socket, &mut io::sink()));
        // A client that has already gone needs no orderly end.
        drop(drained);
    }

    pub(crate) fn shutdown_write(&mut self) -> Talk<()> {
        Ok(self.output.get_ref().shutdown(Shutdown::Write)?)
    }

    /// Records that the client broke the protocol, and continues.
    pub(crate) fn violation(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.tell(&Event::Violation(&text));
        self.violations.push(text);
    }

    /// Records that the client broke the protocol, and ends the connection.
    pub(crate) fn drop_client<T>(&mut self, text: impl Into<String>) -> Talk<T> {
        self.violation(text);
        Err(Stop::End(End::Dropped))
    }

    pub(crate) fn tell(&self, event: &Event<'_>) {
        (self.config.observer.0)(event);
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> Talk<()> {
        let gone = |kind| matches!(kind, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset);
        match self.output.write_all(bytes) {
            Err(error) if gone(error.kind()) => Err(Stop::End(End::Unheard)),
            result => Ok(result?),
        }
    }

    pub(crate) fn receive(&mut self, count: usize) -> Talk<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.input.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Receives the start of a message, where the client may close.
    pub(crate) fn receive_start<const N: usize>(&mut self) -> Talk<[u8; N]> {
        if self.input.fill_buf()?.is_empty() {
            return Err(Stop::End(End::Closed));
        }
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Receives until the client closes, and counts the bytes.
    pub(crate) fn receive_rest(&mut self) -> Talk<u64> {
        match io::copy(&mut self.input, &mut io::sink()) {
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(0),
            result => Ok(result?),
        }
    }

    /// Has the client already sent more?
    pub(crate) fn has_more(&mut self) -> Talk<bool> {
        if !self.input.buffer().is_empty() {
            return Ok(true);
        }
        self.input.get_ref().set_nonblocking(true)?;
        let more = self.peek();
        self.input.get_ref().set_nonblocking(false)?;
        more
    }

    /// Does the client send more within `patience`?
    pub(crate) fn sends_more(&mut self, patience: Duration) -> Talk<bool> {
        if !self.input.buffer().is_empty() {
            return Ok(true);
        }
        self.input.get_ref().set_read_timeout(Some(patience))?;
        let more = self.peek();
        self.input.get_ref().set_read_timeout(None)?;
        more
    }

    fn peek(&mut self) -> Talk<bool> {
        match self.input.fill_buf() {
            Ok(bytes) => Ok(!bytes.is_empty()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Receives one request with its payload, in either form.
    pub(crate) fn receive_request(&mut self) -> Talk<Request> {
        let magic = u32::from_be_bytes(self.receive_start()?);
        let extended = match magic {
            wire::REQUEST => false,
            wire::EXTENDED_REQUEST => true,
            other => return self.drop_client(format!("request with magic {other:#010x}")),
        };
        let rest = self.receive(Request::header_rest(extended))?;
        let Some(mut request) = Request::decode(extended, &rest) else {
            return self.drop_client("request header is too short");
        };
        self.requests += 1;
        self.tell(&Event::Request(&request));
        let length = request.payload_length();
        if length > ABSURD_PAYLOAD {
            return self.drop_client(format!("payload of {length} bytes"));
        }
        request.payload = self.receive(length as usize)?;
        Ok(request)
    }
}
