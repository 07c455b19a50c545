//! The buffer that collects reply headers and small payloads.
//!
//! One receive call brings as many replies as have arrived.  A large payload
//! goes straight to the caller's buffer, and this one takes only what follows.

use crate::memory::ReceiveVector;

/// The initial size: a page and a header.  A handle with one command in flight
/// at a time, or none, needs no more.
pub const FIRST: usize = 4096 + 64;

/// Room for the replies to many small reads.
const CAPACITY: usize = 64 * 1024;

/// After a large payload, room for a few headers: anything more would have to
/// be copied.
const NARROW: usize = 4 * 1024;

/// Payloads from this size on are cheaper to receive in place than to copy.
const LARGE: usize = 32 * 1024;

/// Bytes received and not yet used.
#[derive(Debug, Default)]
pub struct ReadAhead {
    /// Allocated when first needed: an idle handle has none.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// The last receive call filled the room, so there may be more.
    filled: bool,
    /// The last payload was large, so the next one probably is as well.
    narrow: bool,
}

impl ReadAhead {
    /// The number of bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// The bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Whether there is nothing.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Drops the first `count` bytes.
    #[inline]
    pub fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
        if self.is_empty() {
            self.start = 0;
            self.end = 0;
        }
    }

    /// Infers from the size of a payload what to expect of the next one.
    #[inline]
    pub fn expect_like(&mut self, payload: usize) {
        self.narrow = payload >= LARGE;
    }

    /// Room to receive into, at most `most` bytes.  Never empty: nothing that
    /// has to be contiguous is as long as the buffer.
    #[inline]
    pub fn room(&mut self, most: usize) -> ReceiveVector<'_> {
        if self.buffer.is_empty() {
            self.buffer = vec![0; FIRST];
        } else if self.filled {
            // If there is no memory, what there is has to do: a server must not
            // be able to end the process by sending more.
            let missing = CAPACITY.saturating_sub(self.buffer.len());
            if self.buffer.try_reserve_exact(missing).is_ok() {
                self.buffer.resize(CAPACITY.max(self.buffer.len()), 0);
            }
            self.filled = false;
        }
        if self.start > 0 {
            // Only a partial header, or a little more, is left.
            self.buffer.copy_within(self.start..self.end, 0);
            self.end = self.end.saturating_sub(self.start);
            self.start = 0;
        }
        let capacity = self.buffer.len();
        let most = if self.narrow { most.min(NARROW) } else { most };
        let limit = self.end.saturating_add(most).min(capacity);
        match self.buffer.get_mut(self.end..limit) {
            Some(room) => ReceiveVector::from(room),
            None => ReceiveVector::EMPTY,
        }
    }

    /// Records that `count` bytes have been received into the room.
    #[inline]
    pub fn received(&mut self, count: usize) {
        self.end = self.end.saturating_add(count).min(self.buffer.len());
        self.filled = self.end == self.buffer.len();
    }

    /// Takes over bytes that were received during the handshake.
    pub fn preload(&mut self, bytes: &[u8]) {
        self.buffer = vec![0; CAPACITY.max(bytes.len())];
        if let Some(room) = self.buffer.get_mut(..bytes.len()) {
            room.copy_from_slice(bytes);
        }
        self.start = 0;
        self.end = bytes.len();
    }

    /// Memory in use.
    pub fn memory(&self) -> usize {
        self.buffer.capacity()
    }
}
