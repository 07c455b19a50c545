//! Systems on which a timer, or several descriptors, cannot be polled like one.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};
use std::time::Duration;

fn missing<T>() -> io::Result<T> {
    Err(io::Error::from_raw_os_error(libc::ENOTSUP))
}

/// There are no timers.
pub fn end_now(_fd: RawFd) {}

/// Fails.
pub fn timer() -> io::Result<OwnedFd> {
    missing()
}

/// Fails.
pub fn set_timer(_timer: BorrowedFd, _time: Duration) -> io::Result<()> {
    missing()
}

/// Fails.
pub fn is_due(_timer: BorrowedFd) -> io::Result<bool> {
    missing()
}

/// Fails.
pub fn any_of_several() -> io::Result<OwnedFd> {
    missing()
}

/// Fails.
pub fn add_to(_several: BorrowedFd, _fd: BorrowedFd) -> io::Result<()> {
    missing()
}

/// Fails.
pub fn remove_from(_several: BorrowedFd, _fd: BorrowedFd) -> io::Result<()> {
    missing()
}
