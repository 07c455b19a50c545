//! The end of a connection: in order, broken, or because the handle goes.

use crate::error::Error;
use crate::transport::Stream;

use super::Client;
use super::debug::debug;
use super::state::State;

impl Client {
    /// The session has ended in order.
    pub(super) fn session_ended(&mut self, stream: Option<Stream>) {
        debug!(self.debug, "the connection is closed");
        if let Some(mut stream) = stream {
            // The stream is closed in a moment; this only makes it orderly.
            let _ = stream.shut_down_sending();
        }
        self.state = State::Closed;
        self.transmission.abandon_all();
        self.option_ended(Ok(0));
    }

    /// The connection is broken; answers with the reason.
    pub(super) fn die(&mut self, error: Error) -> Error {
        debug!(self.debug, "the connection is dead: {error}");
        self.state = State::Dead(error.clone());
        self.transmission.abandon_all();
        self.option_ended(Err(error.clone()));
        error
    }

    /// The handle is being closed.
    pub(super) fn close(&mut self) {
        self.transmission.abandon_all();
        self.transmission.retire_done();
        let mut subprocess = self.subprocess.take();
        if let Some(child) = &mut subprocess {
            child.take_leave();
        }
        // Closing the socket is what tells other subprocesses to finish.
        self.state = State::Closed;
        // Whoever was promised an answer to an option gets one: this is it.
        let gone = Error::new(libc::ENOTCONN, "the handle is being closed");
        self.option_ended(Err(gone));
        if let Some(child) = subprocess {
            let pid = child.pid();
            if !child.end() {
                debug!(
                    self.debug,
                    "process {pid} cannot be ended, and is left to itself"
                );
            }
        }
    }
}
