//! Counters of what was sent and received, updated where it happens.

use std::sync::atomic::{AtomicU64, Ordering};

/// The counters of one handle.  Any thread can read them at any time.
#[derive(Debug, Default)]
pub struct Statistics {
    /// Bytes of the protocol, excluding the overhead of TLS.
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
    /// Adds to the counter.  Only the thread that holds the lock of the handle
    /// adds, so this need not be atomic.
    #[inline]
    pub fn add(&self, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.0
            .store(self.get().wrapping_add(count), Ordering::Relaxed);
    }

    /// The current value.
    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
