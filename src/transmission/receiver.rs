//! Replies in: from received bytes to completed commands.

use crate::error::{Error, Result};
use crate::memory::ReceiveVector;
use crate::protocol::context::MetaContext;
use crate::protocol::reply::{Header, Parsed, Style};

use super::commands::Commands;
use super::read_ahead::{self, ReadAhead};
use super::replies::{self, MAX_ERROR_CHUNK, Phase, StatusPart};
use super::table::SlotId;

/// The longest header, that of an extended reply, must fit into the smallest
/// read-ahead together with the part of the payload that is examined with it;
/// without room, nothing could be received.
const _: () = assert!(32 + MAX_ERROR_CHUNK < read_ahead::FIRST as u64);

/// What was negotiated, as far as replies depend on it.
#[derive(Debug, Default)]
pub struct Agreement {
    pub style: Style,
    pub contexts: Vec<MetaContext>,
    /// Size of the export, if the server reported it.
    pub size: Option<u64>,
}

impl Agreement {
    /// Sorts the contexts by id, so that each is found quickly: there can be
    /// many contexts, and chunks can be short.
    pub fn in_order(mut self) -> Self {
        self.contexts.sort_by_key(|context| context.id);
        self
    }

    /// The position of the context with this id.  A server must not assign an
    /// id twice; if it does, the id means the first context.
    pub fn position(&self, id: u32) -> Option<usize> {
        let position = self.contexts.partition_point(|context| context.id < id);
        let context = self.contexts.get(position)?;
        (context.id == id).then_some(position)
    }
}

/// Reads replies.
#[derive(Debug, Default)]
pub struct Receiver {
    ahead: ReadAhead,
    phase: Phase,
    /// Payload of the block status chunk that is arriving; reused.
    status: Vec<u8>,
    /// Processing stopped after the end of a command, with unexamined bytes
    /// left.
    resting: bool,
}

/// How far a call may go through what the server has sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Through all of it.
    Everything,
    /// Up to the end of one command.  What has been received beyond it waits
    /// in the read-ahead.
    OneCommand,
    /// Up to the end of one command, and not even receiving what may be the end
    /// of the next reply, so that a caller that watches the socket can see that
    /// there is more.
    OneCommandInView,
}

impl Receiver {
    /// Whether the next byte from the socket would begin a reply.
    pub fn at_boundary(&self) -> bool {
        matches!(self.phase, Phase::Header) && self.ahead.is_empty()
    }

    /// Whether no reply is in progress; unexamined bytes of the next one do not
    /// count.
    #[inline]
    pub fn is_between_replies(&self) -> bool {
        matches!(self.phase, Phase::Header) && (self.ahead.is_empty() || self.resting)
    }

    /// Whether the unexamined bytes may contain a whole reply.
    #[inline]
    pub fn has_backlog(&self, style: Style) -> bool {
        self.resting && self.ahead.len() >= style.shortest_reply()
    }

    /// Whether everything received has been used.
    #[inline]
    pub fn is_used_up(&self) -> bool {
        self.ahead.is_empty()
    }

    /// How much of a block status payload is still to come.
    pub fn missing_status(&self) -> u64 {
        match &self.phase {
            Phase::Status(part) => part.tail.left,
            _ => 0,
        }
    }

    /// Takes over bytes that were received during the handshake.
    pub fn preload(&mut self, bytes: &[u8]) {
        self.ahead.preload(bytes);
    }

    /// Lets go of a command: nothing more of its reply is used.  Returns
    /// whether the chunk that is arriving is the end of that reply.
    pub fn let_go(&mut self, id: SlotId) -> bool {
        if matches!(&self.phase, Phase::Status(part) if part.tail.id == Some(id)) {
            replies::forget(&mut self.status);
        }
        self.phase.let_go(id)
    }

    /// Memory in use.
    pub fn memory(&self) -> usize {
        self.ahead.memory().saturating_add(self.status.capacity())
    }

    /// Room for the next bytes: first the rest of the payload that is arriving
    /// for a read, if any, then the read-ahead.
    #[inline]
    pub fn room<'a>(
        &'a mut self,
        commands: &'a mut Commands,
        style: Style,
        reach: Reach,
    ) -> [ReceiveVector<'a>; 2] {
        let most = match reach {
            Reach::OneCommandInView => self.most_in_view(style),
            Reach::Everything | Reach::OneCommand => usize::MAX,
        };
        let target = match &self.phase {
            Phase::Data(part) => part
                .tail
                .id
                .and_then(|id| commands.read_buffer(id))
                .map(|buffer| buffer.room(part.at, part.left)),
            _ => None,
        };
        [
            target.unwrap_or(ReceiveVector::EMPTY),
            self.ahead.room(most),
        ]
    }

    /// How much may be read ahead without receiving the end of a reply that
    /// this call does not use: the rest of the current header or payload and,
    /// after a payload, less than the length of the shortest reply.
    fn most_in_view(&self, style: Style) -> usize {
        let behind = style.shortest_reply().saturating_sub(1);
        match &self.phase {
            Phase::Header => {
                let bytes = self.ahead.bytes();
                let needed = match Header::parse(style, bytes) {
                    Parsed::Whole(Header::Chunk(chunk), size) => {
                        size.saturating_add(chunk.lead().unwrap_or(0))
                    }
                    _ => Header::length(style, bytes),
                };
                needed.saturating_sub(bytes.len()).max(1)
            }
            Phase::Data(_) => behind,
            Phase::Status(StatusPart { tail, .. }) | Phase::Skip(tail) => {
                usize::try_from(tail.left)
                    .unwrap_or(usize::MAX)
                    .saturating_add(behind)
            }
        }
    }

    /// Uses the `count` bytes that have been received into the room, and every
    /// complete reply among them.  An error is fatal to the connection.
    #[inline]
    pub fn received(
        &mut self,
        count: usize,
        commands: &mut Commands,
        agreement: &Agreement,
        reach: Reach,
    ) -> Result<()> {
        let mut rest = count;
        if let Phase::Data(part) = &mut self.phase {
            let direct = count.min(part.left);
            if let Some(buffer) = part.tail.id.and_then(|id| commands.read_buffer(id)) {
                buffer.received(part.at, direct);
            }
            part.forward(direct);
            rest = count.saturating_sub(direct);
        }
        self.ahead.received(rest);
        self.process(commands, agreement, reach)
    }

    /// Processes what is there, as far as `reach` allows.
    pub fn process(
        &mut self,
        commands: &mut Commands,
        agreement: &Agreement,
        reach: Reach,
    ) -> Result<()> {
        let ended = commands.ended;
        self.resting = false;
        loop {
            if commands.ended != ended && reach != Reach::Everything {
                self.resting = true;
                return Ok(());
            }
            let next = match &mut self.phase {
                Phase::Header => match self.header(commands, agreement)? {
                    Some(next) => next,
                    None => return Ok(()),
                },
                Phase::Data(part) => {
                    let bytes = self.ahead.bytes();
                    let bytes = bytes.get(..part.left).unwrap_or(bytes);
                    let count = bytes.len();
                    if let Some(buffer) = part.tail.id.and_then(|id| commands.read_buffer(id)) {
                        buffer.put(part.at, bytes);
                    }
                    part.forward(count);
                    self.ahead.consume(count);
                    if part.left > 0 {
                        return Ok(());
                    }
                    replies::finish_data(part, commands);
                    Phase::Header
                }
                Phase::Status(part) => {
                    let bytes = part.tail.cut(self.ahead.bytes());
                    let count = bytes.len();
                    let kept = replies::keep(&mut self.status, bytes);
                    self.ahead.consume(count);
                    if kept && part.tail.left > 0 {
                        return Ok(());
                    }
                    let part = *part;
                    let next = if kept {
                        replies::finish_status(&self.status, part, commands, agreement);
                        Phase::Header
                    } else {
                        replies::out_of_memory(part.tail, commands)
                    };
                    replies::forget(&mut self.status);
                    next
                }
                Phase::Skip(tail) => {
                    let count = tail.cut(self.ahead.bytes()).len();
                    self.ahead.consume(count);
                    if tail.left > 0 {
                        return Ok(());
                    }
                    tail.finish(commands);
                    Phase::Header
                }
            };
            self.phase = next;
        }
    }

    /// Reads a header and the fixed part of its payload; `None` if more bytes
    /// are needed.
    #[inline]
    fn header(&mut self, commands: &mut Commands, agreement: &Agreement) -> Result<Option<Phase>> {
        let bytes = self.ahead.bytes();
        let (header, size) = match Header::parse(agreement.style, bytes) {
            Parsed::Partial => return Ok(None),
            Parsed::Whole(header, size) => (header, size),
            Parsed::BadMagic(magic) => {
                return Err(Error::without_errno(format!(
                    "the server sent an invalid reply: unexpected magic {magic:#x}"
                )));
            }
        };
        let (phase, used) = match header {
            Header::Simple { error, cookie } => (
                replies::simple(error, cookie, commands, agreement.style)?,
                size,
            ),
            Header::Chunk(chunk) => {
                let lead = chunk.lead()?;
                let used = size.saturating_add(lead);
                let Some(lead) = bytes.get(size..used) else {
                    return Ok(None);
                };
                (
                    replies::begin_chunk(&chunk, lead, commands, agreement)?,
                    used,
                )
            }
        };
        commands.statistics.chunks_received.add(1);
        if let Phase::Data(part) = &phase {
            self.ahead.expect_like(part.left);
        }
        self.ahead.consume(used);
        Ok(Some(phase))
    }
}
