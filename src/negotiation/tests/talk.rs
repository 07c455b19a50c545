//! Talks: what the server sends, what the client must reply, and the test bench
//! for the client's conversations.

use std::cell::RefCell;
use std::ffi::CString;
use std::sync::{Arc, Mutex};

use crate::callback;
use crate::error::Error;
use crate::negotiation::line::{Conversation, Line};
use crate::negotiation::{self, Answer, Config, Fault, Next, OptionRequest, Protocol, Session};
use crate::testing::{Dice, Pace, flips};
use crate::{ContextCallback, ListCallback};

pub const ACK: u32 = 1;
pub const SERVER: u32 = 2;
pub const INFO: u32 = 3;
pub const META_CONTEXT: u32 = 4;
pub const UNSUP: u32 = 0x8000_0001;

pub const EXPORT_NAME: u32 = 1;
pub const ABORT: u32 = 2;
pub const LIST: u32 = 3;
pub const OPT_INFO: u32 = 6;
pub const GO: u32 = 7;
pub const STRUCTURED_REPLY: u32 = 8;
pub const LIST_META_CONTEXT: u32 = 9;
pub const SET_META_CONTEXT: u32 = 10;
pub const EXTENDED_HEADERS: u32 = 11;

/// A newstyle greeting.
pub fn greeting(flags: u16) -> Vec<u8> {
    [b"NBDMAGICIHAVEOPT".as_slice(), &flags.to_be_bytes()].concat()
}

/// An option request.
pub fn option(number: u32, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap();
    let numbers = [number.to_be_bytes(), length.to_be_bytes()].concat();
    [b"IHAVEOPT", numbers.as_slice(), data].concat()
}

/// The header of an option reply.
pub fn reply_header(option: u32, kind: u32, length: u32) -> Vec<u8> {
    let numbers = [option, kind, length].map(u32::to_be_bytes).concat();
    [&0x0003_e889_0455_65a9u64.to_be_bytes(), numbers.as_slice()].concat()
}

/// An option reply.
pub fn reply(option: u32, kind: u32, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap();
    [reply_header(option, kind, length), data.to_vec()].concat()
}

/// A string with its length in front.
pub fn counted(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap();
    [&length.to_be_bytes(), text.as_bytes()].concat()
}

/// The data of INFO and GO.
pub fn information_wanted(export: &str, wanted: &[u16]) -> Vec<u8> {
    let count = u16::try_from(wanted.len()).unwrap();
    let wanted = wanted.iter().flat_map(|kind| kind.to_be_bytes());
    let mut data = counted(export);
    data.extend_from_slice(&count.to_be_bytes());
    data.extend(wanted);
    data
}

/// The data of the meta context options.
pub fn queries(export: &str, queries: &[&str]) -> Vec<u8> {
    let count = u32::try_from(queries.len()).unwrap();
    let mut data = counted(export);
    data.extend_from_slice(&count.to_be_bytes());
    data.extend(queries.iter().flat_map(|query| counted(query)));
    data
}

/// A piece of information.
pub fn information(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes(), data].concat()
}

/// Size and transmission flags.
pub fn basics(size: u64, flags: u16) -> Vec<u8> {
    [size.to_be_bytes().as_slice(), &flags.to_be_bytes()].concat()
}

/// Block size constraints.
pub fn block_sizes(minimum: u32, preferred: u32, maximum: u32) -> Vec<u8> {
    [minimum, preferred, maximum].map(u32::to_be_bytes).concat()
}

/// A meta context with its id.
pub fn context(id: u32, name: &str) -> Vec<u8> {
    [&id.to_be_bytes(), name.as_bytes()].concat()
}

/// Config for an export, and nothing but the export.
pub fn plain(export: &str) -> Config {
    Config {
        export_name: CString::new(export).unwrap(),
        structured_replies: false,
        extended_headers: false,
        block_size: false,
        ..Config::default()
    }
}

/// A fixed newstyle session in which nothing has been negotiated.
pub fn fixed() -> Session {
    Session {
        protocol: Some(Protocol::FixedNewstyle),
        handshake_flags: 3,
        ..Session::default()
    }
}

pub fn c_strings(texts: &[&str]) -> Vec<CString> {
    texts.iter().map(|t| CString::new(*t).unwrap()).collect()
}

thread_local! {
    /// What the listeners of this test have been told.
    static FOUND: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn found(text: String) {
    FOUND.with_borrow_mut(|found| found.push(text));
}

/// The list of exports.
pub fn list() -> OptionRequest {
    let listener = ListCallback::new(|name, description| {
        let (name, description) = (name.to_string_lossy(), description.to_string_lossy());
        found(format!("{name}: {description}"));
    });
    OptionRequest::List(listener.into_closure().into())
}

/// The list of meta contexts.
pub fn list_contexts(queries: &[&str]) -> OptionRequest {
    OptionRequest::ListContexts(c_strings(queries), context_listener())
}

/// A selection of meta contexts.
pub fn set_contexts(queries: &[&str]) -> OptionRequest {
    OptionRequest::SetContexts(c_strings(queries), context_listener())
}

fn context_listener() -> Mutex<callback::Context> {
    let listener = ContextCallback::new(|name| found(name.to_string_lossy().into_owned()));
    listener.into_closure().into()
}

/// The outcome of a conversation.
#[derive(Debug)]
pub struct Ended {
    pub answer: Answer<Next>,
    pub session: Session,
    /// What was listed or granted.
    pub found: Vec<String>,
    /// What the client sent.
    pub sent: Vec<u8>,
    /// What the client did not read.
    pub unread: Vec<u8>,
    /// It ended because the server left.
    deserted: bool,
}

impl Ended {
    /// The error with which the client gave up the connection.
    pub fn broken(&self) -> &Error {
        assert!(!self.deserted, "nothing was wrong until the server went");
        match &self.answer {
            Err(Fault::Broken(error)) => error,
            other => panic!("not broken: {other:?}"),
        }
    }

    /// Checks that the server left while the client was waiting for it.
    pub fn must_be_deserted(&self) {
        assert!(self.deserted, "it was over before");
        match &self.answer {
            Err(Fault::Broken(error)) => assert_eq!(error.errno(), 0, "{error}"),
            other => panic!("not broken: {other:?}"),
        }
    }

    /// The reply and the error of a refused option.
    pub fn refused(&self) -> (u32, &Error) {
        match &self.answer {
            Err(Fault::Refused(reply, error)) => (*reply, error),
            other => panic!("not refused: {other:?}"),
        }
    }

    /// The names of the contexts, and whether they are valid.
    pub fn contexts(&self) -> (bool, Vec<(u32, &str)>) {
        let contexts = &self.session.contexts;
        let granted = contexts.granted.iter();
        let granted = granted.map(|c| (c.id, c.name.to_str().unwrap()));
        (contexts.valid, granted.collect())
    }
}

/// A conversation that has begun.
struct Bench {
    line: Line,
    conversation: Conversation<(Session, Answer<Next>)>,
    sent: Vec<u8>,
    ended: Option<Ended>,
    /// How much is sent at a time.
    portion: usize,
    /// Nothing was left to send when the conversation ended.
    said_everything: bool,
}

impl Bench {
    /// Advances the conversation until it waits for the server.
    fn carry_on(&mut self) {
        for _ in 0..1_000_000 {
            if self.ended.is_none() {
                if let Some((session, answer)) = self.conversation.resume() {
                    self.said_everything = !self.line.has_output();
                    self.ended = Some(Ended {
                        answer,
                        session,
                        found: FOUND.take(),
                        sent: Vec::new(),
                        unread: Vec::new(),
                        deserted: false,
                    });
                }
            }
            if !self.line.has_output() {
                return;
            }
            self.send();
        }
        panic!("the client talks without end");
    }

    /// Sends one portion of the client's output.
    fn send(&mut self) {
        let Self {
            line,
            sent,
            portion,
            ..
        } = self;
        let taken = line.drain(|bytes| {
            let bytes = &bytes[..bytes.len().min(*portion)];
            sent.extend_from_slice(bytes);
            Ok::<_, ()>(bytes.len())
        });
        assert!(taken.unwrap() > 0);
    }

    /// The server sends no more.
    fn finish(mut self) -> Ended {
        let deserted = self.ended.is_none();
        self.line.end();
        self.carry_on();
        let mut ended = self.ended.expect("waits for a server that is gone");
        ended.sent = self.sent;
        ended.unread = self.line.take_input();
        ended.deserted = deserted;
        ended
    }
}

/// One line of the script.
#[derive(Debug, Clone)]
enum Turn {
    Server(Vec<u8>),
    Client(Vec<u8>),
}

/// A conversation, and the script by which server and client hold it.
#[derive(Debug, Clone)]
pub struct Talk {
    /// The option; `None` from the greeting on.
    request: Option<Arc<OptionRequest>>,
    config: Config,
    session: Session,
    turns: Vec<Turn>,
}

impl Talk {
    /// From the greeting on.
    pub fn connect(config: Config) -> Self {
        Self::new(None, config, Session::default())
    }

    /// The same, with a fixed newstyle greeting already exchanged.
    pub fn greeted(config: Config) -> Self {
        Self::connect(config)
            .server(greeting(3))
            .client(3u32.to_be_bytes())
    }

    /// One option.
    pub fn about(request: OptionRequest, config: Config, session: Session) -> Self {
        Self::new(Some(request.into()), config, session)
    }

    fn new(request: Option<Arc<OptionRequest>>, config: Config, session: Session) -> Self {
        Self {
            request,
            config,
            session,
            turns: Vec::new(),
        }
    }

    pub fn server(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.turns.push(Turn::Server(bytes.as_ref().to_vec()));
        self
    }

    pub fn client(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.turns.push(Turn::Client(bytes.as_ref().to_vec()));
        self
    }

    /// The client sends an option without data, and gets one reply without.
    pub fn asked(self, number: u32, kind: u32) -> Self {
        self.client(option(number, &[]))
            .server(reply(number, kind, &[]))
    }

    /// Holds the talk in lockstep: the client must send what the script says,
    /// when the script says it.  The result must be the same however the
    /// server's bytes are cut, and there must be a result however they are
    /// corrupted.
    pub fn hold(&self) -> Ended {
        let ended = self.hold_once();
        let stream = self.stream();
        // Long strings are alike in the middle.
        let interesting = |at: &usize| *at < 400 || at + 100 > stream.len() || at % 97 == 0;
        let places = || (0..stream.len()).filter(interesting);
        for pace in places().map(Pace::Cut).chain([Pace::Steps(1)]) {
            let cut = self.run(&stream, pace);
            assert_eq!(format!("{cut:?}"), format!("{ended:?}"), "{pace:?}");
        }
        for len in places() {
            let short = self.run(&stream[..len], Pace::Whole);
            assert!(ended.sent.starts_with(&short.sent), "after {len} bytes");
            match short.answer {
                Err(Fault::Broken(error)) if error.errno() == 0 => {}
                answer => assert_eq!(answer, ended.answer, "after {len} bytes"),
            }
        }
        for (at, spoiled) in places().flat_map(|at| flips(&stream, at)) {
            let whole = self.run(&spoiled, Pace::Whole);
            if stream.len() < 500 {
                let bytewise = self.run(&spoiled, Pace::Steps(1));
                assert_eq!(format!("{bytewise:?}"), format!("{whole:?}"), "byte {at}");
            }
        }
        ended
    }

    /// Holds the talk with a server that replies before the request.  The
    /// client must send the request all the same, because the server would
    /// mistake what it sends next for something else.
    pub fn hold_unasked(&self) {
        let mut bench = self.begin(1);
        bench.line.feed(&self.stream());
        bench.line.end();
        for _ in 0..10_000 {
            if bench.conversation.resume().is_some() {
                assert!(!bench.line.has_output(), "ended with something to say");
                return;
            }
            bench.send();
        }
        panic!("talks without end");
    }

    /// Holds talks with a server that sends random bytes: each must end, and
    /// its end must not depend on how the bytes arrive.
    pub fn hold_spoiled(&self, rounds: u64) {
        let stream = self.stream();
        for seed in 0..rounds {
            let mut dice = Dice(seed);
            let spoiled = dice.spoil(&stream);
            let whole = self.run(&spoiled, Pace::Whole);
            let step = 1 + dice.below(40);
            let stepwise = self.run(&spoiled, Pace::Steps(step));
            assert_eq!(format!("{stepwise:?}"), format!("{whole:?}"), "seed {seed}");
        }
    }

    /// Holds the talk with a server that sends this instead: it must end, and
    /// its end must not depend on how the bytes arrive.
    #[cfg(feature = "fuzzing")]
    pub fn hold_with(&self, stream: &[u8], step: usize) {
        let whole = self.run(stream, Pace::Whole);
        let stepwise = self.run(stream, Pace::Steps(step));
        assert_eq!(format!("{stepwise:?}"), format!("{whole:?}"));
    }

    /// Holds the talk in lockstep, once.
    pub fn hold_once(&self) -> Ended {
        let mut bench = self.begin(usize::MAX);
        let mut heard = 0;
        bench.carry_on();
        for turn in &self.turns {
            match turn {
                Turn::Client(expected) => {
                    let said = &bench.sent[heard..];
                    let said = &said[..said.len().min(expected.len())];
                    assert_eq!(said, expected, "the client says something else");
                    heard += expected.len();
                }
                Turn::Server(bytes) => {
                    assert_eq!(bench.sent[heard..], [0; 0], "the client says more");
                    assert!(bench.ended.is_none(), "it is over: {:?}", bench.ended);
                    for piece in bytes.chunks(4096) {
                        bench.line.feed(piece);
                        bench.carry_on();
                    }
                }
            }
        }
        assert_eq!(bench.sent[heard..], [0; 0], "the client says more");
        assert!(bench.said_everything, "ended with something to say");
        bench.finish()
    }

    /// Everything that the server sends.
    fn stream(&self) -> Vec<u8> {
        let said = self.turns.iter().filter_map(|turn| match turn {
            Turn::Server(bytes) => Some(bytes.as_slice()),
            Turn::Client(_) => None,
        });
        said.collect::<Vec<_>>().concat()
    }

    fn run(&self, stream: &[u8], pace: Pace) -> Ended {
        let portion = pace.longest(0);
        let mut bench = self.begin(portion);
        let mut at = 0;
        bench.carry_on();
        while at < stream.len() {
            let piece = &stream[at..];
            let piece = &piece[..piece.len().min(pace.longest(at))];
            bench.line.feed(piece);
            bench.carry_on();
            at += piece.len();
        }
        bench.finish()
    }

    fn begin(&self, portion: usize) -> Bench {
        FOUND.take();
        let line = Line::new(std::sync::Arc::default());
        let conversation = negotiation::begin(
            line.clone(),
            self.config.clone(),
            self.session.clone(),
            self.request.clone(),
        );
        Bench {
            line,
            conversation,
            sent: Vec::new(),
            ended: None,
            portion,
            said_everything: true,
        }
    }
}
