//! What replies mean (NBD protocol, reply messages): which bytes follow a header,
//! and what becomes of the command that they answer.

use crate::callback::Extent;
use crate::error::{Error, Result};
use crate::protocol::context::MetaContext;
use crate::protocol::errors::errno_of_reply;
use crate::protocol::reply::{Chunk, DONE, Style, kind};
use crate::protocol::request::Command;
use crate::protocol::{Fields, MAX_PAYLOAD, MAX_STRING};

use super::commands::Commands;
use super::receiver::Agreement;
use super::request::Along;
use super::status::{self, Form, Width};
use super::table::SlotId;

/// Longest payload of a chunk: the longest data, and its offset.
const MAX_CHUNK: u64 = MAX_PAYLOAD as u64 + 8;

/// The length of the useful part of an error chunk: errno, message, offset.
pub const MAX_ERROR_CHUNK: u64 = 4 + 2 + MAX_STRING as u64 + 8;

/// What a part of a read is, as the chunk callback receives it.
pub mod part {
    /// The server has sent it.
    pub const DATA: u32 = 1;
    /// It reads as zeroes.
    pub const HOLE: u32 = 2;
    /// There is an error at its offset.
    pub const ERROR: u32 = 3;
}

/// What the next bytes are.
#[derive(Debug, Default)]
pub enum Phase {
    /// A reply header, with the fixed part of its payload.
    #[default]
    Header,
    /// Data for the caller's buffer.
    Data(DataPart),
    /// The descriptors of a block status payload.
    Status(StatusPart),
    /// A payload that is not used.
    Skip(Tail),
}

#[derive(Debug)]
pub struct DataPart {
    /// Where the data began and where the next byte goes, in the buffer.
    start: usize,
    pub at: usize,
    pub left: usize,
    pub tail: Tail,
}

#[derive(Debug, Clone, Copy)]
pub struct StatusPart {
    form: Form,
    /// The position of the context among those granted.
    context: usize,
    pub tail: Tail,
}

/// What remains of a chunk, and what it ends.
#[derive(Debug, Clone, Copy)]
pub struct Tail {
    /// `None` if the chunk belongs to no command.
    pub id: Option<SlotId>,
    pub left: u64,
    /// The chunk is the last one of its reply.
    done: bool,
}

impl Phase {
    /// Lets go of a command: what is left of its chunk is not used.  Returns
    /// whether its reply ends with this chunk.
    pub fn let_go(&mut self, id: SlotId) -> bool {
        let tail = match self {
            Self::Data(part) => Tail {
                left: u64::try_from(part.left).unwrap_or(u64::MAX),
                ..part.tail
            },
            Self::Status(part) => part.tail,
            Self::Skip(tail) => *tail,
            Self::Header => return false,
        };
        if tail.id != Some(id) {
            return false;
        }
        *self = Self::Skip(Tail { id: None, ..tail });
        tail.done
    }
}

impl DataPart {
    #[inline]
    pub fn forward(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
        self.left = self.left.saturating_sub(count);
    }
}

impl Tail {
    /// Takes the bytes that belong to this chunk from `bytes`.
    #[inline]
    pub fn cut<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let count = usize::try_from(self.left).unwrap_or(usize::MAX);
        let bytes = bytes.get(..count).unwrap_or(bytes);
        let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.left = self.left.saturating_sub(count);
        bytes
    }

    /// The chunk is over.
    #[inline]
    pub fn finish(&self, commands: &mut Commands) {
        if let Some(id) = self.id.filter(|_| self.done) {
            commands.complete(id);
        }
    }
}

impl Chunk {
    /// How much of the payload is needed to decide what to do with the chunk.
    #[inline]
    pub fn lead(&self) -> Result<usize> {
        if self.length > MAX_CHUNK {
            return Err(Error::without_errno(format!(
                "the server sent an invalid reply: chunk of {} bytes",
                self.length
            )));
        }
        let fixed = match self.kind {
            kind::OFFSET_DATA => 8,
            kind::OFFSET_HOLE => 12,
            kind::BLOCK_STATUS | kind::BLOCK_STATUS_EXT => Form::of(self.kind).lead(),
            error if error & kind::ERROR_BIT != 0 => MAX_ERROR_CHUNK,
            _ => 0,
        };
        Ok(usize::try_from(self.length.min(fixed)).unwrap_or(0))
    }
}

/// A simple reply (NBD protocol, simple reply message).
#[inline]
pub fn simple(error: u32, cookie: u64, commands: &mut Commands, style: Style) -> Result<Phase> {
    let structured = style != Style::Simple;
    let Some(id) = commands.answerable(cookie) else {
        return stray(error, cookie, commands, structured);
    };
    let (command, count) = commands.expected(id);
    let left = match (error, command) {
        (0, Command::Read) => count,
        _ => 0,
    };
    let tail = Tail {
        id: Some(id),
        left,
        done: true,
    };
    if error != 0 {
        commands.fail(id, errno_of_reply(error));
    } else if structured && matches!(command, Command::Read | Command::BlockStatus) {
        // Their result needs chunks.
        commands.fail(id, libc::EPROTO);
    } else if command == Command::Read && commands.admit(id, count) {
        return Ok(data(0, tail));
    }
    Ok(Phase::Skip(tail))
}

/// A simple reply to a command that has been given up, or to none at all.
#[cold]
fn stray(error: u32, cookie: u64, commands: &mut Commands, structured: bool) -> Result<Phase> {
    if let Some(data) = commands.owed.remove(&cookie) {
        return Ok(Phase::Skip(Tail {
            id: None,
            left: if error == 0 { data } else { 0 },
            done: true,
        }));
    }
    // It could be followed by the data of a read, of unknown length.
    if error == 0 && !structured {
        return Err(Error::new(
            libc::EPROTO,
            format!("the server replied to an unknown request, cookie {cookie}"),
        ));
    }
    Ok(Phase::Header)
}

/// The chunks of structured and extended replies (NBD protocol, structured
/// reply types).  `lead` has the length that `Chunk::lead` returned.
#[inline]
pub fn begin_chunk(
    chunk: &Chunk,
    lead: &[u8],
    commands: &mut Commands,
    agreement: &Agreement,
) -> Result<Phase> {
    let lead_len = u64::try_from(lead.len()).unwrap_or(u64::MAX);
    let tail = Tail {
        id: commands.answerable(chunk.cookie),
        left: chunk.length.saturating_sub(lead_len),
        done: chunk.flags & DONE != 0,
    };
    let Some(id) = tail.id else {
        return Ok(stray_chunk(chunk.cookie, tail, commands));
    };
    let (command, _) = commands.expected(id);
    let request_offset = commands.offset(id);
    if chunk.offset.is_some_and(|offset| offset != request_offset) {
        commands.fail(id, libc::EPROTO);
        return Ok(Phase::Skip(tail));
    }
    let mut fields = Fields(lead);
    match (chunk.kind, command) {
        (kind::NONE, _) if chunk.length == 0 && tail.done => {}
        // The protocol forbids empty chunks, but some servers send them, and
        // they do no harm.
        (kind::OFFSET_DATA, Command::Read) if chunk.length >= 8 => {
            let offset = fields.u64().unwrap_or(0);
            let at = commands.place(id, offset, tail.left)?;
            if commands.admit(id, tail.left) {
                return Ok(data(at, tail));
            }
        }
        (kind::OFFSET_HOLE, Command::Read) if chunk.length == 12 => {
            let offset = fields.u64().unwrap_or(0);
            let count = fields.u32().unwrap_or(0);
            let at = commands.place(id, offset, count.into())?;
            if commands.admit(id, count.into()) {
                hole(id, at, count, commands);
            }
        }
        (kind::BLOCK_STATUS | kind::BLOCK_STATUS_EXT, Command::BlockStatus) => {
            return Ok(begin_status(chunk, lead, tail, commands, agreement));
        }
        (error, _) if error & kind::ERROR_BIT != 0 => error_chunk(chunk.kind, fields, id, commands),
        _ => commands.fail(id, libc::EPROTO),
    }
    // The rest is not used.
    Ok(Phase::Skip(tail))
}

/// A chunk for a command that has been given up, or for none at all.  The
/// length is known, so the stream stays in step.
#[cold]
fn stray_chunk(cookie: u64, tail: Tail, commands: &mut Commands) -> Phase {
    if tail.done {
        commands.owed.remove(&cookie);
    }
    Phase::Skip(tail)
}

/// Data for the caller's buffer from `start` on.
#[inline]
fn data(start: usize, tail: Tail) -> Phase {
    Phase::Data(DataPart {
        start,
        at: start,
        // The limits on chunks and reads make it fit.
        left: usize::try_from(tail.left).unwrap_or(0),
        tail,
    })
}

#[inline]
pub fn finish_data(part: &DataPart, commands: &mut Commands) {
    let Some(id) = part.tail.id else { return };
    let count = part.at.saturating_sub(part.start);
    commands.chunk(id, part.start, count, part::DATA, 0);
    part.tail.finish(commands);
}

fn hole(id: SlotId, at: usize, count: u32, commands: &mut Commands) {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if let Some(buffer) = commands.read_buffer(id) {
        buffer.put_zeroes(at, count);
    }
    commands.chunk(id, at, count, part::HOLE, 0);
}

/// ERROR, ERROR_OFFSET, and any future error chunks: all begin with errno and
/// message.
fn error_chunk(chunk_kind: u16, mut fields: Fields, id: SlotId, commands: &mut Commands) {
    let errno = match fields.u32() {
        None | Some(0) => libc::EPROTO,
        Some(error) => errno_of_reply(error),
    };
    let message = fields.u16().and_then(|length| fields.bytes(length.into()));
    if let Some(message) = message.filter(|message| !message.is_empty()) {
        commands.explain(id, errno, message);
    }
    let offset = match (chunk_kind, message) {
        (kind::ERROR_OFFSET, Some(_)) => fields.u64(),
        _ => None,
    };
    match offset.and_then(|offset| commands.place(id, offset, 1).ok()) {
        Some(at) if commands.expected(id).0 == Command::Read => {
            commands.chunk(id, at, 0, part::ERROR, errno);
        }
        _ => {}
    }
    commands.fail(id, errno);
}

/// A block status chunk.  Its payload is kept only if a command is waiting for
/// it.
fn begin_status(
    chunk: &Chunk,
    lead: &[u8],
    tail: Tail,
    commands: &mut Commands,
    agreement: &Agreement,
) -> Phase {
    let Some(id) = tail.id else {
        return Phase::Skip(tail);
    };
    let form = Form::of(chunk.kind);
    if (form == Form::Extended) != chunk.offset.is_some() || agreement.contexts.is_empty() {
        commands.fail(id, libc::EPROTO);
    }
    let Some(context) = form.context(chunk.length, lead) else {
        commands.fail(id, libc::EPROTO);
        return Phase::Skip(tail);
    };
    match agreement.position(context) {
        Some(context) if commands.is_new(id, context) => Phase::Status(StatusPart {
            form,
            context,
            tail,
        }),
        _ => Phase::Skip(tail),
    }
}

/// Adds bytes to a payload, unless memory is short.
pub fn keep(payload: &mut Vec<u8>, bytes: &[u8]) -> bool {
    let kept = payload.try_reserve(bytes.len()).is_ok();
    if kept {
        payload.extend_from_slice(bytes);
    }
    kept
}

/// Empties a payload; if it was large, its memory is freed as well.
pub fn forget(payload: &mut Vec<u8>) {
    payload.clear();
    if payload.capacity() > 1 << 20 {
        *payload = Vec::new();
    }
}

/// The rest of the chunk is skipped.
pub fn out_of_memory(tail: Tail, commands: &mut Commands) -> Phase {
    if let Some(id) = tail.id {
        commands.fail(id, libc::ENOMEM);
    }
    Phase::Skip(tail)
}

pub fn finish_status(
    descriptors: &[u8],
    part: StatusPart,
    commands: &mut Commands,
    agreement: &Agreement,
) {
    let Some(id) = part.tail.id else { return };
    match (
        part.form.extents(descriptors),
        agreement.contexts.get(part.context),
    ) {
        (Ok(extents), Some(context)) => {
            report_extents(id, context, extents, commands, agreement.size);
        }
        _ => commands.fail(id, libc::ENOMEM),
    }
    part.tail.finish(commands);
}

fn report_extents(
    id: SlotId,
    context: &MetaContext,
    mut extents: Vec<Extent>,
    commands: &mut Commands,
    size: Option<u64>,
) {
    let offset = commands.offset(id);
    let width = match commands.along(id) {
        Some(Along::Extents32(_)) => Width::Words32,
        _ => Width::Extents64,
    };
    let available = size.map_or(u64::MAX, |size| size.saturating_sub(offset));
    let error = status::clip(&mut extents, available, width);
    if error != 0 {
        commands.fail(id, error);
    }
    commands.extents(id, context, &mut extents);
}
