//! Processes: this one with its owner and environment, and those that it
//! starts.

use std::ffi::{CStr, CString, OsStr, OsString, c_char, c_int};
use std::io;
use std::iter;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::ptr::{self, NonNull};

use super::{block_signals, checked, default_signals, errno};

/// Whether this process has the privileges of the administrator.
pub fn is_root() -> bool {
    // SAFETY: needs nothing.
    unsafe { libc::geteuid() == 0 }
}

unsafe extern "C" {
    static environ: *const *const c_char;
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

/// A program to start.
pub struct Program<'a> {
    /// A descriptor of this process, and those under which the program finds it.
    pub socket: RawFd,
    pub targets: &'a [RawFd],
    /// Where the program may be; the first one that can be run is used.
    pub paths: &'a [CString],
    pub argv: &'a [CString],
    /// Variables, to which the one with the process id is added.  If `None`,
    /// the environment is that of this process.
    pub environment: Option<&'a [CString]>,
    /// Where the errno of a failure is written; closed on exec.
    pub reporter: RawFd,
    /// What to write to standard error on failure.
    pub message: &'a [u8],
}

/// Starts a program.  The child reports whether it can be run.
pub fn start(program: &Program) -> io::Result<libc::pid_t> {
    // Everything that allocates happens before the fork: in a program with
    // several threads, the child may only make async-signal-safe calls.
    let candidates = pointers(program.paths.iter().map(CString::as_c_str));
    let argv = pointers(program.argv.iter().map(CString::as_c_str));
    // For a script without `#!`: sh, the script, its arguments.
    let mut script = vec![argv.first().copied().unwrap_or(ptr::null())];
    script.push(ptr::null());
    script.extend(argv.iter().skip(1));
    let mut image = Image {
        socket: program.socket,
        targets: program.targets,
        candidates,
        argv,
        script,
        // The process id, which only the child knows, comes first.
        environment: program.environment.map(|variables| {
            let variables = variables.iter().map(CString::as_c_str);
            pointers(iter::once(c"").chain(variables))
        }),
        reporter: program.reporter,
        message: program.message,
    };
    // The child must not run signal handlers of this program: they would act on
    // what both share, such as a pipe that wakes the main loop.
    let signals = block_signals();
    // SAFETY: the child only calls `run`, which keeps to what is safe there
    // and never returns.
    let pid = checked(unsafe { libc::fork() })?;
    if pid == 0 {
        // SAFETY: this is the child, and the parent's memory is copied whole,
        // so every pointer in the image is as good as it was.
        unsafe { image.run() }
    }
    drop(signals);
    Ok(pid)
}

/// Pointers to strings, ended by a null pointer, as exec wants them.
fn pointers<'a>(strings: impl Iterator<Item = &'a CStr>) -> Vec<*const c_char> {
    strings.map(CStr::as_ptr).chain([ptr::null()]).collect()
}

/// All that the child needs between fork and exec.
struct Image<'a> {
    socket: RawFd,
    /// The descriptors under which the program finds the socket.
    targets: &'a [RawFd],
    /// Paths, then a null pointer.
    candidates: Vec<*const c_char>,
    /// Arguments, then a null pointer.
    argv: Vec<*const c_char>,
    /// Arguments for sh; the second one is a place for the path.
    script: Vec<*const c_char>,
    /// Variables, then a null pointer; the first one is a place for the process
    /// id.  If `None`, the parent's environment is inherited.
    environment: Option<Vec<*const c_char>>,
    /// Where the errno of a failure is written; closed on exec.
    reporter: RawFd,
    /// What to write to standard error on failure.
    message: &'a [u8],
}

impl Image<'_> {
    /// Becomes the program.
    ///
    /// # Safety
    /// Only for a child between fork and exec; the vectors must be as
    /// described, and what they point to must be strings.
    unsafe fn run(&mut self) -> ! {
        for &target in self.targets {
            // SAFETY: no memory is involved; async-signal-safe.
            unsafe { libc::dup2(self.socket, target) };
        }
        // SAFETY: as above.
        unsafe { fill_stdio() };
        // SAFETY: no thread but this one, which is about to become a program.
        unsafe { default_signals() };
        // SAFETY: as above.
        let process_id = ProcessId::new(unsafe { libc::getpid() });
        let environment = match &mut self.environment {
            Some(variables) => {
                if let Some(place) = variables.first_mut() {
                    *place = process_id.as_ptr();
                }
                variables.as_ptr()
            }
            // SAFETY: the only thread of this process is this one.
            None => unsafe { environ },
        };
        let mut errno = libc::ENOENT;
        for &path in self.candidates.iter().take_while(|path| !path.is_null()) {
            // SAFETY: by the contract of this function.
            unsafe { libc::execve(path, self.argv.as_ptr(), environment) };
            errno = super::errno();
            if errno == libc::ENOEXEC {
                if let Some(place) = self.script.get_mut(1) {
                    *place = path;
                }
                // SAFETY: as above; `script` ends in the null pointer of argv.
                unsafe { libc::execve(c"/bin/sh".as_ptr(), self.script.as_ptr(), environment) };
                errno = super::errno();
            }
            // Any other error means that the program exists but cannot be run.
            if !matches!(
                errno,
                libc::EACCES | libc::ELOOP | libc::ENAMETOOLONG | libc::ENOENT | libc::ENOTDIR
            ) {
                break;
            }
        }
        let report = errno.to_ne_bytes();
        // SAFETY: both buffers are as long as said; `_exit` runs nothing of the parent.
        unsafe {
            libc::write(self.reporter, report.as_ptr().cast(), report.len());
            libc::write(
                libc::STDERR_FILENO,
                self.message.as_ptr().cast(),
                self.message.len(),
            );
            libc::_exit(if errno == libc::ENOENT { 127 } else { 126 })
        }
    }
}

/// Opens those of the first three descriptors that are closed.  Otherwise the
/// server could open its disk as one of these descriptors, and write its error
/// messages to it.
///
/// # Safety
/// As `Image::run`.
unsafe fn fill_stdio() {
    for fd in libc::STDIN_FILENO..=libc::STDERR_FILENO {
        // SAFETY: no memory is involved; async-signal-safe.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } == -1 {
            // SAFETY: as above; the path is a string.  The new descriptor is
            // the lowest that is free: this one.
            unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) };
        }
    }
}

/// The variable with the process id of an activated server.
///
/// It can be created between fork and exec, because it does not allocate.
#[derive(Debug)]
struct ProcessId([u8; ProcessId::ROOM]);

impl ProcessId {
    const NAME: &[u8] = b"LISTEN_PID=";
    /// The name, the digits of any number, and the terminator.
    const ROOM: usize = 32;

    /// The variable for a process.
    fn new(pid: libc::pid_t) -> Self {
        let mut digits = [0; 10];
        let mut rest = pid.unsigned_abs();
        for digit in digits.iter_mut().rev() {
            *digit = b'0'.saturating_add(u8::try_from(rest % 10).unwrap_or(0));
            rest /= 10;
        }
        let significant = digits.iter().skip_while(|&&digit| digit == b'0');
        let mut text = [0; Self::ROOM];
        for (place, byte) in text.iter_mut().zip(Self::NAME.iter().chain(significant)) {
            *place = *byte;
        }
        Self(text)
    }

    /// The variable as a string.
    fn as_ptr(&self) -> *const c_char {
        self.0.as_ptr().cast()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_id_is_written_in_decimal() {
        for pid in [1, 10, 4096, 12_345, i32::MAX] {
            let variable = ProcessId::new(pid);
            let text = CStr::from_bytes_until_nul(&variable.0).unwrap();
            assert_eq!(text.to_str().unwrap(), format!("LISTEN_PID={pid}"));
        }
    }
}
