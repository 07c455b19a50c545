//! The system calls that only TLS needs, each in a safe function.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::sync::LazyLock;

use libc::{c_int, c_void, sigset_t, socklen_t};

use crate::sys::{checked, errno, set_errno};

/// The name of TLS among the protocols that a TCP socket can be given on top.
const TLS: &[u8; 3] = b"tls";

/// Whether the kernel could encrypt what is sent over a socket.  It can do so
/// for TCP; of other sockets it is not even asked, and only once per process.
pub fn kernel_has_tls(socket: BorrowedFd) -> bool {
    static OFFERED: LazyLock<bool> = LazyLock::new(|| offers_tls().unwrap_or(false));
    is_tcp(socket) && *OFFERED
}

fn is_tcp(socket: BorrowedFd) -> bool {
    option(socket, libc::SO_PROTOCOL).is_ok_and(|protocol| protocol == libc::IPPROTO_TCP)
        && option(socket, libc::SO_DOMAIN)
            .is_ok_and(|domain| matches!(domain, libc::AF_INET | libc::AF_INET6))
}

/// Asks a socket that is not connected, for one that is would be changed.
fn offers_tls() -> io::Result<bool> {
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
    // SAFETY: no memory is involved.
    let fd = checked(unsafe { libc::socket(libc::AF_INET, kind, 0) })?;
    // SAFETY: the descriptor is new, so nobody else owns it.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    let name: *const c_void = TLS.as_ptr().cast();
    let length = socklen_t::try_from(TLS.len()).unwrap_or(0);
    // SAFETY: `name` is readable memory of that length.
    let status = checked(unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_ULP,
            name,
            length,
        )
    });
    // It knows TLS if it minds only that there is no connection.
    Ok(match status {
        Ok(_) => true,
        Err(error) => error.raw_os_error() == Some(libc::ENOTCONN),
    })
}

fn option(socket: BorrowedFd, name: c_int) -> io::Result<c_int> {
    let mut value: c_int = 0;
    let mut length = socklen_t::try_from(size_of::<c_int>()).unwrap_or(0);
    // SAFETY: `value` may be written, up to `length`, and so may `length`.
    checked(unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            name,
            (&raw mut value).cast(),
            &raw mut length,
        )
    })?;
    Ok(value)
}

/// Calls a function that writes to a socket and cannot be told not to raise
/// SIGPIPE; returns what it returns, and the errno that it left.
///
/// A SIGPIPE for a write is sent to the thread that writes.  It is kept from
/// arriving while the function runs, and taken back if it came from there: if
/// the write failed with EPIPE, and no SIGPIPE was waiting before, which would
/// be the caller's own.
pub fn without_sigpipe<T>(write: impl FnOnce() -> T) -> (T, c_int) {
    let sigpipe = only_sigpipe();
    let before = block(&sigpipe);
    let is_mine = !(has_sigpipe(&before) && is_pending());
    set_errno(0);
    let result = write();
    let errno = errno();
    if errno == libc::EPIPE && is_mine {
        take_pending(&sigpipe);
    }
    if !has_sigpipe(&before) {
        // SAFETY: `before` is the set of signals that were blocked before.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, ptr::null_mut()) };
    }
    set_errno(errno);
    (result, errno)
}

fn only_sigpipe() -> sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: initialises the set.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: the call before has initialised the set.
    let mut set = unsafe { set.assume_init() };
    // SAFETY: `set` is a set.
    unsafe { libc::sigaddset(&raw mut set, libc::SIGPIPE) };
    set
}

/// Blocks signals in this thread; answers with those that were blocked before.
fn block(signals: &sigset_t) -> sigset_t {
    let mut before = *signals;
    // SAFETY: both are sets, and the second may be written.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, signals, &raw mut before) };
    before
}

fn has_sigpipe(set: &sigset_t) -> bool {
    // SAFETY: `set` is a set.
    unsafe { libc::sigismember(set, libc::SIGPIPE) == 1 }
}

/// Whether a SIGPIPE waits to be delivered.
fn is_pending() -> bool {
    let mut pending = only_sigpipe();
    // SAFETY: the set may be written.
    unsafe { libc::sigpending(&raw mut pending) };
    has_sigpipe(&pending)
}

/// Takes a signal that waits, without waiting for it.
fn take_pending(signals: &sigset_t) {
    let at_once = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    loop {
        // SAFETY: the set and the time are readable; nothing is written.
        let signal = unsafe { libc::sigtimedwait(signals, ptr::null_mut(), &raw const at_once) };
        if signal != -1 || errno() != libc::EINTR {
            return;
        }
    }
}
