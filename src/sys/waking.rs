//! Timers, and descriptors that stand for several others.

use std::os::fd::RawFd;

use super::{errno, set_errno};

#[cfg_attr(target_os = "linux", path = "waking/linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "waking/other.rs")]
mod system;

pub use system::*;

/// Whether this system has what is here.
pub const HAS_TIMERS: bool = cfg!(target_os = "linux");

/// Ends every wait for a descriptor: shuts a socket down, or makes a timer due.
/// For signal handlers: system calls only, and errno is left as it was.
pub fn wake(fd: RawFd) {
    let before = errno();
    // SAFETY: no memory is involved.
    let status = unsafe { libc::shutdown(fd, libc::SHUT_RDWR) };
    if status == -1 && errno() == libc::ENOTSOCK {
        end_now(fd);
    }
    set_errno(before);
}
