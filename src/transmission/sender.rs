//! Requests out: headers and payloads of the queue, gathered for one call.

use crate::error::Result;
use crate::flow::Sent;
use crate::memory::SendVector;
use crate::protocol::request::{Command, EXTENDED_SIZE, Header};

use super::request::{Data, Request};
use super::table::{Slot, SlotId, Stage, Table};

/// The maximum number of requests in one call.  Few accumulate after a blocked
/// send, and many in batches.
const FEW: usize = 16;
const MANY: usize = 64;

/// More bytes than this in one call are not worth preparing, because hardly any
/// socket takes them at once.
const ENOUGH: usize = 1 << 19;

/// Sends the queue in order, and remembers how far the first request got.
#[derive(Debug, Default)]
pub struct Sender {
    /// Bytes of the first queued request that have been sent.
    sent: usize,
}

/// What one send call achieved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The queue is empty.
    Empty,
    /// The socket takes no more for now.
    Blocked,
    /// Something was sent and something is left.
    More,
}

impl Sender {
    /// Whether a request is partly on the wire.
    #[inline]
    pub fn is_midway(&self) -> bool {
        self.sent > 0
    }

    /// Whether this queued request is partly on the wire.
    pub fn is_sending(&self, table: &Table, id: SlotId) -> bool {
        self.is_midway() && table.first(Stage::Queued) == Some(id)
    }

    /// Sends as much as one call takes.  `issued` is called for each request
    /// that has been sent completely.
    pub fn send(
        &mut self,
        table: &mut Table,
        extended: bool,
        send: impl FnOnce(&[SendVector<'_>]) -> Result<Sent>,
        issued: impl FnMut(&mut Table, SlotId),
    ) -> Result<Progress> {
        match table.len(Stage::Queued) {
            0 => Ok(Progress::Empty),
            // Room that is not needed would be cleared for nothing.
            1 => self.send_batch::<1>(table, extended, send, issued),
            2..=FEW => self.send_batch::<FEW>(table, extended, send, issued),
            _ => self.send_batch::<MANY>(table, extended, send, issued),
        }
    }

    fn send_batch<const BATCH: usize>(
        &mut self,
        table: &mut Table,
        extended: bool,
        send: impl FnOnce(&[SendVector<'_>]) -> Result<Sent>,
        mut issued: impl FnMut(&mut Table, SlotId),
    ) -> Result<Progress> {
        let mut headers = [([0; EXTENDED_SIZE], 0usize); BATCH];
        let mut queued = table.first(Stage::Queued);
        let mut offered = 0usize;
        let mut batch = 0usize;
        for (header, size) in &mut headers {
            let Some(id) = queued.filter(|_| offered < ENOUGH) else {
                break;
            };
            let slot = table.slot(id);
            *size = encode(slot, extended, header);
            offered = offered.saturating_add(message_len(slot, extended));
            batch = batch.saturating_add(1);
            queued = table.next(id);
        }
        let offered = offered.saturating_sub(self.sent);

        let mut vectors = [[SendVector::EMPTY; 2]; BATCH];
        let vectors = vectors.as_flattened_mut();
        let mut used = 0usize;
        let mut skip = self.sent;
        queued = table.first(Stage::Queued);
        for (header, size) in headers.iter().take(batch) {
            let Some(slot) = queued.map(|id| table.slot(id)) else {
                break;
            };
            let header = header.get(skip.min(*size)..*size).unwrap_or_default();
            let payload = payload(slot, skip.saturating_sub(*size));
            skip = 0;
            for piece in [SendVector::from(header), payload] {
                if piece.len() > 0 {
                    if let Some(place) = vectors.get_mut(used) {
                        *place = piece;
                        used = used.saturating_add(1);
                    }
                }
            }
            queued = queued.and_then(|id| table.next(id));
        }
        let sent = match send(vectors.get(..used).unwrap_or_default())? {
            Sent::Blocked => return Ok(Progress::Blocked),
            Sent::Bytes(count) => count,
        };
        self.advance(table, extended, sent, &mut issued);
        Ok(match table.first(Stage::Queued) {
            None => Progress::Empty,
            Some(_) if sent < offered => Progress::Blocked,
            Some(_) => Progress::More,
        })
    }

    #[inline]
    fn advance(
        &mut self,
        table: &mut Table,
        extended: bool,
        count: usize,
        issued: &mut impl FnMut(&mut Table, SlotId),
    ) {
        self.sent = self.sent.saturating_add(count);
        while let Some(id) = table.first(Stage::Queued) {
            let Some(rest) = self.sent.checked_sub(message_len(table.slot(id), extended)) else {
                return;
            };
            self.sent = rest;
            table.advance(id, Stage::Issued);
            issued(table, id);
        }
    }

    /// Forgets a request that will never be finished.
    pub fn abandon(&mut self) {
        self.sent = 0;
    }
}

#[inline]
fn encode(slot: &Slot, extended: bool, out: &mut [u8; EXTENDED_SIZE]) -> usize {
    let Some(request) = &slot.request else {
        return 0;
    };
    Header {
        flags: request.flags.0,
        command: request.command,
        cookie: slot.cookie,
        offset: request.offset,
        length: header_length(request),
    }
    .encode(extended, out)
}

/// The length field.  For a filtered block status request it is the length of
/// the payload, which contains the effect length (extended headers,
/// PAYLOAD_LEN).
#[inline]
fn header_length(request: &Request) -> u64 {
    match request.filter() {
        Some(payload) => u64::try_from(payload.len()).unwrap_or(u64::MAX),
        None => request.count,
    }
}

#[inline]
fn message_len(slot: &Slot, extended: bool) -> usize {
    let header = if extended {
        EXTENDED_SIZE
    } else {
        crate::protocol::request::COMPACT_SIZE
    };
    let payload = slot.request.as_ref().map_or(0, Request::payload_len);
    header.saturating_add(payload)
}

#[inline]
fn payload(slot: &Slot, from: usize) -> SendVector<'_> {
    let Some(request) = &slot.request else {
        return SendVector::EMPTY;
    };
    match (&request.data, request.filter()) {
        (Data::Write(data), _) => data.tail(from),
        (_, Some(payload)) => SendVector::from(payload.get(from..).unwrap_or_default()),
        _ => SendVector::EMPTY,
    }
}

/// Whether this is the request that ends the session.
#[inline]
pub fn is_disconnect(slot: &Slot) -> bool {
    slot.request
        .as_ref()
        .is_some_and(|request| request.command == Command::Disconnect)
}
