//! Waiting for the socket.
//!
//! The handle stays locked meanwhile: a blocking call is one step for every
//! other thread.

use std::os::fd::RawFd;
use std::time::Duration;

use libc::{POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, c_int, c_short};

use crate::error::{Error, Result};
use crate::sys::{self, Wait};
use crate::transmission::Reach;

use super::Client;
use super::commands::command_failed;
use super::state::{READ, State, WRITE};
use crate::table::States;

/// Some servers send every extent of a block status reply by itself.  Waking
/// for each of them costs a multiple of what it brings; after a nap there are
/// many, and the server has not been held up by waking anybody.
const NAP: Duration = Duration::from_micros(20);

impl Client {
    /// Waits for the socket, at most `timeout` milliseconds, and goes on as far
    /// as it allows.  1 if there was progress, 0 if the time was up.
    pub fn poll(&mut self, timeout: c_int) -> Result<c_int> {
        self.poll2(-1, timeout)
    }

    /// As `poll`, and stops waiting when `fd` becomes readable.
    pub fn poll2(&mut self, fd: RawFd, timeout: c_int) -> Result<c_int> {
        self.wait(fd, timeout, self.reach_of_one_call())
    }

    fn wait(&mut self, fd: RawFd, timeout: c_int, reach: Reach) -> Result<c_int> {
        if self.has_backlog() && self.receive_without_waiting(reach)? {
            return Ok(1);
        }
        let direction = self.direction();
        let socket = self
            .state
            .raw_fd()
            .filter(|_| direction != 0)
            .ok_or_else(|| {
                let state = self.state.label().to_string_lossy();
                Error::new(
                    libc::EINVAL,
                    format!("there is nothing to wait for in state {state}"),
                )
            })?;
        if matches!(&self.state, State::Connecting(attempt) if attempt.is_connected()) {
            return self.write().map(|()| 1);
        }
        let only_reads = fd < 0 && direction == READ;
        if only_reads && timeout < 0 {
            if self.transmission.awaits_extents() {
                std::thread::sleep(NAP);
            }
            if self.wait_in_receive()? {
                return self.read(reach).map(|()| 1);
            }
        }
        if only_reads && self.server_is_ahead && self.receive_without_waiting(reach)? {
            // Waiting would only have cost a system call.
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
        // A negative timeout waits for ever.
        let timeout = u64::try_from(timeout).ok().map(Duration::from_millis);
        match sys::poll(waits, timeout).map_err(|error| Error::system("poll", &error))? {
            None => Ok(0),
            Some([happened, _]) => self.react(happened, direction, reach).map(|()| 1),
        }
    }

    /// Completes what can be completed without waiting; whether there was
    /// anything.
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
            // Only the other descriptor has woken us.
            Ok(())
        }
    }

    /// Whether the next receive call will itself wait for the server, without
    /// a call that only polls.
    fn wait_in_receive(&mut self) -> Result<bool> {
        if self.socket_is_known {
            return Ok(false);
        }
        match self.state.stream() {
            Some(stream) => stream.wait_for_bytes(),
            None => Ok(false),
        }
    }

    /// The descriptor of the socket, which is non-blocking from now on.
    pub fn aio_get_fd(&mut self) -> Result<c_int> {
        let fd = self
            .state
            .raw_fd()
            .ok_or_else(|| Error::new(libc::EINVAL, "the handle is not connected to anything"))?;
        self.socket_is_known = true;
        self.socket_is_watched = true;
        if let Some(stream) = self.state.stream() {
            stream.make_non_blocking()?;
        }
        Ok(fd)
    }

    /// One step of a blocking call, which uses all that is there: what another
    /// thread waits for does not stay hidden when the call returns.  Such a call must not return while the
    /// server can still write to its buffer, so if there is nothing more to
    /// wait for, the connection ends.
    fn step(&mut self) -> Result<()> {
        match self.wait(-1, -1, Reach::Everything) {
            Ok(_) => Ok(()),
            Err(error) if self.state.raw_fd().is_some() => Err(self.die(error)),
            Err(error) => Err(error),
        }
    }

    /// Waits until the caller's turn has come.
    pub(super) fn wait_while_connecting(&mut self) -> Result<()> {
        while self.state.states() == States::CONNECTING {
            self.step()?;
        }
        Ok(())
    }

    /// Waits for the end of a command.
    pub fn wait_for(&mut self, cookie: u64) -> Result<()> {
        loop {
            if let Some((errno, command)) = self.transmission.take_done(cookie) {
                return match (errno, &self.state) {
                    (0, _) => Ok(()),
                    // Why the connection broke says more.
                    (libc::ENOTCONN, State::Dead(cause)) => Err(cause.clone()),
                    _ => Err(command_failed(errno, command)),
                };
            }
            // If this fails, the command has ended with the connection.
            let _ = self.step();
        }
    }

    /// Waits until the connection has ended.
    pub(super) fn wait_for_end(&mut self) -> Result<()> {
        while self.state.states() == States::CONNECTED {
            self.step()?;
        }
        Ok(())
    }
}
