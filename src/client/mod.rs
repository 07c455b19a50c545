//! The handle: everything that belongs to one connection.
//!
//! [`Handle`] is the lock and everything that can be read without it;
//! [`Client`] is everything that the lock protects.  The bodies of the public
//! functions (`api`) are built from the methods of `Client`, which are in one
//! file for each topic:
//!
//! * `settings`: the settings made by the caller, and `environment`: those made
//!   by the user;
//! * `connecting`: the ways to connect; `uri` chooses one of them;
//! * `options`: option mode, in which the caller controls the handshake;
//! * `info`: what is known about the server and the export;
//! * `commands`: reading and writing, after the tests of `checks`;
//! * `drive`: the state transitions as data moves, through `handshake` and
//!   `transmission` to the `end`;
//! * `polling`: waiting for the socket;
//! * `limits`: time limits;
//! * `driving`: progress for an event loop that waits for it;
//! * `snapshot`: settings that can be read without the lock.

mod checks;
mod commands;
mod connecting;
pub mod debug;
mod drive;
mod driving;
mod end;
mod environment;
mod handshake;
mod info;
pub mod limits;
mod lock;
mod options;
mod polling;
pub mod settings;
mod snapshot;
pub mod state;
pub mod thread;
mod transmission;
mod uri;

use std::ops::{Deref, DerefMut};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use crate::callback::Completion;
use crate::cancel::Cancel;
use crate::connect::subprocess::Subprocess;
use crate::connect::{Place, Retry};
use crate::error::{Error, Result};
use crate::negotiation::{Config, OptionRequest, Session};
use crate::statistics::Statistics;
use crate::sys;
use crate::transmission::{Remarks, Transmission};

use crate::table::{self, Row, States};
pub use commands::{ABANDON_PENDING, result_of};
use debug::{DebugSink, debug};
pub use driving::Progress;
pub use limits::Limited;
use limits::Limits;
pub use lock::Deadlock;
use lock::{Guard, Lock};
use settings::{Settings, Watched};
use snapshot::Snapshot;
use state::{Published, State};
use thread::Thread;

/// A connection to an NBD server, whether made or still to be made.
///
/// Several threads can use a handle at once; its lock serialises their calls.
/// Dropping the handle closes the connection without notifying the server; see
/// [`Handle::shutdown`].
#[derive(Debug)]
pub struct Handle {
    debug: Arc<DebugSink>,
    statistics: Arc<Statistics>,
    cancel: Arc<Cancel>,
    private_data: AtomicUsize,
    /// The state as it was when the last locked call ended.
    published: AtomicU32,
    snapshot: Snapshot,
    client: Lock<Client>,
}

/// Everything that the lock of a handle protects.
#[derive(Debug)]
pub struct Client {
    pub debug: Arc<DebugSink>,
    statistics: Arc<Statistics>,
    cancel: Arc<Cancel>,
    pub settings: Watched<Settings>,
    pub state: State,
    pub session: Watched<Session>,
    pub transmission: Transmission,
    /// The option that the caller has started, and the result of the last one.
    option: PendingOption,
    subprocess: Option<Subprocess>,
    /// The address of the server, as far as it is known.
    place: Option<Place>,
    /// How long to try to connect if nobody listens, if at all.
    retry: Option<Box<Retry>>,
    /// The caller's settings before a URI changed them.
    before_uri: Option<Box<(Config, crate::transport::tls::Settings)>>,
    /// The caller has obtained the socket or has created it, so it must be
    /// non-blocking whenever the caller may look at it.
    socket_is_known: bool,
    /// The caller watches the socket, so data that has been sent but not
    /// processed must stay visible there.
    socket_is_watched: bool,
    /// The descriptor for the same socket that an event loop watches.
    driven: Option<Arc<OwnedFd>>,
    /// The last receive call returned several replies, so the next ones will
    /// probably arrive before anything waits for them.
    server_is_ahead: bool,
    /// Requests are queued that could have been sent.
    holds_back: bool,
    /// The server no longer reads.  What it sent last is still to be received:
    /// possibly replies, and then the end of the stream.
    server_is_deaf: bool,
    /// The time limits; nothing if there are none.
    limits: Option<Box<Limits>>,
}

/// An option that the caller has started.
#[derive(Debug, Default)]
struct PendingOption {
    /// The request with its closure, and the completion closure, to be freed in
    /// this order.  The conversation shares the request: the caller may rely on
    /// the data of its closure until the completion closure has run, and by
    /// then the conversation is over.
    asked: Option<(Arc<OptionRequest>, Completion)>,
    outcome: Option<Result<usize>>,
}

/// Numbers handles, to name those that the program has not named.
static HANDLES: AtomicUsize = AtomicUsize::new(1);

impl Handle {
    /// Creates a handle that is not connected.
    pub fn new() -> Self {
        let number = HANDLES.fetch_add(1, Ordering::Relaxed);
        // Nearly always there are none.
        let has_variables = sys::has_variable(b"LIBNBD", &[b"_DEBUG=", b"X_"]);
        let wanted = has_variables
            && sys::trusted_variable(c"LIBNBD_DEBUG").is_some_and(|value| value == "1");
        let sink = Arc::new(DebugSink::new(number, wanted));
        let statistics = Arc::<Statistics>::default();
        let cancel = Arc::<Cancel>::default();
        let mut client = Client {
            debug: Arc::clone(&sink),
            statistics: Arc::clone(&statistics),
            cancel: Arc::clone(&cancel),
            settings: Watched::default(),
            state: State::Created,
            session: Watched::default(),
            transmission: Transmission::new(
                Arc::clone(&statistics),
                Arc::clone(&sink) as Arc<dyn Remarks>,
            ),
            option: PendingOption::default(),
            subprocess: None,
            place: None,
            retry: None,
            before_uri: None,
            socket_is_known: false,
            socket_is_watched: false,
            driven: None,
            server_is_ahead: false,
            holds_back: false,
            server_is_deaf: false,
            limits: None,
        };
        thread::with(|thread| {
            let _context = debug::enter(thread, table::create.name);
            debug!(sink, "opening handle");
            if has_variables {
                client.read_environment();
            }
        });
        let snapshot = Snapshot::default();
        snapshot.update(&client.settings, &client.session);
        Self {
            debug: sink,
            statistics,
            cancel,
            private_data: AtomicUsize::new(0),
            published: AtomicU32::new(Published::CREATED.to_bits()),
            snapshot,
            client: Lock::new(client),
        }
    }

    /// Waits until no other thread is inside a call, and takes the lock.  A
    /// callback cannot wait for the call that it runs in.
    #[inline]
    pub(crate) fn lock<'a>(
        &'a self,
        thread: &'a Thread,
    ) -> std::result::Result<Locked<'a>, Deadlock> {
        Ok(Locked {
            // A panic inside a call has already ended the connection.
            client: self.client.lock(thread)?,
            published: &self.published,
            snapshot: &self.snapshot,
        })
    }

    /// What cancels the handle.
    pub(crate) fn cancellation(&self) -> &Cancel {
        &self.cancel
    }

    /// The destination of debug messages.
    pub(crate) fn debug(&self) -> &DebugSink {
        &self.debug
    }

    /// The number that the program has stored in the handle.
    pub(crate) fn private_data(&self) -> usize {
        self.private_data.load(Ordering::SeqCst)
    }

    /// Replaces that number and returns the old one.
    pub(crate) fn replace_private_data(&self, value: usize) -> usize {
        self.private_data.swap(value, Ordering::SeqCst)
    }

    /// The state, as the last locked call left it.
    pub(crate) fn state(&self) -> States {
        self.published_state().states()
    }

    /// Whether requests and replies are complete, so that more can be sent.
    pub(crate) fn is_ready(&self) -> bool {
        let published = self.published_state();
        published.states() == States::CONNECTED && !published.is_processing()
    }

    /// Whether a request or a reply is partly transferred.
    pub(crate) fn is_processing(&self) -> bool {
        let published = self.published_state();
        published.states() == States::CONNECTED && published.is_processing()
    }

    /// The events to poll the socket for.
    pub(crate) fn direction(&self) -> u32 {
        self.published_state().direction()
    }

    /// Counters of what was sent and received.
    pub(crate) fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// Settings, as the last locked call left them.
    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    fn published_state(&self) -> Published {
        Published::from_bits(self.published.load(Ordering::Acquire))
    }
}

impl Default for Handle {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Handle {
    /// Sends nothing: the socket is closed, all commands end, all closures are
    /// freed, and the subprocess is ended.
    fn drop(&mut self) {
        thread::with(|thread| {
            let _context = debug::enter(thread, table::close.name);
            debug!(self.debug, "closing handle");
            self.debug.set_callback(None);
            self.client.get_mut().close();
        });
    }
}

/// The handle's lock, held.
#[derive(Debug)]
pub struct Locked<'a> {
    client: Guard<'a, Client>,
    published: &'a AtomicU32,
    snapshot: &'a Snapshot,
}

impl Deref for Locked<'_> {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

impl Drop for Locked<'_> {
    /// The state that other threads see is updated when the call ends.
    #[inline]
    fn drop(&mut self) {
        let client = &mut *self.client;
        if client.settings.is_touched() || client.session.is_touched() {
            client.settings.untouch();
            client.session.untouch();
            self.snapshot.update(&client.settings, &client.session);
        }
        let now = client.published();
        self.published.store(now.to_bits(), Ordering::Release);
    }
}

impl Client {
    /// Checks whether the table permits this call in the current state.
    #[inline]
    pub fn permit(&self, row: &Row) -> Result<()> {
        if row.states.contains(self.state.states()) {
            return Ok(());
        }
        Err(self.forbidden(row))
    }

    #[cold]
    fn forbidden(&self, row: &Row) -> Error {
        // A thread that has waited for the lock is told why the connection is
        // gone.
        if row.states.intersects(table::OPEN) && !row.states.contains(States::CREATED) {
            if let Some(cause) = self.cancellation() {
                return cause.clone();
            }
        }
        let errno = match self.state {
            State::Created => libc::ENOTCONN,
            _ => libc::EINVAL,
        };
        Error::new(
            errno,
            format!(
                "invalid state: {}: the handle must be {}",
                self.state.label().to_string_lossy(),
                row.states
            ),
        )
    }

    /// Ends the connection, because a panic may have left anything
    /// inconsistent.  All commands end with it: some use memory or closures
    /// that are borrowed only while their caller waits, and no caller waits any
    /// more.
    pub fn panicked(&mut self) -> Error {
        let error = self.break_down(Error::internal());
        self.transmission.retire_done();
        error
    }

    /// Estimate of the memory that the handle uses, in bytes.
    pub fn handle_size(&self) -> usize {
        let parts = [
            size_of::<Handle>(),
            self.transmission.memory(),
            self.state.memory(),
            self.settings.memory(),
            self.uri_memory(),
            self.limits.as_ref().map_or(0, |_| size_of::<Limits>()),
        ];
        parts.into_iter().fold(0, usize::saturating_add)
    }
}

impl Remarks for DebugSink {
    fn remark(&self, text: &dyn Fn() -> String) {
        debug!(self, "{}", text());
    }
}
