//! The end of a connection: an orderly one, a failure, or the closing of the
//! handle.

use crate::error::Error;
use crate::transport::Stream;

use super::Client;
use super::debug::debug;
use super::state::State;

impl Client {
    /// Ends the session in an orderly way.
    pub(super) fn session_ended(&mut self, stream: Option<Stream>) {
        debug!(self.debug, "the connection is closed");
        if let Some(mut stream) = stream {
            // The stream is about to be closed anyway; this only makes it
            // orderly.
            let _ = stream.shut_down_sending();
        }
        self.state = State::Closed;
        self.hang_up();
        self.transmission.abandon_all();
        self.option_ended(Ok(0));
    }

    /// Marks the connection as broken, and returns the reason.
    pub(super) fn die(&mut self, error: Error) -> Error {
        debug!(self.debug, "the connection is dead: {error}");
        self.state = State::Dead(error.clone());
        self.hang_up();
        self.transmission.abandon_all();
        self.option_ended(Err(error.clone()));
        error
    }

    /// Closes the handle.
    pub(super) fn close(&mut self) {
        self.transmission.abandon_all();
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
