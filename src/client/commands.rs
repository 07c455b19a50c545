//! Commands: checking and submitting them, waiting for their completion, ending
//! the session.

use std::ffi::{CStr, CString};

use crate::error::{Error, Escaped, Result};
use crate::protocol::request::Command;
use crate::transmission::Done;
use crate::transmission::request::{CommandFlags, Data, Request};

use super::Client;
use super::settings::strict;
use super::state::State;

/// The shutdown flag that abandons commands that have not been sent.
pub const ABANDON_PENDING: u32 = 0x10000;

impl Client {
    /// Runs a command and waits for its completion.
    #[inline]
    pub fn run(&mut self, request: Request) -> Result<()> {
        let cookie = self.submit(request)?;
        self.wait_for(cookie)
    }

    /// Checks and submits a command, and returns its cookie.  An accepted
    /// command has a cookie even if sending it breaks the connection.
    pub fn submit(&mut self, mut request: Request) -> Result<u64> {
        if matches!(request.data, Data::Write(_) | Data::Filter(_)) {
            request.flags = self.payload_flag(request.flags);
        }
        self.check(&request)?;
        // Commands queued earlier wait for the socket, so this one must wait as
        // well.
        let blocked = self.transmission.has_queue() || self.state.has_unsent();
        // Nothing can follow a disconnect, so there is nothing to wait for.
        let is_last = request.command == Command::Disconnect;
        let timed = self.limits.is_some().then(|| self.server_owes());
        let cookie = self.transmission.submit(request);
        if let Some(server_owes) = timed {
            self.command_began(server_owes);
        }
        // An event loop that a driver serves would not see what is held back.
        if self.settings.batch && !is_last && self.driven.is_none() {
            self.holds_back |= !blocked;
        } else if !blocked || self.holds_back {
            // The failure is recorded in the state and in the command.
            let _ = self.send_requests();
        }
        Ok(cookie)
    }

    /// Sends the requests that have been held back, which leave together.
    #[inline]
    pub fn send_batch(&mut self) -> Result<()> {
        if self.holds_back {
            self.send_requests()?;
        }
        Ok(())
    }

    /// Like `submit`, for block status limited to some of the meta contexts.
    pub fn submit_filtered(&mut self, mut request: Request, contexts: &[CString]) -> Result<u64> {
        if !self.session.extended_headers {
            return Err(Error::new(
                libc::ENOTSUP,
                "block-status: filtering requires extended headers",
            ));
        }
        if self.is_strict(strict::COMMANDS) {
            self.check_contexts()?;
        }
        let mut filter = request.count.to_be_bytes().to_vec();
        for context in contexts {
            filter.extend_from_slice(&self.context_id(context)?.to_be_bytes());
        }
        request.data = Data::Filter(filter);
        self.submit(request)
    }

    /// Ends the session, and waits until the server has closed the connection.
    pub fn shutdown(&mut self, flags: u32) -> Result<()> {
        if matches!(self.state, State::Negotiating(..)) {
            return self.abort();
        }
        if flags & ABANDON_PENDING != 0 {
            self.transmission.abandon_unsent();
        }
        if !self.transmission.is_disconnecting() {
            self.submit(Request::plain(Command::Disconnect, CommandFlags(0)))?;
        }
        self.wait_for_end()
    }

    fn context_id(&self, name: &CStr) -> Result<u32> {
        let contexts = self.session.contexts.in_force();
        let context = contexts.iter().find(|context| *context.name == *name);
        context.map(|context| context.id).ok_or_else(|| {
            Error::new(
                libc::EINVAL,
                format!(
                    "block-status: meta context \"{}\" has not been negotiated",
                    Escaped(name.to_bytes())
                ),
            )
        })
    }
}

/// The result of a command, as it is reported to the caller.
pub fn result_of(done: Done) -> Result<()> {
    match done {
        Done { errno: 0, .. } => Ok(()),
        // A completion callback can replace the errno.
        Done {
            errno,
            reason: Some(reason),
            ..
        } if reason.errno() == errno => Err(*reason),
        Done { errno, command, .. } => {
            let what = match errno {
                libc::ENOTCONN => "the connection ended before the reply arrived",
                _ => "command failed",
            };
            Err(Error::new(errno, format!("{command}: {what}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(errno: i32, reason: Option<Error>) -> String {
        let done = Done {
            errno,
            command: "read",
            reason: reason.map(Box::new),
        };
        result_of(done).unwrap_err().to_string()
    }

    #[test]
    fn a_result_says_what_is_known_of_the_failure() {
        let reason = || Some(Error::new(libc::EIO, "bad sector"));
        assert_eq!(message(libc::EIO, None), "read: command failed");
        assert_eq!(message(libc::EIO, reason()), "bad sector");
        // A completion callback has replaced the errno.
        assert_eq!(message(libc::EPERM, reason()), "read: command failed");
        assert_eq!(
            message(libc::ENOTCONN, None),
            "read: the connection ended before the reply arrived"
        );
    }
}
