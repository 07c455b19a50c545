//! Processes: this one with its owner and environment, and its children.

use std::ffi::{CStr, CString, OsStr, OsString, c_char, c_int};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::ptr::{self, NonNull};

use super::{checked, errno};

/// Whether this process has the privileges of the administrator.
pub fn is_root() -> bool {
    // SAFETY: needs nothing.
    unsafe { libc::geteuid() == 0 }
}

/// The size of a name, which FreeBSD counts in another type than POSIX.
#[cfg(not(target_os = "freebsd"))]
type NameSize = usize;
#[cfg(target_os = "freebsd")]
type NameSize = c_int;

unsafe extern "C" {
    #[cfg(not(target_vendor = "apple"))]
    static environ: *const *const c_char;
    // Part of POSIX, but not of the crate.
    fn getlogin_r(name: *mut c_char, size: NameSize) -> c_int;
    // The C library of Linux has the first, those of the BSDs and macOS have the
    // second.
    #[cfg(target_os = "linux")]
    fn secure_getenv(name: *const c_char) -> *const c_char;
    #[cfg(not(target_os = "linux"))]
    fn issetugid() -> c_int;
}

/// As the function that only Linux has.
///
/// # Safety
/// The name must be a string.
#[cfg(not(target_os = "linux"))]
unsafe fn secure_getenv(name: *const c_char) -> *const c_char {
    // SAFETY: needs nothing.
    if unsafe { issetugid() } != 0 {
        return ptr::null();
    }
    // SAFETY: by the contract of this function.
    unsafe { libc::getenv(name) }
}

/// The environment of this process: null, or an array of strings that ends in a
/// null pointer.  Async-signal-safe.
pub(super) fn environment_pointer() -> *const *const c_char {
    // SAFETY: no program with threads may change its environment while others
    // read it.
    #[cfg(not(target_vendor = "apple"))]
    return unsafe { environ };
    // SAFETY: as above; a library of macOS has no access to the variable itself.
    #[cfg(target_vendor = "apple")]
    return unsafe { (*libc::_NSGetEnviron()).cast_const().cast() };
}

/// An environment variable, unless the program has more privileges than the
/// user who started it and set the variable.
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

/// Writes a line, in one piece if possible.  There is nobody to tell if
/// standard error is gone.
pub fn write_to_stderr(mut line: &[u8]) {
    while !line.is_empty() {
        // SAFETY: the line may be read.
        let count = unsafe { libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), line.len()) };
        match usize::try_from(count) {
            Ok(0) => return,
            Ok(count) => line = line.get(count..).unwrap_or_default(),
            Err(_) if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// The name under which the user has logged in at the terminal.
pub fn login_name() -> io::Result<CString> {
    // Longer than any name that Linux allows.
    let mut name = [0u8; 256];
    // SAFETY: `name` may be written, up to its length.
    match unsafe { getlogin_r(name.as_mut_ptr().cast(), super::length(name.len())) } {
        0 => Ok(CStr::from_bytes_until_nul(&name)
            .unwrap_or_default()
            .to_owned()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

/// Whether there is an environment variable that begins with `beginning` and
/// goes on with one of `continuations`, all of which are without a NUL.  Most
/// environments need one look at each variable to say that there is none.
pub fn has_variable(beginning: &[u8], continuations: &[&[u8]]) -> bool {
    let mut next = environment_pointer();
    if next.is_null() {
        return false;
    }
    loop {
        // SAFETY: the environment is an array of strings that ends in a null
        // pointer, which has not been reached.
        let variable = unsafe { next.read() };
        if variable.is_null() {
            return false;
        }
        let has_at = |start: usize, part: &[u8]| {
            part.iter().zip(start..).all(|(&byte, at)| {
                // SAFETY: it is a string.  What stands before has been compared,
                // and its terminator differs from every byte of a part, so
                // nothing after it is read.
                unsafe { *variable.add(at).cast::<u8>() == byte }
            })
        };
        let length = beginning.len();
        if has_at(0, beginning) && continuations.iter().any(|rest| has_at(length, rest)) {
            return true;
        }
        // SAFETY: as above.
        next = unsafe { next.add(1) };
    }
}

/// The environment of this process.  It is copied without a lock, which
/// another thread's fork might catch.
pub fn environment() -> Vec<CString> {
    let mut variables = Vec::new();
    let mut next = environment_pointer();
    // SAFETY: the environment is null, or an array of strings that ends in a
    // null pointer.
    while let Some(variable) = NonNull::new(next.cast_mut()).map(|next| unsafe { next.read() }) {
        if variable.is_null() {
            break;
        }
        // SAFETY: as above.
        variables.push(unsafe { CStr::from_ptr(variable) }.to_owned());
        // SAFETY: the null pointer has not been reached.
        next = unsafe { next.add(1) };
    }
    variables
}

/// Sends a signal to a child that has not been reaped.
pub fn send_signal(pid: libc::pid_t, signal: c_int) -> io::Result<()> {
    // SAFETY: no memory is involved.
    checked(unsafe { libc::kill(pid, signal) }).map(drop)
}

/// Whether a child is gone; if so, it has been reaped.
pub fn has_ended(pid: libc::pid_t) -> bool {
    loop {
        // SAFETY: the status is not wanted, so there is no memory involved.
        match unsafe { libc::waitpid(pid, ptr::null_mut(), libc::WNOHANG) } {
            0 => return false,
            -1 if errno() == libc::EINTR => {}
            // Ended, or reaped by somebody else.
            _ => return true,
        }
    }
}
