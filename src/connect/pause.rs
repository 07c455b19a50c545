//! Waiting until it is time to try again, because nobody listens yet.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Seat;
use crate::cancel::{Cancel, Stoppable};
use crate::sys;

/// The first pause; each is twice as long as the one before.
const FIRST: Duration = Duration::from_millis(10);

/// No pause is longer.
const LONGEST: Duration = Duration::from_millis(250);

/// How long to try.
#[derive(Debug)]
pub struct Retry {
    /// Too far away to be represented is the same as for ever.
    until: Option<Instant>,
    next: Duration,
}

impl Retry {
    /// From now on for so long.
    pub fn within(time: Duration) -> Self {
        Self {
            until: Instant::now().checked_add(time),
            next: FIRST,
        }
    }

    /// The time until the next try, or `None` if the last one is over.  The
    /// last one is when the time is over.
    pub fn pause(&mut self) -> Option<Duration> {
        let left = match self.until {
            Some(until) => until.saturating_duration_since(Instant::now()),
            None => Duration::MAX,
        };
        if left.is_zero() {
            return None;
        }
        let pause = self.next.min(left);
        self.next = self.next.saturating_mul(2).min(LONGEST);
        Some(pause)
    }
}

/// A pause between two tries.
#[derive(Debug)]
pub struct Pause {
    timer: Stoppable,
    cancel: Arc<Cancel>,
}

impl Pause {
    /// Begins a pause.
    pub fn begin(mut seat: Seat, time: Duration) -> io::Result<Self> {
        let timer = sys::timer()?;
        sys::set_timer(timer.as_fd(), time)?;
        Ok(Self {
            timer: seat.put(timer)?,
            cancel: Arc::clone(seat.cancel()),
        })
    }

    /// The timer.
    pub fn raw_fd(&self) -> RawFd {
        self.timer.as_raw_fd()
    }

    /// Returns where the next try goes if the pause is over.
    pub fn proceed(self) -> Result<Seat, Self> {
        // An error of the timer must not keep the caller here.
        match sys::is_due(self.timer.as_fd()) {
            Ok(false) => Err(self),
            _ => Ok(Seat::of(self.timer, self.cancel)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_become_longer_up_to_a_limit() {
        let mut retry = Retry::within(Duration::MAX);
        let pauses: Vec<_> = (0..8).map(|_| retry.pause().unwrap().as_millis()).collect();
        assert_eq!(pauses, [10, 20, 40, 80, 160, 250, 250, 250]);
    }

    #[test]
    fn the_last_try_is_at_the_end_of_the_time() {
        assert_eq!(Retry::within(Duration::ZERO).pause(), None);
        let mut retry = Retry::within(Duration::from_millis(5));
        let pause = retry.pause().unwrap();
        assert!(pause <= Duration::from_millis(5));
        std::thread::sleep(pause);
        assert_eq!(retry.pause(), None);
    }
}
