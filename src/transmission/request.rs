//! A command as the caller issued it: what to send, where the reply goes, which
//! callbacks to call.

use crate::callback;
use crate::memory::{Lent, LentMut, ReceiveVector};
use crate::protocol::MAX_PAYLOAD;
use crate::protocol::flag;
use crate::protocol::request::Command;

use super::coverage::Coverage;

/// Flags that have passed the checks; they are sent unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandFlags(pub u16);

impl CommandFlags {
    /// Whether all of `bits` are set.
    pub fn has(self, bits: u16) -> bool {
        self.0 & bits == bits
    }

    /// These flags and `bits`.
    pub fn with(self, bits: u16) -> Self {
        Self(self.0 | bits)
    }

    /// These flags without `bits`.
    pub fn without(self, bits: u16) -> Self {
        Self(self.0 & !bits)
    }
}

/// One command.
///
/// Dropping it frees its closures in the order that the interface promises:
/// first the one that was called along the way, then the one for completion.
#[derive(Debug)]
pub struct Request {
    pub command: Command,
    pub flags: CommandFlags,
    pub offset: u64,
    pub count: u64,
    pub data: Data,
    pub along: Along,
    pub completion: callback::Completion,
}

/// The memory that a command works on.
#[derive(Debug)]
pub enum Data {
    None,
    Read(ReadBuffer),
    Write(Lent),
    /// The payload of a filtered block status request.
    Filter(Vec<u8>),
}

/// The closure that a command calls along the way.
#[derive(Debug)]
pub enum Along {
    None,
    Chunk(callback::Chunk),
    Extents32(callback::Extents32),
    Extents64(callback::Extents64),
}

impl From<callback::Chunk> for Along {
    fn from(closure: callback::Chunk) -> Self {
        Self::Chunk(closure)
    }
}

impl From<callback::Extents32> for Along {
    fn from(closure: callback::Extents32) -> Self {
        Self::Extents32(closure)
    }
}

impl From<callback::Extents64> for Along {
    fn from(closure: callback::Extents64) -> Self {
        Self::Extents64(closure)
    }
}

impl Request {
    /// A command that works on a range of the export, without any memory.
    #[inline]
    pub fn range(command: Command, count: u64, offset: u64, flags: CommandFlags) -> Self {
        Self {
            command,
            flags,
            offset,
            count,
            data: Data::None,
            along: Along::None,
            completion: callback::Completion::none(),
        }
    }

    /// A read that fills the buffer.
    #[inline]
    pub fn read(buffer: ReadBuffer, offset: u64, flags: CommandFlags) -> Self {
        let count = length(buffer.len());
        Self {
            data: Data::Read(buffer),
            ..Self::range(Command::Read, count, offset, flags)
        }
    }

    /// A write of all the data.
    #[inline]
    pub fn write(data: Lent, offset: u64, flags: CommandFlags) -> Self {
        let count = length(data.len());
        Self {
            data: Data::Write(data),
            ..Self::range(Command::Write, count, offset, flags)
        }
    }

    /// A command that concerns the whole session.
    pub fn plain(command: Command, flags: CommandFlags) -> Self {
        Self::range(command, 0, 0, flags)
    }

    /// Adds a closure that is called along the way.
    pub fn telling(self, along: impl Into<Along>) -> Self {
        Self {
            along: along.into(),
            ..self
        }
    }

    /// Adds a closure that is called on completion.
    pub fn ending(self, completion: callback::Completion) -> Self {
        Self { completion, ..self }
    }

    /// The memory of a read.
    pub fn read_buffer(&mut self) -> Option<&mut ReadBuffer> {
        match &mut self.data {
            Data::Read(buffer) => Some(buffer),
            _ => None,
        }
    }

    /// The payload of a filtered block status request.  A caller can suppress
    /// the flag that announces it; the server would then take the payload for
    /// the next request, so it stays here.
    #[inline]
    pub fn filter(&self) -> Option<&[u8]> {
        match &self.data {
            Data::Filter(payload) if self.flags.has(flag::PAYLOAD_LEN) => Some(payload),
            _ => None,
        }
    }

    /// Length of what follows the header.
    #[inline]
    pub fn payload_len(&self) -> usize {
        match &self.data {
            Data::Write(data) => data.len(),
            Data::Filter(_) => self.filter().map_or(0, <[u8]>::len),
            Data::None | Data::Read(_) => 0,
        }
    }
}

#[inline]
fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// The caller's buffer for a read, and how much of it has arrived.
///
/// With `sanitise`, what has not been filled is zeroed when the buffer is given
/// back, however the command ends: stale memory is never shown as data.  Bytes
/// that a server fills are not zeroed first.
#[derive(Debug)]
pub struct ReadBuffer {
    memory: LentMut,
    coverage: Coverage,
    sanitise: bool,
}

impl ReadBuffer {
    /// An empty buffer.
    pub fn new(memory: LentMut, sanitise: bool) -> Self {
        // No command reads more than this.  A longer count is most likely a
        // mistake of the caller, such as -1 from a failed call, and there may
        // be no such memory: the length check reports it, and nothing may be
        // touched.
        let possible = memory.len() <= MAX_PAYLOAD as usize;
        Self {
            memory,
            coverage: Coverage::default(),
            sanitise: sanitise && possible,
        }
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.memory.len()
    }

    /// Address of byte `at`, for the caller's own callback.
    pub fn address(&self, at: usize) -> *const u8 {
        self.memory.address(at)
    }

    /// Whether `count` more bytes may be put into the buffer, which must not be
    /// filled more than once.
    #[inline]
    pub fn announce(&mut self, count: usize) -> bool {
        self.coverage.announce(count, self.memory.len())
    }

    /// Room for `count` bytes at `at`, to receive into.
    #[inline]
    pub fn room(&mut self, at: usize, count: usize) -> ReceiveVector<'_> {
        self.memory.range(at, count)
    }

    /// Records that `count` bytes at `at` have been received.
    #[inline]
    pub fn received(&mut self, at: usize, count: usize) {
        self.coverage.add(at, count);
    }

    /// Puts data at `at`.
    pub fn put(&mut self, at: usize, data: &[u8]) {
        self.memory.copy_in(at, data);
        self.coverage.add(at, data.len());
    }

    /// Puts zeroes at `at`.
    pub fn put_zeroes(&mut self, at: usize, count: usize) {
        self.memory.zero(at, count);
        self.coverage.add(at, count);
    }

    /// The errno if the reply ends now: 0 if the whole request has arrived,
    /// each byte once.
    #[inline]
    pub fn verdict(&mut self) -> i32 {
        self.coverage.verdict(self.memory.len())
    }

    /// Ends the read: nothing more will be filled in.
    #[inline]
    pub fn finish(&mut self) {
        if std::mem::take(&mut self.sanitise) {
            let len = self.memory.len();
            for gap in self.coverage.gaps(len) {
                self.memory.zero(gap.start, gap.len());
            }
        }
    }
}

impl Drop for ReadBuffer {
    fn drop(&mut self) {
        self.finish();
    }
}
