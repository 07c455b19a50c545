//! Commands that the client gives up: a time limit has passed, or the caller has
//! cancelled them.
//!
//! The protocol has no message for this.  So the memory and the closures of the
//! command go back to the caller, and what the server still sends for it is
//! received into nothing.  Until the reply is complete, its cookie is on a list
//! (`Commands::owed`): it is not unknown, and the length of the data in a simple
//! reply depends on the request.  A cookie is never used again anyway.

use std::time::Instant;

use super::Transmission;
use super::sender::is_disconnect;
use super::table::{SlotId, Stage};
use crate::error::Error;
use crate::protocol::request::Command;

/// What became of giving a command up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parting {
    /// The command has ended, for the reason given, or had ended before.
    Ended,
    /// There is no such command.
    Unknown,
    /// A part of the request has been sent, and the rest must follow, or the
    /// server would take what comes next for it.
    Impossible(Error),
}

impl Transmission {
    /// Ends a command before its reply has come, with the errno of `reason`.
    pub fn part_with(&mut self, cookie: u64, reason: Error) -> Parting {
        let table = &self.commands.table;
        let Some(id) = table.find(cookie) else {
            return Parting::Unknown;
        };
        let slot = table.slot(id);
        if slot.stage == Stage::Done {
            return Parting::Ended;
        }
        if is_disconnect(slot) || self.sender.is_sending(table, id) {
            return Parting::Impossible(reason);
        }
        if slot.stage == Stage::Issued && !self.receiver.let_go(id) {
            let data = match self.commands.expected(id) {
                (Command::Read, count) => count,
                _ => 0,
            };
            self.commands.owed.insert(cookie, data);
        }
        self.commands.give_up(id, reason);
        Parting::Ended
    }

    /// Records when the command that was accepted last began.
    pub fn began(&mut self, now: Instant) {
        if let Some(id) = self.commands.table.last(Stage::Queued) {
            self.commands.table.slot_mut(id).began = Some(now);
        }
    }

    /// The command in flight that was accepted first: its cookie, its name, and
    /// when it began if that was recorded.
    pub fn oldest(&self) -> Option<(u64, Command, Option<Instant>)> {
        let id = self.oldest_id()?;
        let slot = self.commands.table.slot(id);
        let (command, _) = self.commands.expected(id);
        Some((slot.cookie, command, slot.began))
    }

    /// Commands are sent in the order in which they were accepted.
    fn oldest_id(&self) -> Option<SlotId> {
        let table = &self.commands.table;
        table.first(Stage::Issued).or(table.first(Stage::Queued))
    }

    /// Whether the server owes anything for what has been sent to it, which
    /// includes the replies to commands that have been given up.
    pub fn awaits_replies(&self) -> bool {
        self.commands.table.len(Stage::Issued) > 0
            || !self.commands.owed.is_empty()
            || !self.receiver.at_boundary()
    }

    /// Commands in flight, and those that have been given up and whose replies
    /// are still to come.
    pub fn outstanding(&self) -> usize {
        self.in_flight().saturating_add(self.commands.owed.len())
    }

    /// Estimate of the memory that the list of owed replies uses, in bytes.
    pub(super) fn memory_of_owed(&self) -> usize {
        let entry = size_of::<(u64, u64)>();
        self.commands.owed.len().saturating_mul(entry)
    }
}
