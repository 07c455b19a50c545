//! The NBD wire as data: magic numbers, codes, layouts, limits.
//!
//! Nothing here does I/O or keeps state.  Every integer on the wire is
//! big-endian, and nothing is padded.

pub mod context;
pub mod errors;
pub mod export;
pub mod flag;
pub mod handshake;
pub mod reply;
pub mod request;

/// Longest string of the protocol (export name, description, meta context,
/// error message), in bytes.
pub const MAX_STRING: usize = 4096;

/// Longest payload of one request or one chunk that this client handles.
/// Servers disconnect above 32 MiB or slightly more, and nothing useful is
/// larger.
pub const MAX_PAYLOAD: u32 = 64 * 1024 * 1024;

/// Cuts fields off the front of a message.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    /// The next `N` bytes; `None` if the message is too short.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    /// The next `count` bytes.
    pub fn bytes(&mut self, count: u32) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(usize::try_from(count).ok()?)?;
        self.0 = rest;
        Some(head)
    }

    /// A 16-bit field.
    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// A 32-bit field.
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// A 64-bit field.
    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }
}

/// Decodes the hex vectors of the layout tests.
#[cfg(test)]
pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits
        .chunks(2)
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap())
        .collect()
}
