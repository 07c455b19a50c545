//! The system calls on sockets, each in a safe function.

use std::ffi::{CStr, CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

use libc::{c_char, c_int, c_short};

use crate::memory::{ReceiveVector, SendVector};

/// The calling thread's errno.
pub fn errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Sets the calling thread's errno.
pub fn set_errno(errno: i32) {
    // SAFETY: the C library returns the address of the thread's own errno.
    let location = unsafe { libc::__errno_location() };
    // SAFETY: as above; it is valid for as long as the thread runs.
    unsafe { *location = errno }
}

/// Turns the C convention of -1 into a result.
pub fn checked(status: c_int) -> io::Result<c_int> {
    if status == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(status)
    }
}

/// As `checked`, for calls that return a count.
fn counted(status: isize) -> io::Result<usize> {
    usize::try_from(status).map_err(|_| io::Error::last_os_error())
}

/// Repeats a call that a signal interrupted.
fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Most vectors in one call; more are left for the next one.
pub const MAX_VECTORS: usize = 64;

const SEND_FLAGS: c_int = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;

const NO_VECTOR: libc::iovec = libc::iovec {
    iov_base: std::ptr::null_mut(),
    iov_len: 0,
};

/// What a receive call does when nothing has arrived yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfNothing {
    /// Says so.
    Return,
    /// Waits for it, if the socket is blocking.
    Wait,
}

/// Receives into the vectors.
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
    let mut vectors = [NO_VECTOR; MAX_VECTORS];
    let count = into.len().min(MAX_VECTORS);
    for (vector, room) in vectors.iter_mut().zip(into) {
        let (start, len) = room.parts();
        *vector = libc::iovec {
            iov_base: start.cast(),
            iov_len: len,
        };
    }
    // SAFETY: all-zero bytes are a valid, empty message header.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = vectors.as_mut_ptr();
    message.msg_iovlen = count;
    uninterrupted(|| {
        // SAFETY: the header names `count` filled vectors of memory that may be
        // written, and nothing else.
        counted(unsafe { libc::recvmsg(fd, &mut message, flags) })
    })
}

/// Sends the vectors in one call that never waits and never raises SIGPIPE.
pub fn send(socket: BorrowedFd, from: &[SendVector<'_>]) -> io::Result<usize> {
    let fd = socket.as_raw_fd();
    if let [only] = from {
        let (start, len) = only.parts();
        return uninterrupted(|| {
            // SAFETY: the vector is memory that may be read.
            counted(unsafe { libc::send(fd, start.cast(), len, SEND_FLAGS) })
        });
    }
    let mut vectors = [NO_VECTOR; MAX_VECTORS];
    let count = from.len().min(MAX_VECTORS);
    for (vector, piece) in vectors.iter_mut().zip(from) {
        let (start, len) = piece.parts();
        *vector = libc::iovec {
            iov_base: start.cast_mut().cast(),
            iov_len: len,
        };
    }
    // SAFETY: all-zero bytes are a valid, empty message header.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = vectors.as_mut_ptr();
    message.msg_iovlen = count;
    uninterrupted(|| {
        // SAFETY: the header names `count` filled vectors of readable memory;
        // the call does not write through them.
        counted(unsafe { libc::sendmsg(fd, &message, SEND_FLAGS) })
    })
}

/// Shuts down the sending side.
pub fn shutdown_write(socket: BorrowedFd) -> io::Result<()> {
    // SAFETY: no memory is involved.
    checked(unsafe { libc::shutdown(socket.as_raw_fd(), libc::SHUT_WR) }).map(drop)
}

/// Lets calls on the socket wait, or not.
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

/// Takes ownership of a descriptor that the caller hands over.
pub fn adopt(fd: RawFd) -> OwnedFd {
    // SAFETY: the caller has just passed ownership of an open descriptor, as
    // the interface of connecting by socket says.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Whether this process has the rights of the administrator.
pub fn is_root() -> bool {
    // SAFETY: needs nothing.
    unsafe { libc::geteuid() == 0 }
}

unsafe extern "C" {
    // Part of POSIX, but not of the crate.
    fn getlogin_r(name: *mut c_char, size: usize) -> c_int;
    // Likewise, but of the C library.
    fn secure_getenv(name: *const c_char) -> *const c_char;
}

/// A variable of the environment, unless the program has more rights than
/// whoever started it and set the variable.
pub fn trusted_variable(name: &CStr) -> Option<OsString> {
    // SAFETY: the name is a string.
    let value = unsafe { secure_getenv(name.as_ptr()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: what the function returns is null or a string, which stays where
    // it is unless the program changes its environment at the same time, and
    // no program with threads may do that.
    let value = unsafe { CStr::from_ptr(value) };
    Some(OsStr::from_bytes(value.to_bytes()).to_owned())
}

/// The name under which the user has logged in at the terminal.
pub fn login_name() -> io::Result<CString> {
    // Longer than any name that Linux allows.
    let mut name = [0u8; 256];
    // SAFETY: `name` may be written, up to its length.
    match unsafe { getlogin_r(name.as_mut_ptr().cast(), name.len()) } {
        0 => Ok(CStr::from_bytes_until_nul(&name)
            .unwrap_or_default()
            .to_owned()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

/// A descriptor to wait for, and what for.
#[derive(Debug, Clone, Copy)]
pub struct Wait {
    /// The descriptor; a negative one is ignored.
    pub fd: RawFd,
    /// POLLIN, POLLOUT or both.
    pub events: c_short,
}

/// Waits for the descriptors; `None` waits for ever.  Answers with what
/// happened to each, or `None` if the time is up.
pub fn poll<const N: usize>(
    waits: [Wait; N],
    timeout: Option<Duration>,
) -> io::Result<Option<[c_short; N]>> {
    let mut fds = waits.map(|wait| libc::pollfd {
        fd: wait.fd,
        events: wait.events,
        revents: 0,
    });
    // A deadline too far away to be counted is as good as none.
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
