//! The system calls on sockets, each in a safe function.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use libc::{c_int, c_short};

use super::{checked, counted, length, uninterrupted};
use crate::memory::{ReceiveVector, SendVector};

/// The maximum number of vectors in one call; the rest is left for the next
/// one.
pub const MAX_VECTORS: usize = 64;

const SEND_FLAGS: c_int = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;

/// What a receive call does when nothing has arrived yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfNothing {
    /// Returns immediately.
    Return,
    /// Waits for data, if the socket is blocking.
    Wait,
}

/// Receives into the vectors.
#[inline]
pub fn receive(
    socket: BorrowedFd,
    into: &mut [ReceiveVector<'_>],
    if_nothing: IfNothing,
) -> io::Result<usize> {
    let fd = socket.as_raw_fd();
    let flags = match if_nothing {
        IfNothing::Return => libc::MSG_DONTWAIT,
        IfNothing::Wait => 0,
    };
    if let [only] = into {
        let (start, len) = only.parts();
        return uninterrupted(|| {
            // SAFETY: the vector is memory that may be written.
            counted(unsafe { libc::recv(fd, start.cast(), len, flags) })
        });
    }
    // SAFETY: all-zero bytes are a valid, empty message header.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    // The vectors have this layout (see `memory`).
    message.msg_iov = into.as_mut_ptr().cast();
    message.msg_iovlen = length(into.len().min(MAX_VECTORS));
    uninterrupted(|| {
        // SAFETY: the header names at least as many vectors as it counts, of
        // memory that may be written, and nothing else.
        counted(unsafe { libc::recvmsg(fd, &mut message, flags) })
    })
}

/// Sends the vectors in one call that never waits and never raises SIGPIPE.
#[inline]
pub fn send(socket: BorrowedFd, from: &[SendVector<'_>]) -> io::Result<usize> {
    let fd = socket.as_raw_fd();
    if let [only] = from {
        let (start, len) = only.parts();
        return uninterrupted(|| {
            // SAFETY: the vector is memory that may be read.
            counted(unsafe { libc::send(fd, start.cast(), len, SEND_FLAGS) })
        });
    }
    // SAFETY: all-zero bytes are a valid, empty message header.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    // The vectors have this layout (see `memory`).
    message.msg_iov = from.as_ptr().cast_mut().cast();
    message.msg_iovlen = length(from.len().min(MAX_VECTORS));
    uninterrupted(|| {
        // SAFETY: the header names at least as many vectors as it counts, of
        // readable memory; the call does not write to them or through them.
        counted(unsafe { libc::sendmsg(fd, &message, SEND_FLAGS) })
    })
}

/// Shuts down the sending side.
pub fn shutdown_write(socket: BorrowedFd) -> io::Result<()> {
    // SAFETY: no memory is involved.
    checked(unsafe { libc::shutdown(socket.as_raw_fd(), libc::SHUT_WR) }).map(drop)
}

/// Shuts down both sides, which everybody who watches the socket can see.
pub fn shutdown_both(socket: &OwnedFd) -> io::Result<()> {
    // SAFETY: no memory is involved.
    checked(unsafe { libc::shutdown(socket.as_raw_fd(), libc::SHUT_RDWR) }).map(drop)
}

/// Another descriptor for the same file, closed on exec.
pub fn duplicate(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: no memory is involved.
    let copy = checked(unsafe {
        libc::fcntl(
            fd,
            libc::F_DUPFD_CLOEXEC,
            libc::STDERR_FILENO.saturating_add(1),
        )
    })?;
    // SAFETY: the descriptor has just been created, and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Switches the blocking mode of the socket.
pub fn set_blocking(socket: BorrowedFd, blocking: bool) -> io::Result<()> {
    let non_blocking = c_int::from(!blocking);
    // SAFETY: the call reads one integer.
    checked(unsafe { libc::ioctl(socket.as_raw_fd(), libc::FIONBIO, &non_blocking) }).map(drop)
}

/// Makes a descriptor non-blocking and closed on exec.
pub fn prepare_descriptor(fd: RawFd) -> io::Result<()> {
    // SAFETY: no memory is involved.
    let status = checked(unsafe { libc::fcntl(fd, libc::F_GETFL) })?;
    // SAFETY: as above.
    checked(unsafe { libc::fcntl(fd, libc::F_SETFL, status | libc::O_NONBLOCK) })?;
    // SAFETY: as above.
    let flags = checked(unsafe { libc::fcntl(fd, libc::F_GETFD) })?;
    // SAFETY: as above.
    checked(unsafe { libc::fcntl(fd, libc::F_SETFD, flags | libc::FD_CLOEXEC) })?;
    Ok(())
}

/// Moves a new descriptor up if it is one of the first three.  A program that
/// has closed those may still use them, and what it writes to standard error
/// must not end up in one of our sockets.
///
/// (A file that is only read and then closed may have such a number: writing to
/// it fails, as it does while the number is free.)
pub fn above_stdio(fd: OwnedFd) -> io::Result<OwnedFd> {
    above(libc::STDERR_FILENO, fd)
}

/// Moves a descriptor up unless its number is above another.  It is then closed
/// on exec.
pub fn above(lower: RawFd, fd: OwnedFd) -> io::Result<OwnedFd> {
    if fd.as_raw_fd() > lower {
        return Ok(fd);
    }
    let least = lower.saturating_add(1);
    // SAFETY: no memory is involved.
    let copy = checked(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, least) })?;
    // SAFETY: the descriptor has just been created, and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// A descriptor that a caller offers, if it is one at all.
#[derive(Debug)]
pub struct Offered(RawFd);

impl Offered {
    /// # Safety
    /// If the descriptor is open, it is the caller's, who leaves it to whoever
    /// accepts the offer.
    pub unsafe fn new(fd: RawFd) -> Self {
        Self(fd)
    }

    /// Takes ownership of the descriptor, which is non-blocking and closed on
    /// exec from now on.  The error says that there is none.
    pub fn accept(self) -> io::Result<OwnedFd> {
        prepare_descriptor(self.0)?;
        // SAFETY: it is open, or could not have been prepared, and is the
        // caller's to give, by the contract of `new`.
        Ok(unsafe { OwnedFd::from_raw_fd(self.0) })
    }
}

impl AsRawFd for Offered {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

/// A descriptor, and the events to wait for.
#[derive(Debug, Clone, Copy)]
pub struct Wait {
    /// The descriptor; a negative one is ignored.
    pub fd: RawFd,
    /// POLLIN, POLLOUT or both.
    pub events: c_short,
}

/// Waits for the descriptors; without a timeout, waits forever.  Returns the
/// events of each, or `None` if the time is up.
pub fn poll<const N: usize>(
    waits: [Wait; N],
    timeout: Option<Duration>,
) -> io::Result<Option<[c_short; N]>> {
    let mut fds = waits.map(|wait| libc::pollfd {
        fd: wait.fd,
        events: wait.events,
        revents: 0,
    });
    // A deadline too far away to be represented is like none.
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let count = libc::nfds_t::try_from(N).unwrap_or(libc::nfds_t::MAX);
    loop {
        let wait = match (timeout, deadline) {
            (Some(timeout), _) if timeout.is_zero() => 0,
            (_, Some(deadline)) => {
                let left = deadline.saturating_duration_since(Instant::now());
                // Rounded up: waking early would only mean waiting again.
                let left = left.saturating_add(Duration::from_nanos(999_999));
                c_int::try_from(left.as_millis()).unwrap_or(c_int::MAX)
            }
            (_, None) => -1,
        };
        // SAFETY: `fds` holds `count` entries.
        match checked(unsafe { libc::poll(fds.as_mut_ptr(), count, wait) }) {
            Ok(0) => return Ok(None),
            Ok(_) => return Ok(Some(fds.map(|fd| fd.revents))),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
