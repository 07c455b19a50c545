//! New descriptors that are closed on exec.
//!
//! Most systems create them like that.  On macOS it takes a second call, and a
//! program that another thread starts in between inherits the descriptor.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use libc::c_int;

use super::checked;

/// What a socket does when it has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Blocking,
    NonBlocking,
}

/// A new stream socket.
pub(super) fn stream_socket(family: c_int, mode: Mode) -> io::Result<OwnedFd> {
    #[cfg(not(target_vendor = "apple"))]
    let kind = match mode {
        Mode::Blocking => libc::SOCK_STREAM | libc::SOCK_CLOEXEC,
        Mode::NonBlocking => libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK,
    };
    #[cfg(target_vendor = "apple")]
    let kind = libc::SOCK_STREAM;
    // SAFETY: no memory is involved.
    let fd = checked(unsafe { libc::socket(family, kind, 0) })?;
    // SAFETY: `fd` has just been created, and nobody else owns it.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    #[cfg(target_vendor = "apple")]
    match mode {
        Mode::Blocking => close_on_exec(fd)?,
        Mode::NonBlocking => super::prepare_descriptor(fd)?,
    }
    Ok(socket)
}

/// A new pair of connected sockets.
pub(super) fn socket_pair_of(kind: c_int) -> io::Result<(OwnedFd, OwnedFd)> {
    #[cfg(not(target_vendor = "apple"))]
    let kind = kind | libc::SOCK_CLOEXEC;
    let mut fds = [0; 2];
    // SAFETY: there is room for two descriptors.
    checked(unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, fds.as_mut_ptr()) })?;
    own(fds)
}

/// A new pipe: the end to read from, and the end to write to.
pub(super) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut fds = [0; 2];
    #[cfg(not(target_vendor = "apple"))]
    // SAFETY: there is room for two descriptors.
    checked(unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC) })?;
    #[cfg(target_vendor = "apple")]
    // SAFETY: as above.
    checked(unsafe { libc::pipe(fds.as_mut_ptr()) })?;
    own(fds)
}

/// Makes `to` refer to what `from` refers to; what it referred to is closed.
pub(super) fn duplicate(from: &OwnedFd, to: &OwnedFd) -> io::Result<()> {
    #[cfg(not(target_vendor = "apple"))]
    // SAFETY: no memory is involved, and both descriptors are ours.
    checked(unsafe { libc::dup3(from.as_raw_fd(), to.as_raw_fd(), libc::O_CLOEXEC) })?;
    #[cfg(target_vendor = "apple")]
    {
        // SAFETY: as above.
        checked(unsafe { libc::dup2(from.as_raw_fd(), to.as_raw_fd()) })?;
        close_on_exec(to.as_raw_fd())?;
    }
    Ok(())
}

fn own(fds: [RawFd; 2]) -> io::Result<(OwnedFd, OwnedFd)> {
    // SAFETY: both have just been created, and nobody else owns them.
    let [first, second] = fds.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
    #[cfg(target_vendor = "apple")]
    for fd in fds {
        close_on_exec(fd)?;
    }
    Ok((first, second))
}

/// Has a descriptor closed on exec.
#[cfg(target_vendor = "apple")]
pub(super) fn close_on_exec(fd: RawFd) -> io::Result<()> {
    // SAFETY: no memory is involved.
    checked(unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) }).map(drop)
}
