//! Processes: this one with its owner and environment, and its children.

use std::ffi::{CStr, CString, OsStr, OsString, c_char, c_int};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU8, Ordering};

use super::{checked, errno};

/// Whether this process has the privileges of the administrator.
pub fn is_root() -> bool {
    // SAFETY: needs nothing.
    unsafe { libc::geteuid() == 0 }
}

unsafe extern "C" {
    pub(super) static environ: *const *const c_char;
    // Part of POSIX, but not of the crate.
    fn getlogin_r(name: *mut c_char, size: usize) -> c_int;
    // Likewise, but of the C library.
    fn secure_getenv(name: *const c_char) -> *const c_char;
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

/// Calls `each` with the name and the value of every environment variable whose
/// name begins with `prefix`, unless the program has more privileges than the
/// user who started it.  This goes through the environment once, which is what
/// each variable costs that is asked for by name.
pub fn trusted_variables(prefix: &[u8], mut each: impl FnMut(&[u8], &[u8])) {
    let Some((&first, rest)) = prefix.split_first().filter(|_| !has_privileges()) else {
        return;
    };
    // SAFETY: no program with threads may change its environment while others
    // read it.
    let mut next = unsafe { environ };
    if next.is_null() {
        return;
    }
    loop {
        // SAFETY: the environment is an array of strings that ends in a null
        // pointer, which has not been reached.
        let variable = unsafe { next.read() };
        if variable.is_null() {
            return;
        }
        // SAFETY: the string has at least its terminator.
        if unsafe { variable.read() }.to_ne_bytes() == [first] {
            // SAFETY: as above; it stays where it is meanwhile.
            unsafe { consider(variable, rest, &mut each) };
        }
        // SAFETY: the null pointer has not been reached.
        next = unsafe { next.add(1) };
    }
}

/// Calls `each` with a variable if its name begins with the right byte, which has
/// been seen, and then `rest`.
///
/// # Safety
/// The variable must be a string of at least one byte.
unsafe fn consider(variable: *const c_char, rest: &[u8], each: &mut impl FnMut(&[u8], &[u8])) {
    let is_wanted = (1..).zip(rest).all(|(at, &byte)| {
        // SAFETY: up to the first difference, this is not beyond the
        // terminator, because no name has a NUL.
        let found = unsafe { variable.add(at).read() };
        found.to_ne_bytes() == [byte]
    });
    if !is_wanted {
        return;
    }
    // SAFETY: by the contract of this function.
    let variable = unsafe { CStr::from_ptr(variable) }.to_bytes();
    let mut parts = variable.splitn(2, |&byte| byte == b'=');
    if let (Some(name), Some(value)) = (parts.next(), parts.next()) {
        each(name, value);
    }
}

/// Whether this program has more privileges than the user who started it, which
/// never changes.  Whoever finds out first keeps it, without a lock that
/// another thread's fork might catch.
fn has_privileges() -> bool {
    const UNKNOWN: u8 = 0;
    const NO: u8 = 1;
    const YES: u8 = 2;
    static KNOWN: AtomicU8 = AtomicU8::new(UNKNOWN);
    if KNOWN.load(Ordering::Relaxed) == UNKNOWN {
        // SAFETY: needs nothing.
        let is_secure = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
        KNOWN.store(if is_secure { YES } else { NO }, Ordering::Relaxed);
    }
    KNOWN.load(Ordering::Relaxed) == YES
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
    match unsafe { getlogin_r(name.as_mut_ptr().cast(), name.len()) } {
        0 => Ok(CStr::from_bytes_until_nul(&name)
            .unwrap_or_default()
            .to_owned()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

/// The environment of this process.  It is copied without a lock, which
/// another thread's fork might catch.
pub fn environment() -> Vec<CString> {
    let mut variables = Vec::new();
    // SAFETY: no program with threads may change its environment while others
    // read it.
    let mut next = unsafe { environ };
    // SAFETY: the environment is null, or an array of strings that ends in a
    // null pointer.
    while let Some(variable) = NonNull::new(next.cast_mut()).map(|next| unsafe { next.read() })
        && !variable.is_null()
    {
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
