//! The transitions between the states of a handle: what happens in each state
//! when the socket becomes readable or writable.

use crate::connect::Outcome;
use crate::error::{Error, Result};
use crate::transmission::Reach;

use super::Client;
use super::state::{READ, State, WRITE};

impl Client {
    /// Handles a socket that has become readable.
    pub fn aio_notify_read(&mut self) -> Result<()> {
        self.expect(READ, "read")?;
        self.heed_cancel()?;
        self.socket_is_watched = true;
        self.send_batch()?;
        let ended = self.transmission.ended();
        self.read(self.reach_of_one_call())?;
        self.catch_up(ended)
    }

    /// Handles a socket that has become writable, or a backlog that the caller
    /// has seen, which the direction indicates by requesting both events.
    pub fn aio_notify_write(&mut self) -> Result<()> {
        self.expect(WRITE, "write")?;
        self.heed_cancel()?;
        self.socket_is_watched = true;
        let ended = self.transmission.ended();
        if !self.has_backlog() {
            self.write()?;
            return self.catch_up(ended);
        }
        if self.transmission.has_queue() || self.state.has_unsent() {
            self.send_requests()?;
        }
        if self.transmission.ended() == ended {
            self.receive_replies(self.reach_of_one_call())?;
        }
        self.catch_up(ended)
    }

    /// Processes received data: all of it during the handshake, and afterwards
    /// as far as `reach` permits.
    #[inline]
    pub(super) fn read(&mut self, reach: Reach) -> Result<()> {
        if self.read_handshake()? && matches!(self.state, State::Transmitting(_)) {
            return self.receive_replies(reach);
        }
        if matches!(self.state, State::Connecting(_)) {
            return self.advance_connecting();
        }
        Ok(())
    }

    /// Continues sending the data that waits for the socket.
    pub(super) fn write(&mut self) -> Result<()> {
        match self.state {
            State::Connecting(_) => self.advance_connecting(),
            State::Conversing(_) => self.advance_handshake(),
            _ => self.send_requests(),
        }
    }

    /// One call completes at most one command, because programs rely on that,
    /// unless they have said that they do not.  A program that watches the socket may sleep until it becomes readable,
    /// and cannot see data buffered here; so for such a program nothing is
    /// buffered.
    pub(super) fn reach_of_one_call(&self) -> Reach {
        if self.settings.batch {
            Reach::Everything
        } else if self.socket_is_watched {
            Reach::OneCommandInView
        } else {
            Reach::OneCommand
        }
    }

    fn expect(&self, direction: u32, what: &str) -> Result<()> {
        if self.direction() & direction != 0 {
            return Ok(());
        }
        let state = self.state.label().to_string_lossy();
        Err(Error::new(
            libc::EINVAL,
            format!("no {what} event is expected in state {state}"),
        ))
    }

    /// Checks the result of connecting, or tries again.
    #[cold]
    #[inline(never)]
    fn advance_connecting(&mut self) -> Result<()> {
        let State::Connecting(trying) = std::mem::replace(&mut self.state, State::Created) else {
            return Ok(());
        };
        match trying.proceed() {
            Ok(Outcome::Trying(trying)) => self.state = State::Connecting(Box::new(trying)),
            Ok(Outcome::Connected(socket)) => self.greet(socket),
            Ok(Outcome::Again(seat)) => self.try_addresses(seat)?,
            Err(failure) => self.connect_failed(failure)?,
        }
        // The request may have come while there was nothing that it could wake.
        self.heed_cancel()
    }
}
