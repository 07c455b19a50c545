//! Waiting for the socket.
//!
//! The handle stays locked meanwhile, so other threads see a blocking call as
//! one step.

use std::os::fd::RawFd;
use std::time::Duration;

use libc::{POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, c_int, c_short};

use crate::error::{Error, Result};
use crate::sys::{self, Wait};
use crate::transmission::Reach;

use super::Client;
use super::commands::result_of;
use super::state::{READ, State, WRITE};
use crate::table::States;

/// Some servers send each extent of a block status reply separately.  Waking up
/// for each of them costs far more than processing it.  After a short sleep
/// many have arrived, and the server has not been slowed down by wake-ups.
const NAP: Duration = Duration::from_micros(20);

impl Client {
    /// Waits for the socket, for at most `timeout` milliseconds, and makes as
    /// much progress as possible.  Returns 1 if there was progress, 0 on
    /// timeout.
    pub fn poll(&mut self, timeout: c_int) -> Result<c_int> {
        self.poll2(-1, timeout)
    }

    /// Like `poll`, but also stops waiting when `fd` becomes readable.
    pub fn poll2(&mut self, fd: RawFd, timeout: c_int) -> Result<c_int> {
        self.wait(fd, timeout, self.reach_of_one_call())
    }

    fn wait(&mut self, fd: RawFd, timeout: c_int, reach: Reach) -> Result<c_int> {
        if self.cancel.is_requested() {
            return Err(self.stopped());
        }
        self.send_batch()?;
        // A negative timeout means no limit.
        let timeout = u64::try_from(timeout).ok().map(Duration::from_millis);
        let ended = self.transmission.ended();
        if self.limits.is_some() && self.applies_postponed_limit(reach)? {
            return Ok(1);
        }
        let timeout = self.within_limits(timeout);
        let moved = self.wait_for_socket(fd, timeout, reach)?;
        if self.limits.is_some() && self.applies_limit_after(ended, reach)? {
            return Ok(1);
        }
        Ok(moved)
    }

    /// Waits for the socket, regardless of time limits.
    fn wait_for_socket(
        &mut self,
        fd: RawFd,
        timeout: Option<Duration>,
        reach: Reach,
    ) -> Result<c_int> {
        if self.has_backlog() && self.receive_without_waiting(reach)? {
            return Ok(1);
        }
        let direction = self.direction();
        let socket = self
            .state
            .raw_fd()
            .filter(|_| direction != 0)
            .ok_or_else(|| self.nothing_to_wait_for())?;
        if matches!(&self.state, State::Connecting(trying) if trying.is_connected()) {
            return self.write().map(|()| 1);
        }
        let only_reads = fd < 0 && direction == READ;
        if only_reads && timeout.is_none() {
            if self.transmission.awaits_extents() {
                std::thread::sleep(NAP);
            }
            if self.wait_in_receive()? {
                return self.read(reach).map(|()| 1);
            }
        }
        if only_reads && self.server_is_ahead && self.receive_without_waiting(reach)? {
            // Waiting would only have cost an extra system call.
            return Ok(1);
        }
        let mut events = 0;
        if direction & READ != 0 {
            events |= POLLIN;
        }
        if direction & WRITE != 0 {
            events |= POLLOUT;
        }
        let waits = [Wait { fd: socket, events }, Wait { fd, events: POLLIN }];
        match sys::poll(waits, timeout).map_err(|error| Error::system("poll", &error))? {
            _ if self.cancel.is_requested() => Err(self.stopped()),
            None => Ok(0),
            Some([happened, _]) => self.react(happened, direction, reach).map(|()| 1),
        }
    }

    fn nothing_to_wait_for(&self) -> Error {
        let state = self.state.label().to_string_lossy();
        Error::new(
            libc::EINVAL,
            format!("there is nothing to wait for in state {state}"),
        )
    }

    /// The handle has been cancelled, so nothing waits any more.
    #[cold]
    #[inline(never)]
    fn stopped(&mut self) -> Error {
        if self.state.raw_fd().is_some() {
            return match self.heed_cancel() {
                Err(error) => error,
                Ok(()) => self.nothing_to_wait_for(),
            };
        }
        match self.cancellation() {
            Some(cause) => cause.clone(),
            None => self.nothing_to_wait_for(),
        }
    }

    /// Completes the commands that can be completed without waiting.  Returns
    /// whether there were any.
    #[inline]
    fn receive_without_waiting(&mut self, reach: Reach) -> Result<bool> {
        let moved = |client: &Self| {
            let received = client.statistics.bytes_received.get();
            (received, client.transmission.ended())
        };
        let before = moved(self);
        self.receive_replies(reach)?;
        Ok(before != moved(self) || self.state.states() != States::CONNECTED)
    }

    fn react(&mut self, happened: c_short, direction: u32, reach: Reach) -> Result<()> {
        let readable = happened & (POLLIN | POLLHUP) != 0;
        if readable && direction & READ != 0 {
            self.read(reach)
        } else if happened & (POLLOUT | POLLHUP) != 0 && direction & WRITE != 0 {
            self.write()
        } else if happened & (POLLERR | POLLNVAL) != 0 {
            Err(Error::new(
                libc::ENOTCONN,
                "the socket has an error or is not open",
            ))
        } else {
            // Only the other descriptor became ready.
            Ok(())
        }
    }

    /// Returns whether the next receive call will itself wait for the server,
    /// which saves a separate poll call.
    fn wait_in_receive(&mut self) -> Result<bool> {
        if self.socket_is_known {
            return Ok(false);
        }
        match self.state.stream() {
            Some(stream) => stream.wait_for_bytes(),
            None => Ok(false),
        }
    }

    /// Returns the descriptor of the socket, which is non-blocking from now on.
    pub fn aio_get_fd(&mut self) -> Result<c_int> {
        let fd = self
            .state
            .raw_fd()
            .ok_or_else(|| Error::new(libc::EINVAL, "the handle has no connection"))?;
        self.socket_is_known = true;
        self.socket_is_watched = true;
        if let Some(stream) = self.state.stream() {
            stream.make_non_blocking()?;
        }
        Ok(fd)
    }

    /// One step of a blocking call, which processes all available data, so that
    /// nothing that another thread waits for is left hidden in a buffer when
    /// the call returns.  Such a call must not return while the server can
    /// still write to its buffer.  So if there is nothing more to wait for, the
    /// connection ends.
    fn step(&mut self) -> Result<()> {
        match self.wait(-1, -1, Reach::Everything) {
            Ok(_) => Ok(()),
            Err(error) if self.state.raw_fd().is_some() => Err(self.die(error)),
            Err(error) => Err(error),
        }
    }

    /// Waits until the caller can send options.
    pub(super) fn wait_while_connecting(&mut self) -> Result<()> {
        while self.state.states() == States::CONNECTING {
            self.step()?;
        }
        Ok(())
    }

    /// Waits for the completion of a command.
    pub fn wait_for(&mut self, cookie: u64) -> Result<()> {
        loop {
            if let Some(done) = self.transmission.take_done(cookie) {
                return match (done.errno, &self.state) {
                    (0, _) => Ok(()),
                    // The reason why the connection broke is more informative.
                    (libc::ENOTCONN | libc::ECANCELED, State::Dead(cause)) => Err(cause.clone()),
                    _ => result_of(done),
                };
            }
            // If this fails, the command has ended together with the
            // connection.
            let _ = self.step();
        }
    }

    /// Waits until the connection has ended.
    pub(super) fn wait_for_end(&mut self) -> Result<()> {
        while self.state.states() == States::CONNECTED {
            self.step()?;
        }
        self.cancellation().cloned().map_or(Ok(()), Err)
    }
}
