//! The end of a connection: an orderly one, a failure, or the closing of the
//! handle.

use crate::error::{Error, Result};
use crate::transport::Stream;

use super::Client;
use super::debug::debug;
use super::state::State;

impl Client {
    /// Ends the session in an orderly way.
    pub(super) fn session_ended(&mut self, stream: Option<Stream>) -> Result<()> {
        // A cancelled connection looks as if the server had ended it.
        self.heed_cancel()?;
        debug!(self.debug, "the connection is closed");
        if let Some(mut stream) = stream {
            // The stream is about to be closed anyway; this only makes it
            // orderly.
            let _ = stream.shut_down_sending();
        }
        self.state = State::Closed;
        self.hang_up();
        self.transmission.abandon_all(None);
        self.option_ended(Ok(0));
        Ok(())
    }

    /// Marks the connection as broken, and returns the reason.  How a cancelled
    /// connection breaks is a matter of chance, and not the reason.
    pub(super) fn die(&mut self, error: Error) -> Error {
        if self.cancel.is_requested() {
            return self.give_up(cancelled());
        }
        self.break_down(error)
    }

    /// As above, whether or not the handle has been cancelled.
    pub(super) fn break_down(&mut self, error: Error) -> Error {
        self.dead(&error, None);
        error
    }

    /// Marks the connection as broken because the client gives it up, and
    /// returns the reason, which is also that of every command.
    pub(super) fn give_up(&mut self, error: Error) -> Error {
        self.dead(&error, Some(&error));
        error
    }

    fn dead(&mut self, error: &Error, of_commands: Option<&Error>) {
        debug!(self.debug, "the connection is dead: {error}");
        self.state = State::Dead(error.clone());
        self.hang_up();
        self.transmission.abandon_all(of_commands);
        self.option_ended(Err(error.clone()));
    }

    /// Ends the connection if the handle has been cancelled.
    pub(super) fn heed_cancel(&mut self) -> Result<()> {
        if self.cancel.is_requested() {
            return Err(self.die(cancelled()));
        }
        Ok(())
    }

    /// Why the connection was ended, if it was because the handle has been
    /// cancelled.
    pub(super) fn cancellation(&self) -> Option<&Error> {
        match &self.state {
            State::Dead(cause) if cause.errno() == libc::ECANCELED => Some(cause),
            _ => None,
        }
    }

    /// Whether the client itself has ended the connection.
    pub(super) fn was_given_up(&self) -> bool {
        match &self.state {
            State::Dead(cause) if cause.errno() == libc::ETIMEDOUT => self.limits.is_some(),
            _ => self.cancellation().is_some(),
        }
    }

    /// Closes the handle.
    pub(super) fn close(&mut self) {
        self.transmission.abandon_all(None);
        self.transmission.retire_done();
        let mut subprocess = self.subprocess.take();
        if let Some(child) = &mut subprocess {
            child.take_leave();
        }
        // Other subprocesses exit when they see that the socket has been
        // closed.
        self.state = State::Closed;
        // A caller waiting for the completion of an option is notified here.
        let gone = Error::new(libc::ENOTCONN, "the handle is being closed");
        self.option_ended(Err(gone));
        if let Some(child) = subprocess {
            let pid = child.pid();
            if !child.end() {
                debug!(
                    self.debug,
                    "process {pid} cannot be terminated and is left running"
                );
            }
        }
    }
}

fn cancelled() -> Error {
    Error::new(libc::ECANCELED, "cancelled with nbdx_cancel")
}
