//! Connecting to several addresses at once, each a little later than the one
//! before (RFC 8305, section 5).

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;
use std::vec;

use super::attempt::{begin_on, result_of};
use super::failure::{Failure, Failures};
use super::{Outcome, Seat};
use crate::cancel::{Cancel, Stoppable};
use crate::sys;
use crate::sys::address::SocketAddress;

/// Attempts that are in progress at the same time.
#[derive(Debug)]
pub struct Race {
    /// Readable when there is something to be done: the timer is due, or the
    /// result of a socket is known.
    any: Stoppable,
    /// Due when the next address is to be started.  It is what wakes a handle
    /// that is cancelled.
    timer: Stoppable,
    cancel: Arc<Cancel>,
    delay: Duration,
    /// The sockets with their address families.
    runners: Vec<(OwnedFd, i32)>,
    rest: vec::IntoIter<SocketAddress>,
    failures: Failures,
}

impl Race {
    /// Starts with the first address that does not fail at once.
    pub fn begin(
        addresses: Vec<SocketAddress>,
        delay: Duration,
        mut seat: Seat,
    ) -> Result<Self, Failure> {
        let begun = sys::any_of_several().and_then(|any| {
            let timer = sys::timer()?;
            sys::add_to(any.as_fd(), timer.as_fd())?;
            Ok((seat.put(any)?, timer))
        });
        let (any, timer) = match begun {
            Ok(begun) => begun,
            Err(error) => return Err(Failure::of_system(error, seat)),
        };
        let cancel = Arc::clone(seat.cancel());
        let race = Self {
            any,
            // Registered last, and so it is the one that is woken.
            timer: Stoppable::new(timer, &cancel),
            cancel,
            delay,
            runners: Vec::new(),
            rest: interleaved(addresses).into_iter(),
            failures: Failures::default(),
        };
        race.start_next()
    }

    /// The descriptor to wait for.
    pub fn raw_fd(&self) -> RawFd {
        self.any.as_raw_fd()
    }

    /// Looks who has arrived and who has failed, and starts the next one if it
    /// is time.
    pub fn proceed(mut self) -> Result<Outcome, Failure> {
        let mut somebody_failed = false;
        for (runner, family) in std::mem::take(&mut self.runners) {
            match result_of(runner.as_fd()) {
                Ok(true) => return self.won_by(runner),
                Ok(false) => self.runners.push((runner, family)),
                Err(error) => {
                    let _ = sys::remove_from(self.any.as_fd(), runner.as_fd());
                    self.failures.add(error, family);
                    somebody_failed = true;
                }
            }
        }
        let is_time = sys::is_due(self.timer.as_fd()).unwrap_or(true);
        if is_time || somebody_failed {
            return self.start_next().map(Outcome::running);
        }
        Ok(Outcome::running(self))
    }

    /// Starts the next address that does not fail at once.  The race is over if
    /// there is none and nobody is running.
    fn start_next(mut self) -> Result<Self, Failure> {
        while let Some(address) = self.rest.next() {
            match self.start(&address) {
                Ok(socket) => {
                    self.runners.push((socket, address.family()));
                    break;
                }
                Err(error) => self.failures.add(error, address.family()),
            }
        }
        if self.runners.is_empty() {
            return Err(self.failures.conclude(Seat::of(self.any, self.cancel)));
        }
        Ok(self)
    }

    fn start(&self, address: &SocketAddress) -> io::Result<OwnedFd> {
        let socket = sys::open(address)?;
        begin_on(socket.as_fd(), address)?;
        sys::add_to(self.any.as_fd(), socket.as_fd())?;
        if self.rest.len() > 0 {
            sys::set_timer(self.timer.as_fd(), self.delay)?;
        }
        Ok(socket)
    }

    /// The winner takes the number of the descriptor that stood for all, and
    /// the others are closed.
    fn won_by(self, winner: OwnedFd) -> Result<Outcome, Failure> {
        match self.any.replace(winner) {
            Ok(()) => Ok(Outcome::Connected(self.any)),
            Err(error) => Err(Failure::of_system(error, Seat::of(self.any, self.cancel))),
        }
    }
}

/// The addresses in an order in which the families alternate, as long as there
/// are several.  The order within a family stays the same, and so does the
/// first address.
fn interleaved(addresses: Vec<SocketAddress>) -> Vec<SocketAddress> {
    let first = addresses.first().map(SocketAddress::family);
    let (same, other): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| Some(address.family()) == first);
    let (mut same, mut other) = (same.into_iter(), other.into_iter());
    let mut sorted = Vec::new();
    while same.len() > 0 || other.len() > 0 {
        sorted.extend(same.next().into_iter().chain(other.next()));
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_alternate() {
        let address = |text: &str| SocketAddress::internet(text.parse().unwrap()).unwrap();
        let sorted = |texts: &[&str]| -> Vec<Vec<u8>> {
            interleaved(texts.iter().map(|text| address(text)).collect())
                .iter()
                .map(|address| address.as_bytes().to_vec())
                .collect()
        };
        let plain = |texts: &[&str]| -> Vec<Vec<u8>> {
            texts
                .iter()
                .map(|text| address(text).as_bytes().to_vec())
                .collect()
        };
        assert_eq!(
            sorted(&["[::1]:1", "[::2]:1", "[::3]:1", "1.0.0.1:1", "1.0.0.2:1"]),
            plain(&["[::1]:1", "1.0.0.1:1", "[::2]:1", "1.0.0.2:1", "[::3]:1"])
        );
        assert_eq!(
            sorted(&["1.0.0.1:1", "[::1]:1", "[::2]:1"]),
            plain(&["1.0.0.1:1", "[::1]:1", "[::2]:1"])
        );
        assert_eq!(
            sorted(&["1.0.0.2:1", "1.0.0.1:1"]),
            plain(&["1.0.0.2:1", "1.0.0.1:1"])
        );
    }
}
