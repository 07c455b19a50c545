//! The commands of a handle: waiting to be sent, in flight, or done.
//!
//! A command lives in a slot from acceptance to retirement.  Slots are reused
//! and linked into lists by number, so nothing is allocated in the steady
//! state, and the cost of a step does not depend on the number of commands.

use std::time::Instant;

use super::request::Request;
use super::status::Reported;
use crate::error::Error;

/// Identifies a slot.  Only the table that owns the slot creates such a value,
/// and slots are never removed, so it is always valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotId(u32);

/// How far a command has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stage {
    /// Waiting to be sent, or partly sent.
    #[default]
    Queued,
    /// Sent, and waiting for its reply.
    Issued,
    /// Complete, until the caller asks for the result.
    Done,
}

/// One command and its state.
#[derive(Debug, Default)]
pub struct Slot {
    pub cookie: u64,
    /// `None` only while the slot is free.
    pub request: Option<Request>,
    pub stage: Stage,
    /// When it was accepted, if that matters to a time limit.  A command
    /// without such a time may have that of an earlier command in this slot.
    pub began: Option<Instant>,
    /// errno of the first failure, or 0.
    pub error: i32,
    /// Why it failed: the server's words, or why the client gave it up.
    pub reason: Option<Box<Error>>,
    /// The reply is complete, but the request is still being sent.
    pub answered: bool,
    /// The meta contexts that the reply has reported so far.
    pub reported: Reported,
    previous: Option<SlotId>,
    next: Option<SlotId>,
}

#[derive(Debug, Default)]
struct List {
    first: Option<SlotId>,
    last: Option<SlotId>,
    len: usize,
}

/// All commands of a handle.
#[derive(Debug, Default)]
pub struct Table {
    slots: Vec<Slot>,
    free: Vec<SlotId>,
    index: Index,
    /// One for each stage.
    lists: [List; 3],
    last_cookie: u64,
}

impl Table {
    /// Accepts a command at the end of the queue, and gives it a cookie.
    #[inline]
    pub fn add(&mut self, request: Request) -> u64 {
        // 2^64 commands are out of reach.
        self.last_cookie = self.last_cookie.saturating_add(1);
        let cookie = self.last_cookie;
        let id = self.free.pop().unwrap_or_else(|| {
            // Commands in flight are limited to INT_MAX.
            let id = SlotId(u32::try_from(self.slots.len()).unwrap_or(u32::MAX));
            self.slots.push(Slot::default());
            id
        });
        let slot = self.slot_mut(id);
        slot.cookie = cookie;
        slot.request = Some(request);
        slot.stage = Stage::Queued;
        slot.error = 0;
        slot.answered = false;
        self.index.insert(cookie, id, &self.slots);
        self.link(id);
        cookie
    }

    /// Moves a command to the end of another list.
    #[inline]
    pub fn advance(&mut self, id: SlotId, stage: Stage) {
        self.unlink(id);
        self.slot_mut(id).stage = stage;
        self.link(id);
    }

    /// Ends a command: frees its closures and its slot.
    #[inline]
    pub fn retire(&mut self, id: SlotId) {
        self.unlink(id);
        self.index.remove(self.slot(id).cookie, &self.slots);
        self.free.push(id);
        let slot = self.slot_mut(id);
        slot.reported = Reported::default();
        slot.reason = None;
        slot.request = None;
    }

    /// The slot of a command that has not retired.
    #[inline]
    pub fn find(&self, cookie: u64) -> Option<SlotId> {
        self.index.find(cookie, &self.slots)
    }

    /// A slot.
    #[inline]
    pub fn slot(&self, id: SlotId) -> &Slot {
        // A SlotId is always valid; see there.
        #[allow(clippy::indexing_slicing)]
        &self.slots[id.0 as usize]
    }

    /// A slot, to change.
    #[inline]
    pub fn slot_mut(&mut self, id: SlotId) -> &mut Slot {
        // As above.
        #[allow(clippy::indexing_slicing)]
        &mut self.slots[id.0 as usize]
    }

    /// The first command of a stage: the oldest queued, the earliest done.
    #[inline]
    pub fn first(&self, stage: Stage) -> Option<SlotId> {
        self.list(stage).first
    }

    /// The last command of a stage: the newest issued.
    pub fn last(&self, stage: Stage) -> Option<SlotId> {
        self.list(stage).last
    }

    /// The command after this one in its stage.
    #[inline]
    pub fn next(&self, id: SlotId) -> Option<SlotId> {
        self.slot(id).next
    }

    /// How many commands a stage has.
    #[inline]
    pub fn len(&self, stage: Stage) -> usize {
        self.list(stage).len
    }

    /// Estimate of the memory in use, in bytes.
    pub fn memory(&self) -> usize {
        let slots = self.slots.capacity().saturating_mul(size_of::<Slot>());
        let free = self.free.capacity().saturating_mul(size_of::<SlotId>());
        slots
            .saturating_add(free)
            .saturating_add(self.index.memory())
    }

    #[inline]
    fn list(&self, stage: Stage) -> &List {
        // There are as many lists as stages.
        #[allow(clippy::indexing_slicing)]
        &self.lists[stage as usize]
    }

    #[inline]
    fn list_mut(&mut self, stage: Stage) -> &mut List {
        // As above.
        #[allow(clippy::indexing_slicing)]
        &mut self.lists[stage as usize]
    }

    #[inline]
    fn link(&mut self, id: SlotId) {
        let stage = self.slot(id).stage;
        let last = self.list(stage).last;
        let slot = self.slot_mut(id);
        slot.previous = last;
        slot.next = None;
        if let Some(last) = last {
            self.slot_mut(last).next = Some(id);
        }
        let list = self.list_mut(stage);
        list.first = list.first.or(Some(id));
        list.last = Some(id);
        list.len = list.len.saturating_add(1);
    }

    #[inline]
    fn unlink(&mut self, id: SlotId) {
        let slot = self.slot(id);
        let (stage, previous, next) = (slot.stage, slot.previous, slot.next);
        match previous {
            Some(previous) => self.slot_mut(previous).next = next,
            None => self.list_mut(stage).first = next,
        }
        match next {
            Some(next) => self.slot_mut(next).previous = previous,
            None => self.list_mut(stage).last = previous,
        }
        let list = self.list_mut(stage);
        list.len = list.len.saturating_sub(1);
    }
}

/// Finds slots by cookie: a hash table with open addressing.
///
/// Cookies count up, so commands that are in flight together have neighbouring
/// cookies.  By their low bits they would occupy different buckets, but in one
/// long row, and removing one of them would mean examining the whole row.
#[derive(Debug, Default)]
struct Index {
    /// A power of two of them, at most half in use.
    buckets: Vec<Option<SlotId>>,
    used: usize,
}

impl Index {
    #[inline]
    fn insert(&mut self, cookie: u64, id: SlotId, slots: &[Slot]) {
        if self.used.saturating_mul(2) >= self.buckets.len() {
            self.grow(slots);
        }
        self.place(cookie, id);
    }

    #[inline]
    fn find(&self, cookie: u64, slots: &[Slot]) -> Option<SlotId> {
        let bucket = self.bucket_of(cookie, slots)?;
        self.buckets.get(bucket).copied().flatten()
    }

    #[inline]
    fn remove(&mut self, cookie: u64, slots: &[Slot]) {
        let Some(mut hole) = self.bucket_of(cookie, slots) else {
            return;
        };
        // Close the hole: move entries into it that would no longer be found
        // from their home bucket.
        let mut bucket = self.after(hole);
        while let Some(id) = self.buckets.get(bucket).copied().flatten() {
            let home = self.home(cookie_of(id, slots));
            let from_home = self.distance(home, bucket);
            if from_home >= self.distance(hole, bucket) {
                self.set(hole, Some(id));
                hole = bucket;
            }
            bucket = self.after(bucket);
        }
        self.set(hole, None);
        self.used = self.used.saturating_sub(1);
    }

    fn memory(&self) -> usize {
        let bucket = size_of::<Option<SlotId>>();
        self.buckets.capacity().saturating_mul(bucket)
    }

    fn grow(&mut self, slots: &[Slot]) {
        let size = self.buckets.len().saturating_mul(2).max(16);
        let old = std::mem::replace(&mut self.buckets, vec![None; size]);
        self.used = 0;
        for id in old.into_iter().flatten() {
            self.place(cookie_of(id, slots), id);
        }
    }

    #[inline]
    fn place(&mut self, cookie: u64, id: SlotId) {
        let mut bucket = self.home(cookie);
        while self.buckets.get(bucket).is_some_and(Option::is_some) {
            bucket = self.after(bucket);
        }
        self.set(bucket, Some(id));
        self.used = self.used.saturating_add(1);
    }

    #[inline]
    fn bucket_of(&self, cookie: u64, slots: &[Slot]) -> Option<usize> {
        let mut bucket = self.home(cookie);
        loop {
            let id = self.buckets.get(bucket).copied().flatten()?;
            if cookie_of(id, slots) == cookie {
                return Some(bucket);
            }
            bucket = self.after(bucket);
        }
    }

    fn set(&mut self, bucket: usize, id: Option<SlotId>) {
        if let Some(place) = self.buckets.get_mut(bucket) {
            *place = id;
        }
    }

    fn mask(&self) -> usize {
        self.buckets.len().wrapping_sub(1)
    }

    /// Fibonacci hashing (Knuth): neighbours end up as far apart as they can.
    // Only the low bits are needed.
    #[allow(clippy::cast_possible_truncation)]
    fn home(&self, cookie: u64) -> usize {
        /// 2^64 divided by the golden ratio.
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        (cookie.wrapping_mul(FACTOR) >> 32) as usize & self.mask()
    }

    fn after(&self, bucket: usize) -> usize {
        bucket.wrapping_add(1) & self.mask()
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & self.mask()
    }
}

fn cookie_of(id: SlotId, slots: &[Slot]) -> u64 {
    slots.get(id.0 as usize).map_or(0, |slot| slot.cookie)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callback::Completion;
    use crate::protocol::request::Command;
    use crate::transmission::request::{Along, CommandFlags, Data};

    fn request() -> Request {
        Request {
            command: Command::Flush,
            flags: CommandFlags(0),
            offset: 0,
            count: 0,
            data: Data::None,
            along: Along::None,
            completion: Completion::none(),
        }
    }

    #[test]
    fn cookies_count_from_one_and_commands_queue_in_order() {
        let mut table = Table::default();
        assert_eq!([table.add(request()), table.add(request())], [1, 2]);
        let first = table.first(Stage::Queued).unwrap();
        assert_eq!(table.slot(first).cookie, 1);
        let second = table.next(first).unwrap();
        assert_eq!(table.slot(second).cookie, 2);
        table.advance(first, Stage::Issued);
        assert_eq!(table.first(Stage::Queued), Some(second));
        assert_eq!(table.len(Stage::Queued), 1);
        assert_eq!(table.len(Stage::Issued), 1);
    }

    #[test]
    fn every_command_is_found_until_it_retires_in_whatever_order() {
        let mut table = Table::default();
        // One command that never retires stands in the way of the others.
        let stubborn = table.add(request());
        for round in 1..200 {
            let cookies: Vec<u64> = (0..round).map(|_| table.add(request())).collect();
            for (at, &cookie) in cookies.iter().enumerate().filter(|(at, _)| at % 3 == 0) {
                let id = table.find(cookie).unwrap();
                assert_eq!(table.slot(id).cookie, cookie, "round {round}, {at}");
                table.retire(id);
            }
            for (at, &cookie) in cookies.iter().enumerate().rev() {
                match table.find(cookie) {
                    None => assert_eq!(at % 3, 0),
                    Some(id) => {
                        assert_eq!(table.slot(id).cookie, cookie);
                        table.retire(id);
                        assert_eq!(table.find(cookie), None);
                    }
                }
            }
            assert!(table.find(stubborn).is_some());
        }
        assert_eq!(table.len(Stage::Queued), 1);
        assert!(table.slots.len() <= 200, "slots are reused");
    }
}
