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
        self.socket_is_watched = true;
        self.send_batch()?;
        self.read(self.reach_of_one_call())
    }

    /// Handles a socket that has become writable, or a backlog that the caller
    /// has seen, which the direction indicates by requesting both events.
    pub fn aio_notify_write(&mut self) -> Result<()> {
        self.expect(WRITE, "write")?;
        self.socket_is_watched = true;
        if !self.has_backlog() {
            return self.write();
        }
        let ended = self.transmission.ended();
        if self.transmission.has_queue() || self.state.has_unsent() {
            self.send_requests()?;
        }
        if self.transmission.ended() == ended {
            self.receive_replies(self.reach_of_one_call())?;
        }
        Ok(())
    }

    /// Processes received data: all of it during the handshake, and afterwards
    /// as far as `reach` permits.
    #[inline]
    pub(super) fn read(&mut self, reach: Reach) -> Result<()> {
        if self.read_handshake()? && matches!(self.state, State::Transmitting(_)) {
            return self.receive_replies(reach);
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

    /// Checks the result of connecting.
    fn advance_connecting(&mut self) -> Result<()> {
        let State::Connecting(attempt) = std::mem::replace(&mut self.state, State::Created) else {
            return Ok(());
        };
        match attempt.proceed() {
            Ok(Outcome::Trying(attempt)) => {
                self.state = State::Connecting(attempt);
                Ok(())
            }
            Ok(Outcome::Connected(socket)) => {
                self.greet(socket);
                Ok(())
            }
            Err(error) => Err(self.connect_failed(&error)),
        }
    }
}
