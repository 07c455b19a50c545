//! The server's side: replies, as the protocol lays them out.

use crate::protocol::reply::Style;

use super::caller::disk_range;
use super::rig::Order;

/// On the last chunk of a reply.
pub const DONE: u16 = 1;
/// On the others.
pub const MORE: u16 = 0;

pub const NONE: u16 = 0;
pub const OFFSET_DATA: u16 = 1;
pub const OFFSET_HOLE: u16 = 2;
pub const BLOCK_STATUS: u16 = 5;
pub const BLOCK_STATUS_EXT: u16 = 6;
pub const ERROR: u16 = 0x8001;
pub const ERROR_OFFSET: u16 = 0x8002;

/// Replies to some orders, in the given sequence.  Cookies count from one.
#[derive(Debug, Clone)]
pub struct Replies {
    style: Style,
    /// The offsets of the orders, which extended headers repeat.
    offsets: Vec<u64>,
    bytes: Vec<u8>,
}

impl Replies {
    pub fn to(style: Style, orders: &[Order]) -> Self {
        Self {
            style,
            offsets: orders.iter().map(|order| order.offset).collect(),
            bytes: Vec::new(),
        }
    }

    pub fn bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// A simple reply without data.
    pub fn simple(self, cookie: u64, error: u32) -> Self {
        let header = [0x6744_6698u32.to_be_bytes(), error.to_be_bytes()].concat();
        self.raw(&header).raw(&cookie.to_be_bytes())
    }

    /// A simple reply with what the export contains.
    pub fn simple_data(self, cookie: u64, offset: u64, count: usize) -> Self {
        self.simple(cookie, 0).raw(&disk_range(offset, count))
    }

    /// The header of a chunk, with the offset that belongs there.
    pub fn header(self, cookie: u64, kind: u16, done: u16, length: u64) -> Self {
        let order = usize::try_from(cookie).unwrap().wrapping_sub(1);
        let offset = self.offsets.get(order).copied().unwrap_or(0);
        self.header_at(cookie, kind, done, offset, length)
    }

    /// The header of a chunk; `offset` is left out of structured replies.
    pub fn header_at(self, cookie: u64, kind: u16, done: u16, offset: u64, length: u64) -> Self {
        let extended = self.style == Style::Extended;
        let magic: u32 = if extended { 0x6e8a_278c } else { 0x668e_33ef };
        let start = self
            .raw(&magic.to_be_bytes())
            .raw(&done.to_be_bytes())
            .raw(&kind.to_be_bytes())
            .raw(&cookie.to_be_bytes());
        if extended {
            start.raw(&offset.to_be_bytes()).raw(&length.to_be_bytes())
        } else {
            start.raw(&u32::try_from(length).unwrap().to_be_bytes())
        }
    }

    pub fn chunk(self, cookie: u64, kind: u16, done: u16, payload: &[u8]) -> Self {
        let length = u64::try_from(payload.len()).unwrap();
        self.header(cookie, kind, done, length).raw(payload)
    }

    pub fn none(self, cookie: u64) -> Self {
        self.chunk(cookie, NONE, DONE, &[])
    }

    pub fn data(self, cookie: u64, offset: u64, count: usize, done: u16) -> Self {
        let payload = [&offset.to_be_bytes(), disk_range(offset, count).as_slice()].concat();
        self.chunk(cookie, OFFSET_DATA, done, &payload)
    }

    pub fn hole(self, cookie: u64, offset: u64, count: u32, done: u16) -> Self {
        let payload = [&offset.to_be_bytes()[..], &count.to_be_bytes()].concat();
        self.chunk(cookie, OFFSET_HOLE, done, &payload)
    }

    pub fn error(self, cookie: u64, error: u32, text: &str, done: u16) -> Self {
        self.chunk(cookie, ERROR, done, &error_payload(error, text))
    }

    pub fn error_at(self, cookie: u64, error: u32, text: &str, offset: u64, done: u16) -> Self {
        let payload = [error_payload(error, text).as_slice(), &offset.to_be_bytes()].concat();
        self.chunk(cookie, ERROR_OFFSET, done, &payload)
    }

    /// A block status chunk in the form that belongs to the session.
    pub fn status(self, cookie: u64, context: u32, extents: &[(u64, u64)], done: u16) -> Self {
        if self.style == Style::Extended {
            self.status_ext(cookie, context, extents, done)
        } else {
            self.status_compact(cookie, context, extents, done)
        }
    }

    pub fn status_compact(
        self,
        cookie: u64,
        context: u32,
        extents: &[(u64, u64)],
        done: u16,
    ) -> Self {
        let mut payload = context.to_be_bytes().to_vec();
        for &(length, flags) in extents {
            for word in [length, flags] {
                payload.extend_from_slice(&u32::try_from(word).unwrap().to_be_bytes());
            }
        }
        self.chunk(cookie, BLOCK_STATUS, done, &payload)
    }

    pub fn status_ext(self, cookie: u64, context: u32, extents: &[(u64, u64)], done: u16) -> Self {
        let count = u32::try_from(extents.len()).unwrap();
        let mut payload = [context.to_be_bytes(), count.to_be_bytes()].concat();
        for &(length, flags) in extents {
            for word in [length, flags] {
                payload.extend_from_slice(&word.to_be_bytes());
            }
        }
        self.chunk(cookie, BLOCK_STATUS_EXT, done, &payload)
    }
}

/// Errno, length of the text, text.
pub fn error_payload(error: u32, text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap();
    let mut payload = error.to_be_bytes().to_vec();
    payload.extend_from_slice(&length.to_be_bytes());
    payload.extend_from_slice(text.as_bytes());
    payload
}
