//! Faults in the output stream, at any byte: cut, flip, drip.

use std::io::{self, Write};
use std::time::Duration;

/// What goes wrong with the bytes that the server sends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Hang up as soon as this many bytes have been sent.
    pub cut: Option<u64>,
    /// Xor the byte at this position (counted from 0) with this mask.
    pub flips: Vec<(u64, u8)>,
    /// Write at most this many bytes to the socket at a time, with a pause in between, so that the
    /// receiver usually sees each piece separately.
    pub drip: Option<usize>,
}

/// Long enough for a receiver blocked in poll to wake up and read.
const DRIP_PAUSE: Duration = Duration::from_micros(100);

/// Writes bytes to `W`, with the faults applied.
#[derive(Debug)]
pub struct FaultyWriter<W> {
    inner: W,
    faults: Faults,
    sent: u64,
}

impl<W: Write> FaultyWriter<W> {
    /// Puts `faults` before `inner`.
    pub fn new(inner: W, faults: Faults) -> Self {
        FaultyWriter {
            inner,
            faults,
            sent: 0,
        }
    }

    /// How many bytes have been written.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Has the connection reached the byte at which it is to be cut?
    pub fn is_cut(&self) -> bool {
        self.faults.cut.is_some_and(|limit| self.sent >= limit)
    }

    /// The underlying stream.
    pub fn get_ref(&self) -> &W {
        &self.inner
    }

    /// The bytes of `piece` that are next on the wire, flipped where configured.
    fn damaged(&self, piece: &[u8]) -> Vec<u8> {
        let mut bytes = piece.to_vec();
        for &(position, mask) in &self.faults.flips {
            let index = position
                .checked_sub(self.sent)
                .and_then(|index| usize::try_from(index).ok());
            if let Some(byte) = index.and_then(|index| bytes.get_mut(index)) {
                *byte ^= mask;
            }
        }
        bytes
    }
}

impl<W: Write> Write for FaultyWriter<W> {
    /// Fails with `BrokenPipe` at the cut, even if the last byte before it has just been sent: the
    /// caller must hang up now, and not when it next has something to send.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self
            .faults
            .cut
            .map_or(u64::MAX, |limit| limit.saturating_sub(self.sent));
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let piece = &bytes[..bytes
            .len()
            .min(left)
            .min(self.faults.drip.unwrap_or(usize::MAX).max(1))];
        let mut written = 0;
        if !piece.is_empty() {
            written = if self.faults.flips.is_empty() {
                self.inner.write(piece)?
            } else {
                self.inner.write(&self.damaged(piece))?
            };
            self.sent += written as u64;
        }
        if self.is_cut() {
            self.inner.flush()?;
            return Err(io::Error::new(
                io::ErrorKind::BrokenPipe,
                "connection cut on purpose",
            ));
        }
        if self.faults.drip.is_some() {
            self.inner.flush()?;
            std::thread::sleep(DRIP_PAUSE);
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(faults: Faults, parts: &[&[u8]]) -> (Vec<u8>, io::Result<()>) {
        let mut writer = FaultyWriter::new(Vec::new(), faults);
        let result = parts.iter().try_for_each(|part| writer.write_all(part));
        assert_eq!(writer.sent(), writer.get_ref().len() as u64);
        (writer.inner, result)
    }

    #[test]
    fn no_faults_change_nothing() {
        let (bytes, result) = written(Faults::default(), &[b"abc", b"def"]);
        assert_eq!(bytes, b"abcdef");
        assert!(result.is_ok());
    }

    #[test]
    fn cuts_at_every_byte() {
        for limit in 0..=6 {
            let faults = Faults {
                cut: Some(limit),
                ..Faults::default()
            };
            let (bytes, result) = written(faults, &[b"abc", b"def"]);
            assert_eq!(bytes, b"abcdef"[..limit as usize]);
            assert_eq!(
                result.unwrap_err().kind(),
                io::ErrorKind::BrokenPipe,
                "the last byte cuts at once"
            );
        }
        let beyond = Faults {
            cut: Some(7),
            ..Faults::default()
        };
        assert!(written(beyond, &[b"abc", b"def"]).1.is_ok());
    }

    #[test]
    fn flips_by_position_in_the_stream() {
        let faults = Faults {
            flips: vec![(1, 0xff), (4, 0x01), (99, 0xff)],
            ..Faults::default()
        };
        let (bytes, _) = written(faults, &[&[0, 1, 2], &[3, 4, 5]]);
        assert_eq!(bytes, [0, 0xfe, 2, 3, 5, 5]);
    }

    /// Remembers the size of each write.
    struct Sizes(Vec<usize>);
    impl Write for Sizes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(bytes.len());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn drips_in_pieces() {
        let mut writer = FaultyWriter::new(
            Sizes(Vec::new()),
            Faults {
                drip: Some(3),
                ..Faults::default()
            },
        );
        writer.write_all(b"abcdefgh").unwrap();
        assert_eq!(writer.inner.0, [3, 3, 2]);
    }

    #[test]
    fn flips_hold_across_dripped_writes() {
        let faults = Faults {
            flips: vec![(2, 0xff)],
            drip: Some(1),
            ..Faults::default()
        };
        assert_eq!(written(faults, &[&[0, 0, 0, 0]]).0, [0, 0, 0xff, 0]);
    }
}
