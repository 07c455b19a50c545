//! All ways to obtain a connected byte stream.
//!
//! Each way results in a socket that is non-blocking and closed on exec, or in
//! an address to connect to.  For servers that run as a subprocess, see also
//! `sys::spawn`.

pub mod activation;
mod attempt;
mod failure;
mod pause;
mod program;
mod race;
mod seat;
mod socket_file;
pub mod ssh;
pub mod subprocess;

use std::ffi::{CStr, CString, c_int};
use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use crate::cancel::{Cancel, Stoppable};
use crate::error::{Error, Escaped, Result};
use crate::sys::address::{Meaning, SocketAddress};
use crate::sys::{self, Brought, Offered, prepare_descriptor};

use attempt::Attempt;
pub use failure::{Failure, Reason};
pub use pause::{Pause, Retry};
pub use program::Argv;
use race::Race;
pub use seat::Seat;

/// What a handle can connect to.
#[derive(Debug)]
pub enum Target {
    Place(Place),
    /// A socket that is already connected.
    Socket(Socket),
    /// A command that accepts connections on a socket that it inherits.
    Activated(Argv),
}

/// The address of a server.
#[derive(Debug, Clone)]
pub enum Place {
    /// A host and a port, as the caller named them.
    Tcp { host: CString, port: CString },
    /// A socket address.
    Address(SocketAddress),
    /// The standard input and output of a command.
    Command(Argv),
}

impl Place {
    /// A host and a port or service.
    pub fn tcp(host: impl AsRef<CStr>, port: impl AsRef<CStr>) -> Self {
        Self::Tcp {
            host: host.as_ref().to_owned(),
            port: port.as_ref().to_owned(),
        }
    }

    /// The path of a Unix domain socket.
    pub fn unix(path: impl AsRef<CStr>) -> Result<Self> {
        SocketAddress::unix(path.as_ref().to_bytes()).map(Self::Address)
    }

    /// A port of a virtual machine or its host.
    pub fn vsock(cid: u32, port: u32) -> Result<Self> {
        SocketAddress::vsock(cid, port).map(Self::Address)
    }

    /// Estimate of the memory in use besides the value itself, in bytes.
    pub fn memory(&self) -> usize {
        match self {
            Self::Tcp { host, port } => host.count_bytes().saturating_add(port.count_bytes()),
            Self::Command(argv) => argv.memory(),
            Self::Address(_) => 0,
        }
    }
}

/// As messages name it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => {
                write!(
                    f,
                    "{}:{}",
                    Escaped(host.to_bytes()),
                    Escaped(port.to_bytes())
                )
            }
            Self::Command(argv) => write!(f, "\"{}\"", Escaped(argv.program.to_bytes())),
            Self::Address(address) => match address.meaning() {
                Meaning::Internet { host, port } if host.contains(':') => {
                    write!(f, "[{host}]:{port}")
                }
                Meaning::Internet { host, port } => write!(f, "{host}:{port}"),
                Meaning::Unix(path) => write!(f, "{}", Escaped(&path)),
                Meaning::Vsock { cid, port } => write!(f, "vsock {cid}:{port}"),
                Meaning::UnixWithoutPath | Meaning::Unknown => f.write_str("the server"),
            },
        }
    }
}

impl From<Place> for Target {
    fn from(place: Place) -> Self {
        Self::Place(place)
    }
}

/// A connected socket that the caller passes.
#[derive(Debug)]
pub enum Socket {
    /// It is already owned by the library.
    Owned(OwnedFd),
    /// The library owns it once it has been accepted; until then, and if that
    /// fails, the caller keeps ownership.
    Offered(Offered),
}

impl Socket {
    /// Takes ownership of it.
    pub fn take_over(self) -> Result<OwnedFd> {
        let fd = match &self {
            Self::Owned(socket) => socket.as_raw_fd(),
            Self::Offered(offer) => offer.as_raw_fd(),
        };
        let unusable = |error: io::Error| Error::system("the socket cannot be used", &error);
        match sys::look_at(fd).map_err(unusable)? {
            Brought::Connected => {}
            Brought::Listening => {
                let reason = "the socket accepts connections but is not itself connected";
                return Err(Error::new(libc::EINVAL, reason));
            }
            Brought::Unconnected => {
                return Err(Error::new(libc::ENOTCONN, "the socket cannot be used"));
            }
        }
        match self {
            Self::Owned(socket) => prepare_descriptor(fd).map(|()| socket),
            Self::Offered(offer) => offer.accept(),
        }
        .map_err(unusable)
    }
}

/// A connection in progress.
#[derive(Debug)]
pub enum Trying {
    /// One address after the other is tried.
    Attempt(Attempt),
    /// Several are tried at the same time.
    Race(Race),
    /// Nobody listens, and none is tried at the moment.
    Pause(Pause),
}

/// Returns the result of proceeding.
#[derive(Debug)]
pub enum Outcome {
    Connected(Stoppable),
    Trying(Trying),
    /// The pause is over, and it is time to try all addresses again.
    Again(Seat),
}

impl Outcome {
    fn attempting(attempt: Attempt) -> Self {
        Self::Trying(Trying::Attempt(attempt))
    }

    fn running(race: Race) -> Self {
        Self::Trying(Trying::Race(race))
    }
}

impl Trying {
    /// Starts to connect to one of several addresses, of which the next is
    /// started after the delay, or else only when the one before has failed.
    pub fn begin(
        addresses: Vec<SocketAddress>,
        delay: Option<Duration>,
        seat: Seat,
    ) -> std::result::Result<Self, Failure> {
        match delay {
            Some(delay) if addresses.len() > 1 => {
                Race::begin(addresses, delay, seat).map(Self::Race)
            }
            _ => Attempt::begin(addresses, seat).map(Self::Attempt),
        }
    }

    /// The descriptor to wait for.
    pub fn raw_fd(&self) -> RawFd {
        match self {
            Self::Attempt(attempt) => attempt.raw_fd(),
            Self::Race(race) => race.raw_fd(),
            Self::Pause(pause) => pause.raw_fd(),
        }
    }

    /// Name and description of the state.
    pub fn label(&self) -> &'static CStr {
        match self {
            Self::Attempt(_) | Self::Race(_) => c"CONNECT.CONNECTING: connecting to the server",
            Self::Pause(_) => c"CONNECT.PAUSE: nobody listens, waiting to try again",
        }
    }

    /// Whether it becomes readable when there is something to be done, and not
    /// writable.
    pub fn is_awaited_by_reading(&self) -> bool {
        !matches!(self, Self::Attempt(_))
    }

    /// Whether the descriptor stays the same file.
    pub fn is_last(&self) -> bool {
        matches!(self, Self::Attempt(attempt) if attempt.is_last())
    }

    /// Whether there is nothing to wait for.
    pub fn is_connected(&self) -> bool {
        matches!(self, Self::Attempt(attempt) if attempt.is_connected())
    }

    /// Does what there is to be done.
    pub fn proceed(self) -> std::result::Result<Outcome, Failure> {
        match self {
            Self::Attempt(attempt) => attempt.proceed(),
            Self::Race(race) => race.proceed(),
            Self::Pause(pause) => Ok(match pause.proceed() {
                Ok(seat) => Outcome::Again(seat),
                Err(pause) => Outcome::Trying(Self::Pause(pause)),
            }),
        }
    }
}

/// Returns all addresses of a TCP server, or those of one family.  This blocks
/// while names are resolved, until the deadline if there is one: then the result
/// is `None`.  The wait for the deadline ends early if the handle is cancelled.
pub fn resolve(
    host: &CStr,
    port: &CStr,
    family: c_int,
    cancel: &Cancel,
    deadline: Option<Instant>,
) -> Option<std::result::Result<Vec<SocketAddress>, sys::Unresolved>> {
    match deadline {
        None => Some(sys::resolve(host, port, family)),
        Some(deadline) => sys::resolve_until(host, port, family, |ours| {
            let _watch = cancel.watch(ours);
            if !cancel.is_requested() {
                sys::wait_for_end(ours, deadline);
            }
        }),
    }
}
