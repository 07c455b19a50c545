//! Byte streams that wait only when told to.  The only place that moves bytes
//! between the library and a peer.

pub mod tls;

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use crate::cancel::Stoppable;
use crate::error::{Error, Result};
use crate::flow::{Received, Sent};
use crate::memory::{ReceiveVector, SendVector};
use crate::sys::{self, IfNothing};

/// The maximum number of receive calls per turn.  A server that never stops
/// sending must not keep the caller forever.
const ROUNDS: u32 = 64;

/// How much a turn receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing that the caller does not ask for, except what TLS needs.
    InView,
    /// What has arrived.  A receive call that fills less than the room leaves
    /// nothing, except perhaps the end of the stream.
    Ahead,
    /// Until the socket says that it is empty, because it will be looked at
    /// only when something new arrives.
    UntilEmpty,
}

impl Turn {
    /// A turn that receives as much as it can.
    pub fn ahead(until_empty: bool) -> Self {
        if until_empty {
            Self::UntilEmpty
        } else {
            Self::Ahead
        }
    }
}

/// The stream to the server.
#[derive(Debug)]
pub struct Stream {
    carrier: Carrier,
    turn: Turn,
    /// Receive calls that are left in this turn.
    allowance: u32,
    /// What the next receive call does when nothing has arrived.
    if_nothing: IfNothing,
    /// The socket is in blocking mode; each of our calls chooses whether to
    /// wait.
    blocking: bool,
    /// Bytes have been received since somebody last asked.
    heard: bool,
}

#[derive(Debug)]
enum Carrier {
    Plain(Stoppable),
    Tls(Box<tls::Channel>),
}

impl Stream {
    /// A stream over a connected, non-blocking socket.
    pub fn plain(socket: Stoppable) -> Self {
        Self::new(Carrier::Plain(socket))
    }

    fn new(carrier: Carrier) -> Self {
        Self {
            carrier,
            turn: Turn::Ahead,
            allowance: 0,
            if_nothing: IfNothing::Return,
            blocking: false,
            heard: false,
        }
    }

    /// The same stream, to be encrypted from here on; the handshake is next.
    pub fn encrypted(mut self, prepared: tls::Prepared) -> Result<Self> {
        self.make_non_blocking()?;
        match self.carrier {
            Carrier::Plain(socket) => {
                let session = tls::Channel::new(prepared, socket)?;
                Ok(Self::new(Carrier::Tls(Box::new(session))))
            }
            Carrier::Tls(_) => Err(Error::new(libc::EPROTO, "TLS is already in use")),
        }
    }

    /// The descriptor to poll.
    #[inline]
    pub fn raw_fd(&self) -> RawFd {
        match &self.carrier {
            Carrier::Plain(socket) => socket.as_raw_fd(),
            Carrier::Tls(session) => session.raw_fd(),
        }
    }

    /// Begins a new turn: the socket may have become readable.
    pub fn begin_receiving(&mut self, turn: Turn) {
        self.turn = turn;
        self.allowance = ROUNDS;
        if let Carrier::Tls(session) = &mut self.carrier {
            session.allow(ROUNDS, turn);
        }
    }

    /// Whether the turn ended before the socket was known to be empty.
    pub fn was_interrupted(&self) -> bool {
        match &self.carrier {
            Carrier::Plain(_) => self.allowance == 0,
            Carrier::Tls(session) => session.was_interrupted(),
        }
    }

    /// Lets the first receive call of the next turn wait in the kernel until
    /// something arrives, which saves polling before it.  Returns whether it
    /// will wait.  Only for sockets that nobody else uses, because they become
    /// blocking.
    pub fn wait_for_bytes(&mut self) -> Result<bool> {
        let Carrier::Plain(socket) = &self.carrier else {
            return Ok(false);
        };
        if !self.blocking {
            sys::set_blocking(socket.as_fd(), true)
                .map_err(|error| Error::system("ioctl", &error))?;
            self.blocking = true;
        }
        self.if_nothing = IfNothing::Wait;
        Ok(true)
    }

    /// Makes the socket non-blocking, as its users expect.
    pub fn make_non_blocking(&mut self) -> Result<()> {
        match &self.carrier {
            Carrier::Plain(socket) if self.blocking => {
                sys::set_blocking(socket.as_fd(), false)
                    .map_err(|error| Error::system("ioctl", &error))?;
                self.blocking = false;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whether the peer has sent anything since the last call of this function:
    /// at least one byte, even if it is only a part of a TLS record.
    pub fn take_heard(&mut self) -> bool {
        let heard = match &mut self.carrier {
            Carrier::Plain(_) => &mut self.heard,
            Carrier::Tls(session) => session.heard(),
        };
        std::mem::take(heard)
    }

    /// Advances the TLS handshake, and returns whether it is complete.
    pub fn handshake(&mut self) -> Result<bool> {
        match &mut self.carrier {
            Carrier::Plain(_) => Ok(true),
            Carrier::Tls(session) => session.handshake(),
        }
    }

    /// A description of the encryption, for messages.
    pub fn encryption(&self) -> String {
        match &self.carrier {
            Carrier::Plain(_) => "nothing".to_owned(),
            Carrier::Tls(session) => session.encryption(),
        }
    }

    /// Receives into the vectors, in order.
    #[inline]
    pub fn receive(&mut self, into: &mut [ReceiveVector<'_>]) -> Result<Received> {
        let socket = match &mut self.carrier {
            Carrier::Plain(socket) => socket,
            Carrier::Tls(session) => return session.receive(into),
        };
        let Some(allowance) = self.allowance.checked_sub(1) else {
            return Ok(Received::Blocked);
        };
        self.allowance = allowance;
        let room = into.iter().map(ReceiveVector::len);
        let room = room.fold(0, usize::saturating_add);
        let if_nothing = std::mem::replace(&mut self.if_nothing, IfNothing::Return);
        match sys::receive(socket.as_fd(), into, if_nothing) {
            Ok(0) => Ok(Received::End),
            Ok(count) => {
                self.heard = true;
                Ok(if count < room && self.turn != Turn::UntilEmpty {
                    Received::all_there_is(count)
                } else {
                    Received::some(count)
                })
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if if_nothing == IfNothing::Wait {
                    // A forked process has asked for its descriptor, and shares
                    // the mode of the socket with us.
                    self.blocking = false;
                }
                Ok(Received::Blocked)
            }
            Err(error) => Err(Error::system("recv", &error)),
        }
    }

    /// Whether something was received that has not been asked for, which
    /// polling the socket does not show.
    #[inline]
    pub fn has_received(&self) -> bool {
        match &self.carrier {
            Carrier::Plain(_) => false,
            Carrier::Tls(session) => session.has_received(),
        }
    }

    /// Sends the vectors, in order, as much as one call takes.
    #[inline]
    pub fn send(&mut self, from: &[SendVector<'_>]) -> Result<Sent> {
        let socket = match &mut self.carrier {
            Carrier::Plain(socket) => socket,
            Carrier::Tls(session) => return session.send(from),
        };
        match sys::send(socket.as_fd(), from) {
            Ok(count) => Ok(Sent::Bytes(count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Sent::Blocked),
            Err(error) => Err(Error::system("send", &error)),
        }
    }

    /// Whether bytes that were taken are still waiting for the socket.
    #[inline]
    pub fn has_unsent(&self) -> bool {
        match &self.carrier {
            Carrier::Plain(_) => false,
            Carrier::Tls(session) => session.has_unsent(),
        }
    }

    /// Sends what is waiting for the socket, and returns whether nothing is
    /// left.
    #[inline]
    pub fn send_unsent(&mut self) -> Result<bool> {
        match &mut self.carrier {
            Carrier::Plain(_) => Ok(true),
            Carrier::Tls(session) => session.send_unsent(),
        }
    }

    /// Tells the peer that nothing more will be sent.  Returns whether this has
    /// been sent; if not, it has to be repeated when the socket takes more.
    pub fn shut_down_sending(&mut self) -> Result<bool> {
        let socket = match &mut self.carrier {
            Carrier::Plain(socket) => socket,
            Carrier::Tls(session) => return session.shut_down_sending(),
        };
        shut_down(sys::shutdown_write(socket.as_fd()))
    }

    /// Estimate of the memory in use, in bytes.
    pub fn memory(&self) -> usize {
        match &self.carrier {
            Carrier::Plain(_) => 0,
            Carrier::Tls(session) => session.memory(),
        }
    }
}

/// The result of shutting down the socket.
fn shut_down(result: io::Result<()>) -> Result<bool> {
    match result {
        // The server may have closed the connection first.
        Err(error) if error.raw_os_error() != Some(libc::ENOTCONN) => {
            Err(Error::system("shutdown", &error))
        }
        _ => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    fn pair() -> (Stream, UnixStream, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let shared = ours.try_clone().unwrap();
        let ours = std::os::fd::OwnedFd::from(ours);
        (Stream::plain(ours.into()), theirs, shared)
    }

    fn receive(stream: &mut Stream) -> Received {
        let mut room = [0; 16];
        stream.begin_receiving(Turn::Ahead);
        let mut vector = [ReceiveVector::from(&mut room[..])];
        stream.receive(&mut vector).unwrap()
    }

    #[test]
    fn only_the_next_receive_call_waits() {
        let (mut stream, mut peer, _) = pair();
        assert!(stream.wait_for_bytes().unwrap());
        let late = std::thread::spawn(move || {
            peer.write_all(b"late").unwrap();
            peer
        });
        assert_eq!(receive(&mut stream), Received::all_there_is(4));
        let _peer = late.join().unwrap();
        assert_eq!(receive(&mut stream), Received::Blocked);
    }

    #[test]
    fn a_socket_that_another_process_changed_waits_again() {
        let (mut stream, mut peer, shared) = pair();
        assert!(stream.wait_for_bytes().unwrap());
        shared.set_nonblocking(true).unwrap();
        assert_eq!(receive(&mut stream), Received::Blocked);
        assert!(stream.wait_for_bytes().unwrap());
        let late = std::thread::spawn(move || peer.write_all(b"late").unwrap());
        assert_eq!(receive(&mut stream), Received::all_there_is(4));
        late.join().unwrap();
    }

    #[test]
    fn a_turn_that_is_too_long_is_interrupted() {
        let (mut stream, mut peer, _) = pair();
        peer.write_all(&[7; 100]).unwrap();
        let mut count = 0;
        for interrupted in [true, false] {
            stream.begin_receiving(Turn::UntilEmpty);
            let mut byte = [0];
            while stream
                .receive(&mut [ReceiveVector::from(&mut byte[..])])
                .unwrap()
                != Received::Blocked
            {
                count += 1;
            }
            assert_eq!(stream.was_interrupted(), interrupted);
        }
        assert_eq!(count, 100);
    }

    #[test]
    fn a_short_receive_does_not_prove_that_the_socket_is_empty() {
        let (mut stream, mut peer, shared) = pair();
        peer.write_all(b"the last").unwrap();
        drop((peer, shared));
        stream.begin_receiving(Turn::UntilEmpty);
        let mut room = [0; 16];
        let mut receive = || stream.receive(&mut [ReceiveVector::from(&mut room[..])]);
        assert_eq!(receive().unwrap(), Received::some(8));
        assert_eq!(receive().unwrap(), Received::End);
    }

    #[test]
    fn a_full_socket_takes_no_more_and_does_not_wait() {
        let (mut stream, _peer, _) = pair();
        assert!(stream.wait_for_bytes().unwrap());
        let bytes = [0; 4096];
        for _ in 0..10_000 {
            if stream.send(&[SendVector::from(&bytes[..])]).unwrap() == Sent::Blocked {
                return;
            }
        }
        panic!("an endless socket");
    }
}
