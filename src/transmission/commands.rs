//! What happens to a command once it has been accepted: parts of its reply,
//! failure, completion, retirement.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::callback::Extent;
use crate::error::{Error, Escaped, Result};
use crate::protocol::context::MetaContext;
use crate::protocol::request::Command;
use crate::statistics::Statistics;

use super::request::{Along, ReadBuffer, Request};
use super::sender::is_disconnect;
use super::status;
use super::table::{SlotId, Stage, Table};

/// Receives remarks for people who debug a server.
pub trait Remarks: Send + Sync + std::fmt::Debug {
    /// One remark.
    fn remark(&self, text: &dyn Fn() -> String);
}

/// The commands of a handle, and the rules of their life cycle.
#[derive(Debug)]
pub struct Commands {
    pub table: Table,
    /// The queued command that is partly on the wire, if one is.
    pub sending: Option<SlotId>,
    /// Commands that have ended so far.
    pub ended: u64,
    /// Replies that are still to come for commands that the client has given
    /// up: by cookie, how much data a simple reply brings if it is a success.
    pub owed: BTreeMap<u64, u64>,
    pub statistics: Arc<Statistics>,
    remarks: Arc<dyn Remarks>,
}

impl Commands {
    /// No commands yet.
    pub fn new(statistics: Arc<Statistics>, remarks: Arc<dyn Remarks>) -> Self {
        Self {
            table: Table::default(),
            sending: None,
            ended: 0,
            owed: BTreeMap::new(),
            statistics,
            remarks,
        }
    }

    /// The command that a reply with this cookie may belong to: one that has
    /// been sent, at least in part, and whose reply is not complete.
    #[inline]
    pub fn answerable(&self, cookie: u64) -> Option<SlotId> {
        let id = self.table.find(cookie)?;
        let slot = self.table.slot(id);
        let on_the_wire = slot.stage == Stage::Issued || self.sending == Some(id);
        (on_the_wire && !slot.answered && !is_disconnect(slot)).then_some(id)
    }

    /// The command and the length of the request.
    #[inline]
    pub fn expected(&self, id: SlotId) -> (Command, u64) {
        match &self.table.slot(id).request {
            Some(request) => (request.command, request.count),
            None => (Command::Disconnect, 0),
        }
    }

    /// The offset of the request.
    pub fn offset(&self, id: SlotId) -> u64 {
        let request = &self.table.slot(id).request;
        request.as_ref().map_or(0, |request| request.offset)
    }

    /// The buffer of a read.
    #[inline]
    pub fn read_buffer(&mut self, id: SlotId) -> Option<&mut ReadBuffer> {
        self.request(id)?.read_buffer()
    }

    /// The closure called along the way.
    #[inline]
    pub fn along(&mut self, id: SlotId) -> Option<&mut Along> {
        self.request(id).map(|request| &mut request.along)
    }

    #[inline]
    fn request(&mut self, id: SlotId) -> Option<&mut Request> {
        self.table.slot_mut(id).request.as_mut()
    }

    /// Where in the buffer a part of the export belongs.  It is an error if the
    /// part is outside the request.
    #[inline]
    pub fn place(&self, id: SlotId, offset: u64, count: u64) -> Result<usize> {
        let (_, asked) = self.expected(id);
        offset
            .checked_sub(self.offset(id))
            .filter(|at| {
                at.checked_add(count)
                    .is_some_and(|end| end <= asked)
            })
            .and_then(|at| usize::try_from(at).ok())
            .ok_or_else(|| {
                Error::without_errno(format!(
                    "the server sent an invalid reply: {count} bytes at {offset} are outside the request"
                ))
            })
    }

    /// Whether `count` more bytes may be put into the buffer of a read.
    ///
    /// If a server sends more than the caller asked for, the read has failed,
    /// and nothing more is written, neither data nor zeroes, so that the server
    /// cannot keep us busy.  The chunk callback is not told of what has not
    /// been written.
    #[inline]
    pub fn admit(&mut self, id: SlotId, count: u64) -> bool {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let admitted = self
            .read_buffer(id)
            .is_some_and(|buffer| buffer.announce(count));
        if !admitted {
            self.fail(id, libc::EPROTO);
        }
        admitted
    }

    /// Records a failure; the first one counts.
    pub fn fail(&mut self, id: SlotId, errno: i32) {
        let slot = self.table.slot_mut(id);
        if slot.error == 0 {
            slot.error = errno;
        }
    }

    /// Passes on the server's message about a failure.  That about the first one
    /// becomes a part of the error, cut to a length that many commands together can
    /// have.
    pub fn explain(&mut self, id: SlotId, errno: i32, message: &[u8]) {
        const LONGEST: usize = 256;
        let (command, _) = self.expected(id);
        let command = command.name();
        self.remarks
            .remark(&|| format!("{command}: the server reports: {}", Escaped(message)));
        let slot = self.table.slot_mut(id);
        if slot.error == 0 && slot.reason.is_none() {
            let message = Escaped(message.get(..LONGEST).unwrap_or(message));
            let text = format!("{command}: command failed: the server reports: {message}");
            slot.reason = Some(Box::new(Error::new(errno, text)));
        }
    }

    /// Reports a part of a read to the caller.  `error` is that of the part, if
    /// it failed.
    #[inline]
    pub fn chunk(&mut self, id: SlotId, at: usize, count: usize, status: u32, error: i32) {
        if matches!(self.along(id), Some(Along::Chunk(_))) {
            self.report_chunk(id, at, count, status, error);
        }
    }

    fn report_chunk(&mut self, id: SlotId, at: usize, count: usize, status: u32, error: i32) {
        let earlier = self.table.slot(id).error;
        let Some(request) = self.request(id) else {
            return;
        };
        let Along::Chunk(callback) = &mut request.along else {
            return;
        };
        let address = match &request.data {
            super::request::Data::Read(buffer) => buffer.address(at),
            _ => return,
        };
        let offset = u64::try_from(at)
            .ok()
            .and_then(|at| request.offset.checked_add(at))
            .unwrap_or(request.offset);
        let mut value = if error != 0 { error } else { earlier };
        if callback.call((address, count), offset, status, &mut value) == -1 {
            self.fail(id, or_protocol_error(value));
        }
    }

    /// Whether a reply reports this context, given by its position among those
    /// granted, for the first time.  A server must report each context once;
    /// repetitions are not passed on.
    pub fn is_new(&mut self, id: SlotId, position: usize) -> bool {
        match self.table.slot_mut(id).reported.mark(position) {
            Ok(new) => new,
            Err(_) => {
                self.fail(id, libc::ENOMEM);
                false
            }
        }
    }

    /// Reports the extents of one meta context to the caller.
    pub fn extents(&mut self, id: SlotId, context: &MetaContext, extents: &mut [Extent]) {
        let error = self.table.slot(id).error;
        let offset = self.offset(id);
        let Some(along) = self.along(id) else {
            return;
        };
        match status::deliver(along, context, offset, extents, error) {
            Ok((-1, value)) => self.fail(id, or_protocol_error(value)),
            Ok(_) => {}
            Err(_) => self.fail(id, libc::ENOMEM),
        }
    }

    /// The reply is complete.
    ///
    /// A server may reply before it has read the whole request.  The caller
    /// must not be told yet, because the rest of the data is still to be sent
    /// from the caller's memory.
    #[inline]
    pub fn complete(&mut self, id: SlotId) {
        self.table.slot_mut(id).answered = true;
        if self.sending != Some(id) {
            self.conclude(id);
        }
    }

    /// The request is on the wire in full.
    #[inline]
    pub fn issued(&mut self, id: SlotId) {
        if self.table.slot(id).answered {
            self.conclude(id);
        }
    }

    /// Ends a command whose memory is no longer in use: calls the completion
    /// callback, then retires the command if the callback returned 1.
    #[inline]
    fn conclude(&mut self, id: SlotId) {
        self.ended = self.ended.saturating_add(1);
        let slot = self.table.slot_mut(id);
        let mut verdict = 0;
        if let Some(request) = &mut slot.request {
            if let Some(buffer) = request.read_buffer() {
                if slot.error == 0 {
                    slot.error = buffer.verdict();
                }
                buffer.finish();
            }
            let mut error = slot.error;
            verdict = request.completion.call(&mut error);
            if verdict == -1 && error != 0 {
                slot.error = error;
            }
        }
        if verdict == 1 {
            self.table.retire(id);
        } else {
            self.table.advance(id, Stage::Done);
        }
    }

    /// Ends a command without a reply, because the connection is gone.
    pub fn abandon(&mut self, id: SlotId) {
        if is_disconnect(self.table.slot(id)) {
            self.table.retire(id);
        } else {
            self.fail(id, libc::ENOTCONN);
            self.conclude(id);
        }
    }

    /// Ends a command without a reply, because the client gives it up.
    pub fn give_up(&mut self, id: SlotId, reason: Error) {
        let slot = self.table.slot_mut(id);
        // Whatever the server has reported so far, this is how it ended.
        slot.error = reason.errno();
        slot.reason = Some(Box::new(reason));
        self.conclude(id);
    }
}

/// The errno that a failed callback left behind.
fn or_protocol_error(value: i32) -> i32 {
    if value == 0 { libc::EPROTO } else { value }
}
