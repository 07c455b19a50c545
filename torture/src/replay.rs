//! Plays the server of a session.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use crate::allocator::{self, Tally};
use crate::caller::{Caller, Outcome};
use crate::session::Step;

/// In which pieces bytes arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// All messages up to the next call at once.
    Whole,
    /// One byte at a time.
    Bytewise,
    /// All messages up to the next call at once, before the server reads any of
    /// the request.  A long request has then left only in part.
    Early,
}

/// What a run did, and what it cost.
#[derive(Debug, Clone)]
pub struct Run {
    /// What the program was told.
    pub outcome: Outcome,
    /// What the client sent.
    pub sent: Vec<u8>,
    /// The cost.
    pub work: Work,
}

/// What a run cost.
#[derive(Debug, Clone, Copy, Default)]
pub struct Work {
    /// Bytes that the server sent.
    pub received: usize,
    /// How often bytes arrived.
    pub arrivals: usize,
    /// How often the library had something to do.
    pub turns: usize,
    /// Bytes that the program asked for, and the number of its calls.
    pub asked: usize,
    /// The calls of the program.
    pub calls: usize,
    /// What the library allocated.
    pub memory: Tally,
}

impl Work {
    /// Fails if the run cost more than a small factor of what was received and
    /// asked for.
    pub fn check(&self, place: &dyn Fn() -> String) {
        let Self {
            received,
            arrivals,
            turns,
            asked,
            calls,
            memory,
        } = *self;
        let place = || format!("{}: {self:?}", place());
        assert_eq!(memory.live, 0, "{}: leaks", place());
        // Each arrival makes the library work once, and so may each call.
        assert!(turns <= arrivals + 2 * calls + 8, "{}", place());
        // The read-ahead is 64 KiB; extents are kept in two forms.
        let peak = memory.peak.unsigned_abs();
        assert!(peak <= 80_000 + 6 * received + asked, "{}", place());
        let allocations = 80 + 30 * calls + received;
        assert!(memory.allocations <= allocations, "{}", place());
    }
}

/// Plays the server.  It hangs up after so many bytes, if it is told to, and
/// otherwise in the end.
pub fn replay(steps: &[Step], pace: Pace, hangs_up: Option<usize>) -> Run {
    allocator::reset();
    let (client, server) = UnixStream::pair().expect("a socket pair");
    server.set_nonblocking(true).expect("a socket");
    if pace == Pace::Early {
        send_little_at_a_time(&client);
    }
    let mut stage = Stage {
        server,
        deaf: false,
        client: Some(client.into()),
        caller: Caller::default(),
        unsent: VecDeque::new(),
        hangs_up: false,
        sent: Vec::new(),
        work: Work::default(),
    };
    let mut steps = steps.iter().peekable();
    let mut pending = Vec::new();
    while let Some(step) = steps.next() {
        match step {
            Step::Call(call, _) => {
                stage.work.calls += 1;
                if let crate::call::Call::Command(command) = call {
                    stage.work.asked += usize::try_from(command.count).expect("a size");
                }
                stage.caller.perform(call, &mut stage.client);
                stage.deaf = pace == Pace::Early && speaks_next(steps.clone());
                stage.go_on();
            }
            Step::Client(_) => {}
            Step::Server(bytes) => pending.extend_from_slice(bytes),
        }
        // In lockstep even when undamaged sessions have the client speak in
        // between: the library looks at replies only after its request.
        if !matches!(steps.peek(), Some(Step::Server(_))) {
            stage.send(&std::mem::take(&mut pending), pace);
        }
        if hangs_up.is_some_and(|after| stage.work.received >= after) {
            stage.hang_up();
        }
    }
    stage.hang_up();
    let Stage {
        caller,
        sent,
        mut work,
        ..
    } = stage;
    let outcome = caller.finish();
    work.memory = allocator::tally();
    Run {
        outcome,
        sent,
        work,
    }
}

/// Whether the server says something before the next call.
fn speaks_next<'a>(mut steps: impl Iterator<Item = &'a Step>) -> bool {
    let next = steps.find(|step| !matches!(step, Step::Client(_)));
    matches!(next, Some(Step::Server(_)))
}

/// Makes the buffer of a socket so small that a long request does not fit.
fn send_little_at_a_time(socket: &UnixStream) {
    let size: libc::c_int = 1;
    let length = libc::socklen_t::try_from(size_of_val(&size)).expect("a size");
    // SAFETY: the value lives through the call, and `length` is its size.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_SNDBUF,
            (&raw const size).cast(),
            length,
        )
    };
    assert_eq!(result, 0, "a socket option");
}

/// A session in progress.
struct Stage {
    server: UnixStream,
    /// The server does not read yet.
    deaf: bool,
    /// The other end, until the program connects to it.
    client: Option<OwnedFd>,
    caller: Caller,
    /// What the server has not been able to send yet.
    unsent: VecDeque<u8>,
    /// The server hangs up when it has sent everything.
    hangs_up: bool,
    /// What the client has sent.
    sent: Vec<u8>,
    work: Work,
}

impl Stage {
    fn send(&mut self, bytes: &[u8], pace: Pace) {
        let step = match pace {
            Pace::Whole | Pace::Early => bytes.len().clamp(1, 65536),
            Pace::Bytewise => 1,
        };
        for piece in bytes.chunks(step) {
            self.work.received += piece.len();
            self.work.arrivals += 1;
            self.unsent.extend(piece);
            self.go_on();
        }
        if !bytes.is_empty() && std::mem::take(&mut self.deaf) {
            self.go_on();
        }
    }

    /// Sends what the socket takes.  A client between two options does not read.
    fn push(&mut self) {
        match self.server.write(self.unsent.make_contiguous()) {
            Ok(count) => drop(self.unsent.drain(..count)),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock => {}
                // The client has left.
                ErrorKind::BrokenPipe => self.unsent.clear(),
                _ => panic!("{error}"),
            },
        }
        if self.unsent.is_empty() && self.hangs_up {
            // It may have happened before.
            let _ = self.server.shutdown(Shutdown::Write);
        }
    }

    fn hang_up(&mut self) {
        self.deaf = false;
        self.hangs_up = true;
        self.go_on();
    }

    /// Lets the library work until it waits for the server.
    fn go_on(&mut self) {
        loop {
            self.push();
            let heard = self.listen();
            let worked = self.caller.can_poll() && self.caller.turn();
            self.work.turns += usize::from(worked);
            if !heard && !worked {
                return;
            }
            assert!(self.work.turns < 1_000_000, "works without end");
        }
    }

    /// Receives what the client has sent.
    fn listen(&mut self) -> bool {
        if self.deaf {
            return false;
        }
        let mut buffer = [0; 4096];
        match self.server.read(&mut buffer) {
            Ok(0) => false,
            Ok(count) => {
                self.sent.extend_from_slice(&buffer[..count]);
                true
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::ConnectionReset => false,
                _ => panic!("{error}"),
            },
        }
    }
}
