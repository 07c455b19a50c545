//! Bytes that must not stay in memory once they have been used.

use std::fmt;
use std::io::{self, ErrorKind, Read};

use super::ffi;

/// The initial room for a file of unknown length.
const SMALL: usize = 4096;

/// Bytes that are overwritten when they are dropped.  If they move to another
/// place in memory, the old one is overwritten as well.
#[derive(Default)]
pub struct Secret(Vec<u8>);

impl Secret {
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Adds bytes at the end.
    pub fn extend(&mut self, bytes: &[u8]) {
        let needed = self.0.len().saturating_add(bytes.len());
        if needed > self.0.capacity() {
            // A vector that grows by itself would leave a copy behind.
            let mut larger = Self::with_capacity(needed.max(self.0.len().saturating_mul(2)));
            larger.0.extend_from_slice(&self.0);
            *self = larger;
        }
        self.0.extend_from_slice(bytes);
    }

    /// Forgets the bytes and keeps the room.
    pub fn clear(&mut self) {
        ffi::cleanse(&mut self.0);
        self.0.clear();
    }

    /// Reads up to `count` bytes once, in place of the previous contents;
    /// returns 0 at the end.
    pub fn refill(&mut self, source: &mut impl Read, count: usize) -> io::Result<usize> {
        self.clear();
        if self.0.capacity() < count {
            *self = Self::with_capacity(count);
        }
        self.0.resize(count, 0);
        loop {
            match source.read(&mut self.0) {
                Ok(read) => {
                    self.0.truncate(read);
                    return Ok(read);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// All of a file.
    pub fn read(source: &mut impl Read) -> io::Result<Self> {
        let mut all = Self::with_capacity(SMALL);
        let mut piece = Self::default();
        while piece.refill(source, SMALL)? > 0 {
            all.extend(piece.as_bytes());
        }
        Ok(all)
    }
}

impl From<&[u8]> for Secret {
    fn from(bytes: &[u8]) -> Self {
        let mut copy = Self::with_capacity(bytes.len());
        copy.extend(bytes);
        copy
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.clear();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cleared_is_overwritten() {
        let mut secret = Secret::with_capacity(100);
        secret.extend(b"a password");
        ffi::cleanse(&mut secret.0);
        assert_eq!(secret.as_bytes(), [0; 10]);
        secret.clear();
        assert_eq!(secret.as_bytes(), b"");
    }

    #[test]
    fn any_length_can_be_read() {
        for length in [0, 1, SMALL - 1, SMALL, SMALL + 1, 3 * SMALL, 100_000] {
            let bytes: Vec<u8> = (0u8..=250).cycle().take(length).collect();
            let read = Secret::read(&mut &bytes[..]).unwrap();
            assert_eq!(read.as_bytes(), bytes);
        }
    }

    #[test]
    fn nothing_shows() {
        let mut secret = Secret::default();
        secret.extend(b"222");
        assert_eq!(format!("{secret:?}"), "Secret");
    }
}
