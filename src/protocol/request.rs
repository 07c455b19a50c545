//! Request headers (NBD protocol, request message).

/// Start of a compact request.
pub const MAGIC: u32 = 0x2560_9513;
/// Start of an extended request.
pub const EXTENDED_MAGIC: u32 = 0x21e4_1c71;

/// Length of a compact request header.
pub const COMPACT_SIZE: usize = 28;
/// Length of an extended request header.
pub const EXTENDED_SIZE: usize = 32;

/// The commands that a client can send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
#[allow(missing_docs)]
pub enum Command {
    Read = 0,
    Write = 1,
    Disconnect = 2,
    Flush = 3,
    Trim = 4,
    Cache = 5,
    WriteZeroes = 6,
    BlockStatus = 7,
}

impl Command {
    /// The name, for messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Disconnect => "disconnect",
            Self::Flush => "flush",
            Self::Trim => "trim",
            Self::Cache => "cache",
            Self::WriteZeroes => "write-zeroes",
            Self::BlockStatus => "block-status",
        }
    }
}

/// The contents of a request header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Command flags.
    pub flags: u16,
    /// Command.
    pub command: Command,
    /// Identifies the replies to this request.
    pub cookie: u64,
    /// Offset in the export.
    pub offset: u64,
    /// Length of the effect or, with PAYLOAD_LEN, of the payload.
    pub length: u64,
}

impl Header {
    /// Writes the header and returns its length.  A compact header has room for
    /// a 32-bit length; the checks on commands reject longer ones.
    #[inline]
    pub fn encode(&self, extended: bool, out: &mut [u8; EXTENDED_SIZE]) -> usize {
        let magic = if extended { EXTENDED_MAGIC } else { MAGIC };
        let command = self.command as u16;
        let mut at = 0usize;
        let mut put = |bytes: &[u8]| {
            let end = at.saturating_add(bytes.len());
            if let Some(room) = out.get_mut(at..end) {
                room.copy_from_slice(bytes);
            }
            at = end;
        };
        put(&magic.to_be_bytes());
        put(&self.flags.to_be_bytes());
        put(&command.to_be_bytes());
        put(&self.cookie.to_be_bytes());
        put(&self.offset.to_be_bytes());
        if extended {
            put(&self.length.to_be_bytes());
        } else {
            put(&u32::try_from(self.length).unwrap_or(u32::MAX).to_be_bytes());
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::super::hex;
    use super::*;

    fn encoded(header: Header, extended: bool) -> Vec<u8> {
        let mut out = [0; EXTENDED_SIZE];
        let size = header.encode(extended, &mut out);
        out[..size].to_vec()
    }

    #[test]
    fn a_compact_read() {
        let header = Header {
            flags: 0,
            command: Command::Read,
            cookie: 0x11,
            offset: 4096,
            length: 8192,
        };
        assert_eq!(
            encoded(header, false),
            hex("25609513 0000 0000 0000000000000011 0000000000001000 00002000")
        );
    }

    #[test]
    fn a_compact_block_status_with_a_flag() {
        let header = Header {
            flags: super::super::flag::REQ_ONE,
            command: Command::BlockStatus,
            cookie: 0x12,
            offset: 0,
            length: 1 << 20,
        };
        assert_eq!(
            encoded(header, false),
            hex("25609513 0008 0007 0000000000000012 0000000000000000 00100000")
        );
    }

    #[test]
    fn an_extended_request_has_a_64_bit_length() {
        let header = Header {
            flags: 0,
            command: Command::WriteZeroes,
            cookie: 0x15,
            offset: 0,
            length: 1 << 40,
        };
        assert_eq!(
            encoded(header, true),
            hex("21e41c71 0000 0006 0000000000000015 0000000000000000 0000010000000000")
        );
    }
}
