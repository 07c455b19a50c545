//! Option mode: the caller controls the handshake, one option after another.

use std::sync::Arc;

use crate::callback::Completion;
use crate::error::{Error, Result};
use crate::negotiation::OptionRequest;
use crate::negotiation::line::Line;
use crate::transmission::Reach;
use crate::transport::Stream;

use super::state::State;
use super::{Client, PendingOption};

impl Client {
    /// Sends an option and waits for the reply.  Returns how many items the
    /// server has listed or selected.
    pub fn option(&mut self, request: OptionRequest) -> Result<usize> {
        self.start_option(request, Completion::none())?;
        self.option_outcome()
    }

    /// Like `option`, but a refusal by the server is a result and not a
    /// failure.
    pub fn option_accepted(&mut self, request: OptionRequest) -> Result<bool> {
        self.start_option(request, Completion::none())?;
        match self.option_outcome() {
            Ok(_) => Ok(true),
            Err(_) if matches!(self.state, State::Negotiating(..)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Ends the session.
    pub fn abort(&mut self) -> Result<()> {
        self.start_option(OptionRequest::Abort, Completion::none())?;
        // The only way to leave a server that does not support option replies is
        // to hang up, which is what the caller wanted.
        let _ = self.wait_while_connecting();
        match &self.state {
            State::Dead(cause) if self.was_given_up() => Err(cause.clone()),
            _ => Ok(()),
        }
    }

    /// Starts an option.  From here on its result is reported by the completion
    /// closure and the state, not by the call that started it.
    pub fn start_option(&mut self, request: OptionRequest, completion: Completion) -> Result<()> {
        // They stay together, so that they are freed in order if the call is
        // rejected.
        let asked = (Arc::new(request), completion);
        asked.0.check(&self.session)?;
        let (stream, line) = self.take_negotiating()?;
        self.begin_conversation(stream, line, Some(Arc::clone(&asked.0)));
        self.option = PendingOption {
            asked: Some(asked),
            outcome: None,
        };
        // The failure is stored as the result.
        let _ = self.advance_handshake();
        if self.state.has_received() {
            // The socket will not become readable for data that has already
            // been received.
            let _ = self.read(Reach::Everything);
        }
        Ok(())
    }

    fn take_negotiating(&mut self) -> Result<(Stream, Line)> {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Negotiating(stream, line) => Ok((stream, line)),
            other => {
                self.state = other;
                Err(Error::new(libc::EINVAL, "the handle is not negotiating"))
            }
        }
    }

    /// Handles an option that has been answered, or that never will be.
    pub(super) fn option_ended(&mut self, outcome: Result<usize>) {
        // The completion closure must be able to recognise a failure.
        let mut errno = match (&outcome, &self.state) {
            (Ok(_), _) => 0,
            (Err(error), _) if error.errno() != 0 => error.errno(),
            (Err(_), State::Dead(_)) => libc::ENOTCONN,
            (Err(_), _) => libc::ENOTSUP,
        };
        self.option.outcome = Some(outcome);
        if let Some(mut asked) = self.option.asked.take() {
            // The return value of the closure has no meaning, because options
            // retire themselves.
            asked.1.call(&mut errno);
        }
    }

    /// Waits for the reply to the option that was started.
    fn option_outcome(&mut self) -> Result<usize> {
        self.wait_while_connecting()?;
        self.option.outcome.take().unwrap_or(Ok(0))
    }
}
