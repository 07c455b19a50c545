//! What has gone over the wire, counted where it happens.

use std::sync::atomic::{AtomicU64, Ordering};

/// The counters of one handle.  Anybody can read them at any time.
#[derive(Debug, Default)]
pub struct Statistics {
    /// Bytes of the protocol, TLS not counted.
    pub bytes_sent: Counter,
    pub bytes_received: Counter,
    /// Options and requests.
    pub chunks_sent: Counter,
    /// Greetings, option replies and replies.
    pub chunks_received: Counter,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts more.  Only the thread that holds the lock of the handle counts,
    /// so this need not be one atomic step.
    pub fn add(&self, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.0
            .store(self.get().wrapping_add(count), Ordering::Relaxed);
    }

    /// How many there have been so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
