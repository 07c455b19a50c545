//! The transmission phase: requests out, replies in.
//!
//! Nothing here performs a system call.  Sending and receiving are passed in
//! as functions, so the tests drive everything from byte strings.

mod commands;
mod coverage;
mod parting;
mod read_ahead;
mod receiver;
mod replies;
pub mod request;
mod sender;
mod status;
mod table;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod tests;

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::flow::{Received, Sent};
use crate::memory::{ReceiveVector, SendVector};
use crate::protocol::reply::Style;
use crate::statistics::Statistics;

use commands::Commands;
pub use commands::Remarks;
pub use parting::Parting;
use receiver::Receiver;
pub use receiver::{Agreement, Reach};
pub use replies::part;
use request::Request;
pub use sender::Progress;
use sender::{Sender, is_disconnect};
use table::{SlotId, Stage};

/// The commands of one connection, on their way out and back.
#[derive(Debug)]
pub struct Transmission {
    commands: Commands,
    sender: Sender,
    receiver: Receiver,
    agreement: Agreement,
    /// A disconnect has been accepted, so no command may follow.
    disconnecting: bool,
    /// It has been sent.
    disconnected: bool,
}

/// The result of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// errno, or 0 for success.
    pub errno: i32,
    /// The name of the command.
    pub command: &'static str,
    /// Why it failed, if more is known than the errno.
    pub reason: Option<Box<Error>>,
}

/// The result of a receive call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Something arrived, and there may be more.
    More,
    /// There is no more for now.
    Drained,
    /// A command has ended, and the call may go no further.  There may be more.
    Ended,
    /// The server has closed the connection, between two replies.
    End,
}

impl Transmission {
    /// No commands, nothing negotiated.
    pub fn new(statistics: Arc<Statistics>, remarks: Arc<dyn Remarks>) -> Self {
        Self {
            commands: Commands::new(statistics, remarks),
            sender: Sender::default(),
            receiver: Receiver::default(),
            agreement: Agreement::default(),
            disconnecting: false,
            disconnected: false,
        }
    }

    /// Begins the transmission phase.  `bytes` were received along with the
    /// end of the handshake; an honest server sends nothing unasked.
    pub fn begin(&mut self, agreement: Agreement, bytes: &[u8]) -> Result<()> {
        self.agreement = agreement.in_order();
        if bytes.is_empty() {
            return Ok(());
        }
        self.receiver.preload(bytes);
        self.go_on(Reach::Everything)
    }

    /// Processes what has been received but not yet examined.
    pub fn go_on(&mut self, reach: Reach) -> Result<()> {
        self.receiver
            .process(&mut self.commands, &self.agreement, reach)
    }

    /// Accepts a command that has passed the checks.
    #[inline]
    pub fn submit(&mut self, request: Request) -> u64 {
        if request.command == crate::protocol::request::Command::Disconnect {
            self.disconnecting = true;
        }
        self.commands.table.add(request)
    }

    /// Sends from the queue as much as one call takes.
    #[inline]
    pub fn send(
        &mut self,
        send: impl FnOnce(&[SendVector<'_>]) -> Result<Sent>,
    ) -> Result<Progress> {
        let Self {
            commands, sender, ..
        } = self;
        let mut issued = Vec::new();
        let statistics = &commands.statistics;
        let mut disconnected = false;
        let progress = sender.send(
            &mut commands.table,
            self.agreement.style == Style::Extended,
            |vectors| {
                let sent = send(vectors)?;
                if let Sent::Bytes(count) = sent {
                    statistics.bytes_sent.add(count);
                }
                Ok(sent)
            },
            |table, id| {
                statistics.chunks_sent.add(1);
                disconnected |= is_disconnect(table.slot(id));
                // Rare, and only then is there a state to keep.
                if table.slot(id).answered {
                    issued.push(id);
                }
            },
        )?;
        self.disconnected |= disconnected;
        commands.sending = if sender.is_midway() {
            commands.table.first(Stage::Queued)
        } else {
            None
        };
        if !issued.is_empty() {
            issued.into_iter().for_each(|id| commands.issued(id));
        }
        Ok(progress)
    }

    /// Receives once, and processes what has arrived, as far as `reach`
    /// allows.  An error is fatal to the connection.
    #[inline]
    pub fn receive(
        &mut self,
        reach: Reach,
        receive: impl FnOnce(&mut [ReceiveVector<'_>]) -> Result<Received>,
    ) -> Result<Arrival> {
        let ended = self.commands.ended;
        let style = self.agreement.style;
        let mut room = self.receiver.room(&mut self.commands, style, reach);
        let vectors = match &mut room {
            [target, ahead] if target.len() == 0 => std::slice::from_mut(ahead),
            both => both,
        };
        match receive(vectors)? {
            Received::Blocked => Ok(Arrival::Drained),
            Received::Bytes { count, drained } => {
                self.commands.statistics.bytes_received.add(count);
                self.receiver
                    .received(count, &mut self.commands, &self.agreement, reach)?;
                Ok(
                    if self.commands.ended != ended && reach != Reach::Everything {
                        Arrival::Ended
                    } else if drained {
                        Arrival::Drained
                    } else {
                        Arrival::More
                    },
                )
            }
            Received::End if self.receiver.at_boundary() && !self.sender.is_midway() => {
                Ok(Arrival::End)
            }
            Received::End => Err(Error::without_errno(
                "the server closed the connection in the middle of a message",
            )),
        }
    }

    /// Whether the server has begun to list many extents and has not finished.
    pub fn awaits_extents(&self) -> bool {
        /// A few will be here soon.
        const MANY: u64 = 512;
        self.receiver.missing_status() > MANY
    }

    /// Ends every command whose reply is missing, because the connection is
    /// gone.  If the client has given it up, this is the reason.
    pub fn abandon_all(&mut self, reason: Option<&Error>) {
        self.sender.abandon();
        self.commands.sending = None;
        self.commands.owed.clear();
        while let Some(id) = self.commands.table.first(Stage::Queued) {
            self.abandon(id, reason);
        }
        while let Some(id) = self.commands.table.last(Stage::Issued) {
            self.abandon(id, reason);
        }
    }

    fn abandon(&mut self, id: SlotId, reason: Option<&Error>) {
        match reason {
            Some(reason) if !is_disconnect(self.commands.table.slot(id)) => {
                self.commands.give_up(id, reason.clone());
            }
            _ => self.commands.abandon(id),
        }
    }

    /// Ends the commands of which nothing has been sent.
    pub fn abandon_unsent(&mut self) {
        let mut next = self.commands.table.first(Stage::Queued);
        while let Some(id) = next {
            next = self.commands.table.next(id);
            if !self.sender.is_sending(&self.commands.table, id)
                && !is_disconnect(self.commands.table.slot(id))
            {
                self.commands.abandon(id);
            }
        }
    }

    /// Frees the commands that have completed but not retired.
    pub fn retire_done(&mut self) {
        while let Some(id) = self.commands.table.first(Stage::Done) {
            self.commands.table.retire(id);
        }
    }

    /// Retires a command that is done, and returns its result.  `None` if the
    /// command is not done or not known.
    pub fn take_done(&mut self, cookie: u64) -> Option<Done> {
        let table = &mut self.commands.table;
        if table.len(Stage::Done) == 0 {
            return None;
        }
        let id = table.find(cookie)?;
        if table.slot(id).stage != Stage::Done {
            return None;
        }
        let errno = table.slot(id).error;
        let reason = table.slot_mut(id).reason.take();
        let (command, _) = self.commands.expected(id);
        self.commands.table.retire(id);
        Some(Done {
            errno,
            command: command.name(),
            reason,
        })
    }

    /// The cookie of the command that has been done for longest.
    pub fn first_done(&self) -> Option<u64> {
        let table = &self.commands.table;
        table.first(Stage::Done).map(|id| table.slot(id).cookie)
    }

    /// Commands that are waiting to be sent or for their reply.
    pub fn in_flight(&self) -> usize {
        let table = &self.commands.table;
        table
            .len(Stage::Queued)
            .saturating_add(table.len(Stage::Issued))
    }

    /// Whether something is waiting to be sent.
    #[inline]
    pub fn has_queue(&self) -> bool {
        self.commands.table.len(Stage::Queued) > 0
    }

    /// Whether no request and no reply is in progress.
    #[inline]
    pub fn is_idle(&self) -> bool {
        !self.has_queue() && self.receiver.is_between_replies()
    }

    /// Whether replies that have been received are still unprocessed.
    #[inline]
    pub fn has_backlog(&self) -> bool {
        self.receiver.has_backlog(self.agreement.style)
    }

    /// Whether everything received has been used.
    pub fn is_used_up(&self) -> bool {
        self.receiver.is_used_up()
    }

    /// Commands that have ended so far.
    #[inline]
    pub fn ended(&self) -> u64 {
        self.commands.ended
    }

    /// Whether a disconnect has been accepted.
    pub fn is_disconnecting(&self) -> bool {
        self.disconnecting
    }

    /// Whether the disconnect has been sent.
    pub fn is_disconnected(&self) -> bool {
        self.disconnected
    }

    /// Estimate of the memory in use, in bytes.
    pub fn memory(&self) -> usize {
        self.commands
            .table
            .memory()
            .saturating_add(self.receiver.memory())
            .saturating_add(self.memory_of_owed())
    }
}
