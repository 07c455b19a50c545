//! The engine on a test bench: orders go in, bytes come and go, and what
//! happens is recorded.

use std::cell::Cell;
use std::ffi::CString;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use crate::error::{Error, Result};
use crate::flow::{Received, Sent};
use crate::protocol::context::MetaContext;
use crate::protocol::reply::Style;
use crate::protocol::request::Command;
use crate::statistics::Statistics;
use crate::testing::{Pace, STALE};
use crate::transmission::request::{Along, CommandFlags, Data, ReadBuffer, Request};
use crate::transmission::{Agreement, Arrival, Progress, Reach, Remarks, Transmission};

use super::caller::{Event, Log, Memory, Told, Verdict, What, disk_range, fill, take};
use super::replies::Replies;

/// The size of the export in all tests, unless a test says otherwise.
pub const SIZE: u64 = 1 << 40;

/// Which closure a command calls along the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    None,
    Chunks,
    Extents32,
    Extents64,
}

/// A command, and how its closures behave.
#[derive(Debug, Clone)]
pub struct Order {
    pub command: Command,
    pub flags: u16,
    pub offset: u64,
    pub count: u64,
    interest: Interest,
    filter: Option<Vec<u8>>,
    sanitise: bool,
    along: Vec<Verdict>,
    completion: Vec<Verdict>,
}

pub fn order(command: Command, offset: u64, count: u64) -> Order {
    Order {
        command,
        flags: 0,
        offset,
        count,
        interest: Interest::None,
        filter: None,
        sanitise: true,
        along: Vec::new(),
        completion: Vec::new(),
    }
}

pub fn read(offset: u64, count: u64) -> Order {
    order(Command::Read, offset, count)
}

pub fn write(offset: u64, count: u64) -> Order {
    order(Command::Write, offset, count)
}

pub fn flush() -> Order {
    order(Command::Flush, 0, 0)
}

pub fn block_status(offset: u64, count: u64) -> Order {
    order(Command::BlockStatus, offset, count).telling(Interest::Extents64)
}

impl Order {
    pub fn telling(self, interest: Interest) -> Self {
        Self { interest, ..self }
    }

    pub fn flagged(self, flags: u16) -> Self {
        Self { flags, ..self }
    }

    pub fn filtered(self, payload: Vec<u8>) -> Self {
        Self {
            filter: Some(payload),
            ..self
        }
    }

    pub fn unsanitised(self) -> Self {
        Self {
            sanitise: false,
            ..self
        }
    }

    /// What the closure along the way returns, call by call.
    pub fn along(self, verdicts: &[Verdict]) -> Self {
        Self {
            along: verdicts.to_vec(),
            ..self
        }
    }

    /// What the completion closure returns.
    pub fn concluding(self, verdict: Verdict) -> Self {
        Self {
            completion: vec![verdict],
            ..self
        }
    }
}

/// What client and server have negotiated.
#[derive(Debug, Clone)]
pub struct Terms {
    pub style: Style,
    pub contexts: Vec<MetaContext>,
    pub size: Option<u64>,
}

/// Two contexts, and an export of the usual size.
pub fn terms(style: Style) -> Terms {
    let context = |id, name: &str| MetaContext {
        id,
        name: CString::new(name).unwrap().into(),
    };
    Terms {
        style,
        contexts: vec![
            context(7, "base:allocation"),
            context(9, "qemu:dirty-bitmap:b"),
        ],
        size: Some(SIZE),
    }
}

/// One connection, driven by hand.
pub struct Rig {
    pub transmission: Transmission,
    pub statistics: Arc<Statistics>,
    pub sent: Vec<u8>,
    log: Log,
    /// How much of the log has been examined.
    seen: usize,
    remarks: Arc<Heard>,
    told: Vec<Rc<Told>>,
    memory: Vec<Option<Rc<Memory>>>,
    orders: Vec<Order>,
}

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<String>>);

impl Remarks for Heard {
    fn remark(&self, text: &dyn Fn() -> String) {
        self.0.lock().unwrap().push(text());
    }
}

impl Rig {
    pub fn new(terms: Terms) -> Self {
        let mut rig = Self::before_transmission();
        rig.begin(terms, &[]).unwrap();
        rig
    }

    /// With orders that have been sent in full.
    pub fn with(terms: Terms, orders: &[Order]) -> Self {
        let mut rig = Self::new(terms);
        for order in orders {
            rig.submit(order);
        }
        rig.send_all();
        rig
    }

    pub fn before_transmission() -> Self {
        let remarks = Arc::new(Heard::default());
        let statistics = Arc::<Statistics>::default();
        Self {
            transmission: Transmission::new(
                Arc::clone(&statistics),
                Arc::clone(&remarks) as Arc<dyn Remarks>,
            ),
            statistics,
            sent: Vec::new(),
            log: Log::default(),
            seen: 0,
            remarks,
            told: Vec::new(),
            memory: Vec::new(),
            orders: Vec::new(),
        }
    }

    pub fn begin(&mut self, terms: Terms, bytes: &[u8]) -> Result<()> {
        let Terms {
            style,
            contexts,
            size,
        } = terms;
        let agreement = Agreement {
            style,
            contexts,
            size,
        };
        self.transmission.begin(agreement, bytes)
    }

    /// Submits an order.  Reads get memory that is entirely stale, writes get
    /// memory with the contents of the export.
    pub fn submit(&mut self, order: &Order) -> u64 {
        let cookie = u64::try_from(self.orders.len()).unwrap() + 1;
        let count = usize::try_from(order.count);
        let memory = match order.command {
            Command::Read => Some(vec![STALE; count.unwrap()]),
            Command::Write => Some(disk_range(order.offset, count.unwrap())),
            _ => None,
        };
        let memory = memory.map(|bytes| Rc::new(Memory::holding(&bytes)));
        let data = match (order.command, &memory) {
            (Command::Read, Some(memory)) => {
                Data::Read(ReadBuffer::new(memory.lend_mut(), order.sanitise))
            }
            (Command::Write, Some(memory)) => Data::Write(memory.lend()),
            _ => order.filter.clone().map_or(Data::None, Data::Filter),
        };
        let along = self.tell(cookie, &memory, &order.along);
        let completion = self.tell(cookie, &memory, &order.completion);
        let given = self.transmission.submit(Request {
            command: order.command,
            flags: CommandFlags(order.flags),
            offset: order.offset,
            count: order.count,
            data,
            along: match order.interest {
                Interest::None => Along::None,
                Interest::Chunks => Along::Chunk(Told::chunk(&along)),
                Interest::Extents32 => Along::Extents32(Told::extents32(&along)),
                Interest::Extents64 => Along::Extents64(Told::extents64(&along)),
            },
            completion: Told::completion(&completion),
        });
        assert_eq!(given, cookie, "cookies count from one");
        self.memory.push(memory);
        self.orders.push(order.clone());
        cookie
    }

    fn tell(&mut self, cookie: u64, memory: &Option<Rc<Memory>>, verdicts: &[Verdict]) -> Rc<Told> {
        let told = Rc::new(Told {
            cookie,
            log: Rc::clone(&self.log),
            memory: memory.clone(),
            verdicts: verdicts.to_vec(),
            calls: Cell::new(0),
        });
        self.told.push(Rc::clone(&told));
        told
    }

    /// One send call, of which the socket takes `most` bytes; none means that
    /// it blocks.
    pub fn send(&mut self, most: usize) -> Progress {
        let sent = &mut self.sent;
        self.transmission
            .send(|vectors| {
                let taken = take(vectors, most);
                sent.extend_from_slice(&taken);
                Ok(match taken.len() {
                    0 => Sent::Blocked,
                    count => Sent::Bytes(count),
                })
            })
            .unwrap()
    }

    pub fn send_all(&mut self) {
        while self.send(usize::MAX) != Progress::Empty {}
    }

    /// Receives all of `bytes`, in as many calls as it takes.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<()> {
        self.feed(bytes, Pace::Whole)
    }

    pub fn feed(&mut self, bytes: &[u8], pace: Pace) -> Result<()> {
        let mut at = 0;
        while at < bytes.len() {
            let piece = &bytes[at..];
            let piece = &piece[..piece.len().min(pace.longest(at))];
            at += self.receive_once(piece, Reach::Everything)?.0;
        }
        Ok(())
    }

    /// One receive call for which `bytes` are available; returns how many were
    /// taken.
    pub fn receive_once(&mut self, bytes: &[u8], reach: Reach) -> Result<(usize, Arrival)> {
        let mut count = 0;
        let arrival = self.transmission.receive(reach, |vectors| {
            count = fill(vectors, bytes);
            assert!(count > 0, "the engine offers no room");
            Ok(Received::some(count))
        })?;
        Ok((count, arrival))
    }

    /// The errno and the name of a command that is done, which retires it.
    pub fn take_done(&mut self, cookie: u64) -> Option<(i32, &'static str)> {
        let done = self.transmission.take_done(cookie)?;
        Some((done.errno, done.command))
    }

    /// The server closes its side.
    pub fn end(&mut self) -> Result<Arrival> {
        self.transmission
            .receive(Reach::Everything, |_| Ok(Received::End))
    }

    /// Drops the engine with whatever is in progress.
    pub fn drop_transmission(&mut self) {
        let remarks = Arc::clone(&self.remarks) as Arc<dyn Remarks>;
        self.transmission = Transmission::new(Arc::default(), remarks);
    }

    /// What has happened since the last look, in the form of the tables of the
    /// tests.
    pub fn news(&mut self) -> Vec<String> {
        let news: Vec<_> = self.log.borrow()[self.seen..]
            .iter()
            .map(Event::to_string)
            .collect();
        self.seen += news.len();
        news
    }

    pub fn memory_of(&self, cookie: u64) -> Vec<u8> {
        let order = usize::try_from(cookie).unwrap() - 1;
        self.memory[order]
            .as_ref()
            .map(|memory| memory.bytes())
            .unwrap_or_default()
    }

    /// Replies to the orders submitted so far.
    pub fn replies(&self, style: Style) -> Replies {
        Replies::to(style, &self.orders)
    }

    /// Ends the connection as the handle does, asks for every command, drops
    /// everything, and checks what must hold whatever the server sent.
    pub fn finish(mut self, ended: Result<Arrival>) -> Outcome {
        self.transmission.abandon_all(None);
        assert_eq!(self.transmission.in_flight(), 0, "a command was lost");
        let mut results = Vec::new();
        for cookie in (1..).take(self.orders.len()) {
            let done = self.transmission.take_done(cookie);
            results.push(done.map(|done| done.errno));
        }
        assert_eq!(self.transmission.first_done(), None);
        drop(self.transmission);
        let memory: Vec<_> = self
            .memory
            .iter()
            .map(|memory| memory.as_ref().map_or(Vec::new(), |m| m.bytes()))
            .collect();
        let events = self.log.take();
        let mut lives: Vec<Life> = self.orders.iter().map(Life::of).collect();
        for event in &events {
            let order = usize::try_from(event.cookie).unwrap() - 1;
            lives[order].follow(event);
        }
        for ((cookie, life), memory) in (1u64..).zip(lives).zip(&memory) {
            life.check(cookie, memory);
        }
        let remarks = std::mem::take(&mut *self.remarks.0.lock().unwrap());
        Outcome {
            ended,
            events,
            remarks,
            results,
            memory,
        }
    }
}

/// The outcome of a connection.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    pub ended: Result<Arrival>,
    pub events: Vec<Event>,
    pub remarks: Vec<String>,
    /// errno of each command; `None` if its closure retired it.
    pub results: Vec<Option<i32>>,
    pub memory: Vec<Vec<u8>>,
}

impl Outcome {
    pub fn log(&self) -> Vec<String> {
        self.events.iter().map(Event::to_string).collect()
    }

    /// What the first command's callbacks received, without the frees at the
    /// end.
    pub fn told(&self) -> String {
        let first = self.events.iter().filter(|event| event.cookie == 1);
        let told =
            first.filter(|event| !matches!(event.what, What::AlongFreed | What::CompletionFreed));
        let told: Vec<String> = told.map(|event| event.what.to_string()).collect();
        told.join(", ")
    }

    /// Fails if anything differs.  Large buffers are not worth printing.
    pub fn must_be(&self, other: &Self, place: impl Fn() -> String) {
        if self == other {
            return;
        }
        let place = place();
        assert_eq!(self.ended, other.ended, "{place}");
        assert_eq!(self.log(), other.log(), "{place}");
        assert_eq!(self.remarks, other.remarks, "{place}");
        assert_eq!(self.results, other.results, "{place}");
        panic!("{place}: the buffers differ");
    }

    /// The errno that ended the connection; `None` if it ended in order.
    pub fn fatal(&self) -> Option<i32> {
        self.ended.as_ref().err().map(Error::errno)
    }
}

/// The callbacks of one command.
#[derive(Debug)]
struct Life<'a> {
    order: &'a Order,
    completed: Option<i32>,
    /// What the memory contained at completion.
    shown: &'a [u8],
    along_freed: bool,
    freed: bool,
}

impl<'a> Life<'a> {
    fn of(order: &'a Order) -> Self {
        Self {
            order,
            completed: None,
            shown: &[],
            along_freed: false,
            freed: false,
        }
    }

    fn follow(&mut self, event: &'a Event) {
        assert!(!self.freed, "{event}: after everything was freed");
        match &event.what {
            What::Part {
                at, bytes, offset, ..
            } => {
                assert_eq!(self.completed, None, "{event}: after completion");
                let at = u64::try_from(*at).unwrap();
                let end = at + u64::try_from(bytes.len()).unwrap();
                assert_eq!(*offset, self.order.offset + at, "{event}: not at {at}");
                assert!(end <= self.order.count, "{event}: beyond the buffer");
            }
            What::Extents { .. } => {
                assert_eq!(self.completed, None, "{event}: after completion");
            }
            What::Completed(error, memory) => {
                assert_eq!(self.completed, None, "{event}: again");
                self.completed = Some(*error);
                self.shown = memory;
            }
            What::AlongFreed => {
                assert!(self.completed.is_some(), "{event}: before completion");
                assert!(!self.along_freed, "{event}: again");
                self.along_freed = true;
            }
            What::CompletionFreed => self.freed = true,
        }
    }

    fn check(self, cookie: u64, memory: &[u8]) {
        assert!(self.freed, "{cookie}: completion closure not freed");
        if self.order.command == Command::Disconnect {
            assert_eq!(self.completed, None, "a disconnect is never reported");
            return;
        }
        let error = self.completed;
        assert!(error.is_some(), "{cookie}: never completed");
        let told = self.order.interest != Interest::None;
        assert_eq!(self.along_freed, told, "{cookie}: first closure");
        assert!(self.shown == memory, "{cookie}: changed after completion");
        // A caller that asks for it never sees stale memory, and one that is
        // told of success has all of the data.
        if self.order.sanitise || error == Some(0) {
            assert!(!memory.contains(&STALE), "{cookie}: stale memory");
        }
    }
}

/// Orders, and all replies of the server to them.
#[derive(Debug, Clone)]
pub struct Session {
    pub name: &'static str,
    pub terms: Terms,
    pub orders: Vec<Order>,
    pub replies: Vec<u8>,
}

impl Session {
    pub fn new(
        name: &'static str,
        terms: Terms,
        orders: &[Order],
        replies: impl FnOnce(Replies) -> Replies,
    ) -> Self {
        let replies = replies(Replies::to(terms.style, orders)).bytes();
        Self {
            name,
            orders: orders.to_vec(),
            replies,
            terms,
        }
    }

    /// The session with this stream instead of its own.
    pub fn run(&self, stream: &[u8], pace: Pace) -> Outcome {
        let mut rig = Rig::with(self.terms.clone(), &self.orders);
        let ended = match rig.feed(stream, pace) {
            Ok(()) => rig.end(),
            Err(error) => Err(error),
        };
        rig.finish(ended)
    }

    /// The session without errors.  However the replies are cut, the result
    /// must be the same.
    pub fn hold(&self) -> Outcome {
        assert!(!self.replies.contains(&STALE), "would hide stale memory");
        self.hold_at(Pace::all(self.replies.len()))
    }

    /// The session without errors, the same at each of these paces.
    pub fn hold_at(&self, paces: impl Iterator<Item = Pace>) -> Outcome {
        let whole = self.run(&self.replies, Pace::Whole);
        for pace in paces {
            let cut = self.run(&self.replies, pace);
            cut.must_be(&whole, || format!("{}: {pace:?}", self.name));
        }
        whole
    }
}
