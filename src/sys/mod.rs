//! The system calls, each in a safe function.
//!
//! This is where the library is ported to another system.  What only Linux has
//! is behind `cfg`, next to the plain way that other systems have.

#![allow(unsafe_code, reason = "the system calls stand here")]

pub mod address;
mod connecting;
mod descriptor;
mod process;
mod processor;
mod resolving;
mod signals;
mod socket;
mod spawn;
mod threads;
mod waking;

use std::io;

use libc::c_int;

pub use connecting::*;
pub use process::*;
pub use processor::*;
pub use resolving::*;
pub use signals::*;
pub use socket::*;
pub use spawn::*;
pub use threads::*;
pub use waking::*;

/// The calling thread's errno.
pub fn errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Sets the calling thread's errno.
pub fn set_errno(errno: i32) {
    #[cfg(target_os = "linux")]
    use libc::__errno_location as errno_location;
    #[cfg(not(target_os = "linux"))]
    use libc::__error as errno_location;

    // SAFETY: the C library returns the address of the thread's own errno.
    let location = unsafe { errno_location() };
    // SAFETY: as above; it is valid for as long as the thread runs.
    unsafe { *location = errno }
}

/// Converts the C convention of -1 into a result.
#[inline]
pub fn checked(status: c_int) -> io::Result<c_int> {
    if status == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(status)
    }
}

/// Like `checked`, for calls that return a count.
#[inline]
fn counted(status: isize) -> io::Result<usize> {
    usize::try_from(status).map_err(|_| io::Error::last_os_error())
}

/// A length in the type that the structures of this system have for it: they
/// differ even between the C libraries of Linux.
fn length<T: TryFrom<usize> + Default>(length: usize) -> T {
    T::try_from(length).unwrap_or_default()
}

/// Repeats a call that a signal interrupted.
#[inline]
fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
