//! Linux: timerfd and epoll.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::time::Duration;

use crate::sys::{above_stdio, checked, counted};

/// Makes a timer due.  For signal handlers: one system call.
pub fn end_now(fd: RawFd) {
    let at_once = once(Duration::ZERO);
    // SAFETY: `at_once` may be read, and the old setting is not wanted.
    unsafe { libc::timerfd_settime(fd, 0, &raw const at_once, ptr::null_mut()) };
}

/// Creates a timer: a descriptor that is readable when the time is over.
pub fn timer() -> io::Result<OwnedFd> {
    let flags = libc::TFD_CLOEXEC | libc::TFD_NONBLOCK;
    // SAFETY: no memory is involved.
    let fd = checked(unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, flags) })?;
    // SAFETY: `fd` has just been created, and nobody else owns it.
    above_stdio(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Starts a timer.
pub fn set_timer(timer: BorrowedFd, time: Duration) -> io::Result<()> {
    let once = once(time);
    // SAFETY: `once` may be read, and the old setting is not wanted.
    checked(unsafe {
        libc::timerfd_settime(timer.as_raw_fd(), 0, &raw const once, ptr::null_mut())
    })
    .map(drop)
}

/// The setting of a timer that is due once.
#[allow(
    clippy::unnecessary_fallible_conversions,
    clippy::useless_conversion,
    reason = "the types of the fields differ between systems"
)]
fn once(time: Duration) -> libc::itimerspec {
    libc::itimerspec {
        it_interval: libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        },
        it_value: libc::timespec {
            tv_sec: time.as_secs().try_into().unwrap_or(i32::MAX.into()),
            // Zero would stop the timer.
            tv_nsec: match time {
                Duration::ZERO => 1,
                time => time.subsec_nanos().try_into().unwrap_or(1),
            },
        },
    }
}

/// Whether a timer was due and has not been asked since.
pub fn is_due(timer: BorrowedFd) -> io::Result<bool> {
    let mut times = [0; size_of::<u64>()];
    // SAFETY: `times` may be written.
    let read = unsafe { libc::read(timer.as_raw_fd(), times.as_mut_ptr().cast(), times.len()) };
    match counted(read) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}

/// Creates a descriptor that is readable when one of those added to it is ready.
pub fn any_of_several() -> io::Result<OwnedFd> {
    // SAFETY: no memory is involved.
    let fd = checked(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
    // SAFETY: `fd` has just been created, and nobody else owns it.
    above_stdio(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Readable or writable: the constants of the system, whose type differs from that
/// of the field.
const READY: u32 = u32::from_ne_bytes((libc::EPOLLIN | libc::EPOLLOUT).to_ne_bytes());

/// Adds a descriptor, which is ready when it is readable or writable.
pub fn add_to(several: BorrowedFd, fd: BorrowedFd) -> io::Result<()> {
    let mut event = libc::epoll_event {
        events: READY,
        u64: 0,
    };
    control(several, libc::EPOLL_CTL_ADD, fd, &mut event)
}

/// Removes a descriptor.  Closing it is not enough if a forked process has a
/// copy.
pub fn remove_from(several: BorrowedFd, fd: BorrowedFd) -> io::Result<()> {
    let mut unused = libc::epoll_event { events: 0, u64: 0 };
    control(several, libc::EPOLL_CTL_DEL, fd, &mut unused)
}

fn control(
    several: BorrowedFd,
    operation: libc::c_int,
    fd: BorrowedFd,
    event: &mut libc::epoll_event,
) -> io::Result<()> {
    // SAFETY: `event` lives through the call.
    checked(unsafe { libc::epoll_ctl(several.as_raw_fd(), operation, fd.as_raw_fd(), event) })
        .map(drop)
}
