//! Reply headers and chunks (NBD protocol, reply messages).

use super::Fields;

/// Start of a simple reply.
pub const SIMPLE_MAGIC: u32 = 0x6744_6698;
/// Start of a structured reply chunk.
pub const STRUCTURED_MAGIC: u32 = 0x668e_33ef;
/// Start of an extended reply chunk.
pub const EXTENDED_MAGIC: u32 = 0x6e8a_278c;

/// Lengths of the headers, in bytes.
const SIMPLE: usize = 16;
const STRUCTURED: usize = 20;
const EXTENDED: usize = 32;

/// Reply flag: the last chunk of a reply.
pub const DONE: u16 = 1;

/// Chunk types.
#[allow(missing_docs)]
pub mod kind {
    pub const NONE: u16 = 0;
    pub const OFFSET_DATA: u16 = 1;
    pub const OFFSET_HOLE: u16 = 2;
    pub const BLOCK_STATUS: u16 = 5;
    pub const BLOCK_STATUS_EXT: u16 = 6;
    pub const ERROR_OFFSET: u16 = 0x8002;
    /// Set in every error chunk.
    pub const ERROR_BIT: u16 = 1 << 15;
}

/// Which kinds of reply this session uses (NBD protocol, reply messages).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// Nothing was negotiated.
    #[default]
    Simple,
    /// Structured replies, and simple replies that carry no data.
    Structured,
    /// Extended headers only.
    Extended,
}

/// The header of one reply message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// A simple reply.
    Simple {
        /// Error value, 0 for success.
        error: u32,
        /// The request that this is a reply to.
        cookie: u64,
    },
    /// One chunk of a structured or extended reply.
    Chunk(Chunk),
}

/// The header of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// Reply flags.
    pub flags: u16,
    /// One of [`kind`].
    pub kind: u16,
    /// The request that this is a reply to.
    pub cookie: u64,
    /// The request's offset; extended headers only.
    pub offset: Option<u64>,
    /// Length of the payload that follows.
    pub length: u64,
}

/// The result of parsing the first bytes of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parsed {
    /// More bytes are needed.
    Partial,
    /// A header and its length in bytes.
    Whole(Header, usize),
    /// A magic number that is not valid in this session.
    BadMagic(u32),
}

impl Style {
    /// The length of the shortest reply, in bytes.
    pub const fn shortest_reply(self) -> usize {
        match self {
            Self::Simple | Self::Structured => SIMPLE,
            Self::Extended => EXTENDED,
        }
    }
}

impl Header {
    /// The length of the header that begins with `bytes`, or its minimum
    /// length.
    pub fn length(style: Style, bytes: &[u8]) -> usize {
        match Fields(bytes).u32() {
            Some(STRUCTURED_MAGIC) => STRUCTURED,
            _ => style.shortest_reply(),
        }
    }

    /// Reads a header from the beginning of `bytes`.  A wrong magic is detected
    /// as soon as its four bytes are there.
    #[inline]
    pub fn parse(style: Style, bytes: &[u8]) -> Parsed {
        let mut fields = Fields(bytes);
        let Some(magic) = fields.u32() else {
            return Parsed::Partial;
        };
        let (header, size) = match (magic, style) {
            (SIMPLE_MAGIC, Style::Simple | Style::Structured) => (simple(fields), SIMPLE),
            (STRUCTURED_MAGIC, Style::Structured) => (structured(fields), STRUCTURED),
            (EXTENDED_MAGIC, Style::Extended) => (extended(fields), EXTENDED),
            _ => return Parsed::BadMagic(magic),
        };
        match header {
            Some(header) => Parsed::Whole(header, size),
            None => Parsed::Partial,
        }
    }
}

fn simple(mut fields: Fields) -> Option<Header> {
    Some(Header::Simple {
        error: fields.u32()?,
        cookie: fields.u64()?,
    })
}

fn structured(mut fields: Fields) -> Option<Header> {
    Some(Header::Chunk(Chunk {
        flags: fields.u16()?,
        kind: fields.u16()?,
        cookie: fields.u64()?,
        offset: None,
        length: fields.u32()?.into(),
    }))
}

fn extended(mut fields: Fields) -> Option<Header> {
    Some(Header::Chunk(Chunk {
        flags: fields.u16()?,
        kind: fields.u16()?,
        cookie: fields.u64()?,
        offset: Some(fields.u64()?),
        length: fields.u64()?,
    }))
}

#[cfg(test)]
mod tests {
    use super::super::hex;
    use super::*;

    const HOLE: &str = "668e33ef 0001 0002 0000000000000011 0000000c";

    #[test]
    fn a_structured_chunk() {
        let chunk = Chunk {
            flags: DONE,
            kind: kind::OFFSET_HOLE,
            cookie: 0x11,
            offset: None,
            length: 12,
        };
        assert_eq!(
            Header::parse(Style::Structured, &hex(HOLE)),
            Parsed::Whole(Header::Chunk(chunk), 20)
        );
    }

    #[test]
    fn an_extended_chunk() {
        let bytes = hex("6e8a278c 0001 0006 0000000000000016 0000000000000000 0000000000000018");
        let chunk = Chunk {
            flags: DONE,
            kind: kind::BLOCK_STATUS_EXT,
            cookie: 0x16,
            offset: Some(0),
            length: 24,
        };
        assert_eq!(
            Header::parse(Style::Extended, &bytes),
            Parsed::Whole(Header::Chunk(chunk), 32)
        );
    }

    #[test]
    fn a_simple_reply() {
        let bytes = hex("67446698 0000001c 0000000000000007 aa");
        let header = Header::Simple {
            error: 28,
            cookie: 7,
        };
        for style in [Style::Simple, Style::Structured] {
            assert_eq!(Header::parse(style, &bytes), Parsed::Whole(header, 16));
        }
    }

    #[test]
    fn every_cut_of_a_header_asks_for_more() {
        let bytes = hex(HOLE);
        for cut in 0..bytes.len() {
            assert_eq!(
                Header::parse(Style::Structured, &bytes[..cut]),
                Parsed::Partial
            );
        }
    }

    #[test]
    fn a_magic_of_another_session_is_seen_at_once() {
        for (style, magic) in [
            (Style::Simple, STRUCTURED_MAGIC),
            (Style::Simple, EXTENDED_MAGIC),
            (Style::Structured, EXTENDED_MAGIC),
            (Style::Extended, SIMPLE_MAGIC),
            (Style::Extended, STRUCTURED_MAGIC),
            (Style::Structured, 0),
        ] {
            assert_eq!(
                Header::parse(style, &magic.to_be_bytes()),
                Parsed::BadMagic(magic)
            );
        }
    }
}
