//! Counters of what was sent and received, updated where it happens.

#[cfg(not(target_has_atomic = "64"))]
use self::halves::AtomicU64;
#[cfg(target_has_atomic = "64")]
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

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

/// A number for processors that cannot read or write 64 bits at once.
#[cfg(any(test, not(target_has_atomic = "64")))]
mod halves {
    use std::sync::atomic::{AtomicU32, Ordering};

    /// Like the number of the same name, as long as only one thread at a time
    /// writes, and never less than before.
    #[derive(Debug, Default)]
    pub struct AtomicU64 {
        /// The upper half, written before the lower one and read after it.
        next: AtomicU32,
        lower: AtomicU32,
        /// The upper half again, written after the lower one and read before it.
        /// If both are the same, the lower half belongs to them.
        upper: AtomicU32,
    }

    impl AtomicU64 {
        pub fn store(&self, value: u64, _order: Ordering) {
            let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
            let upper = u32::from_be_bytes([a, b, c, d]);
            self.next.store(upper, Ordering::Release);
            let lower = u32::from_be_bytes([e, f, g, h]);
            self.lower.store(lower, Ordering::Release);
            self.upper.store(upper, Ordering::Release);
        }

        pub fn load(&self, _order: Ordering) -> u64 {
            loop {
                let upper = self.upper.load(Ordering::Acquire);
                let lower = self.lower.load(Ordering::Acquire);
                if self.next.load(Ordering::Acquire) == upper {
                    return u64::from(upper) << 32 | u64::from(lower);
                }
                std::hint::spin_loop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_read_as_one_number() {
        /// Not quite half a turn of the lower half.
        const STEP: u64 = 0x7fff_fffb;
        const END: u64 = STEP * 300_000;

        let number = halves::AtomicU64::default();
        let order = Ordering::Relaxed;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for value in (0..=END).step_by(0x7fff_fffb) {
                    number.store(value, order);
                }
            });
            let mut before = 0;
            while before < END {
                let now = number.load(order);
                assert!(now >= before && now % STEP == 0, "{now} after {before}");
                before = now;
            }
        });
    }
}
