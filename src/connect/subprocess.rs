//! Starting and ending subprocesses.

use std::ffi::{CStr, CString, c_char, c_int};
use std::io::{self, PipeReader, Read};
use std::iter;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::ptr;
use std::time::{Duration, Instant};

use crate::error::{Error, Escaped, Result};
use crate::transport::sys::{above_stdio, checked, duplicate, trusted_variable};

use super::environment::{Environment, ProcessId};
use super::socket_file::SocketFile;
use super::{program, sys};

/// A server that sees the end of its input finishes within this time, or is
/// asked to.
const GRACE: Duration = Duration::from_secs(10);

/// A server that is asked to finish does so within this time, or is killed.
const GRACE_AFTER_SIGTERM: Duration = Duration::from_secs(5);

/// A server that is killed is gone within this time, or hangs in the kernel.
const GRACE_AFTER_SIGKILL: Duration = Duration::from_secs(5);

/// A subprocess of the handle.
#[derive(Debug)]
pub struct Subprocess {
    pid: libc::pid_t,
    /// Where it listens, if the handle connected to it that way.
    listens: Option<SocketFile>,
}

/// What a program gets from its parent.
pub struct Handed<'a> {
    pub socket: OwnedFd,
    /// The descriptors under which the program finds the socket.
    pub targets: &'a [RawFd],
    /// Without one the program has that of this process.
    pub environment: Option<&'a Environment>,
}

/// Starts a program, and waits until it runs or is known not to.
pub fn launch(argv: &[CString], handed: Handed) -> Result<Subprocess> {
    let failed = |what: &'static str| move |error: io::Error| Error::system(what, &error);
    let paths = program::candidates(argv, trusted_variable(c"PATH").as_deref())?;
    // Above all descriptors that the child replaces or fills.
    let targets = handed.targets.iter().copied();
    let highest = targets.fold(libc::STDERR_FILENO, RawFd::max);
    let least = highest.saturating_add(1);
    let socket = duplicate(&handed.socket, least).map_err(failed("fcntl"))?;
    let (report, reporter) = io::pipe().map_err(failed("pipe"))?;
    let reporter = duplicate(&reporter.into(), least).map_err(failed("fcntl"))?;
    let mut report = PipeReader::from(above_stdio(report.into()).map_err(failed("fcntl"))?);

    // Everything that allocates happens before the fork: in a program with
    // several threads, the child may only make async-signal-safe calls.
    let candidates = pointers(paths.iter().map(CString::as_c_str));
    let argv_pointers = pointers(argv.iter().map(CString::as_c_str));
    // For a script without `#!`: sh, the script, its arguments.
    let mut script = vec![argv_pointers.first().copied().unwrap_or(ptr::null())];
    script.push(ptr::null());
    script.extend(argv_pointers.iter().skip(1));

    let program = argv.first().map_or(c"", CString::as_c_str);
    let complaint = format!("cannot run \"{}\"", Escaped(program.to_bytes()));
    // The server's standard error is where its user looks.
    let message = format!("libnbd: {complaint}\n");

    let mut image = Image {
        socket: socket.as_raw_fd(),
        targets: handed.targets,
        candidates,
        argv: argv_pointers,
        script,
        // The process id, which only the child knows, comes first.
        environment: handed
            .environment
            .map(|it| pointers(iter::once(c"").chain(it.variables()))),
        reporter: reporter.as_raw_fd(),
        message: message.as_bytes(),
    };
    // The child must not run handlers of this program: they would act on what
    // both share, such as a pipe that wakes the main loop.
    let signals = sys::block_signals();
    // SAFETY: the child only calls `run`, which keeps to what is safe there
    // and never returns.
    let pid = checked(unsafe { libc::fork() }).map_err(failed("fork"))?;
    if pid == 0 {
        // SAFETY: this is the child, and the parent's memory is copied whole,
        // so every pointer in the image is as good as it was.
        unsafe { image.run() }
    }
    drop(signals);
    let child = Subprocess { pid, listens: None };
    // A successful exec closes the only other copy, and so ends the report.
    drop(reporter);
    let mut errno = [0; size_of::<c_int>()];
    match report.read_exact(&mut errno) {
        Ok(()) => {
            child.end();
            let errno = c_int::from_ne_bytes(errno);
            Err(Error::new(errno, complaint))
        }
        Err(_) => Ok(child),
    }
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
    /// Arguments for sh, with a place for the path as the second one.
    script: Vec<*const c_char>,
    /// Variables, then a null pointer, with a place for that of the process id
    /// as the first one.  Without it the parent's environment is inherited.
    environment: Option<Vec<*const c_char>>,
    /// Where the errno of a failure goes; closed on exec.
    reporter: RawFd,
    /// What a failure leaves on standard error.
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
            None => unsafe { sys::environ },
        };
        let mut errno = libc::ENOENT;
        for &path in self.candidates.iter().take_while(|path| !path.is_null()) {
            // SAFETY: by the contract of this function.
            unsafe { libc::execve(path, self.argv.as_ptr(), environment) };
            errno = crate::transport::sys::errno();
            if errno == libc::ENOEXEC {
                if let Some(place) = self.script.get_mut(1) {
                    *place = path;
                }
                // SAFETY: as above; `script` ends in the null pointer of argv.
                unsafe { libc::execve(c"/bin/sh".as_ptr(), self.script.as_ptr(), environment) };
                errno = crate::transport::sys::errno();
            }
            // Anything else means that the program is there but cannot be run.
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
/// server would open its disk under one of these numbers, and write its error
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

/// Signals as a new program expects them: none is blocked, whatever the caller
/// had blocked, and SIGPIPE is not ignored, as it may be by the caller.  Exec
/// replaces handlers, but a signal that has waited until now must not find one.
///
/// # Safety
/// As `Image::run`.
unsafe fn default_signals() {
    for signal in 1..=libc::SIGRTMAX() {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: `action` may be written; async-signal-safe.  Zeroes are a
        // valid action, if there is no such signal.
        let handler = unsafe {
            libc::sigaction(signal, ptr::null(), action.as_mut_ptr());
            action.assume_init().sa_sigaction
        };
        let is_ignored = handler == libc::SIG_IGN && signal != libc::SIGPIPE;
        if handler != libc::SIG_DFL && !is_ignored {
            // SAFETY: no memory is involved; async-signal-safe.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
    }
    sys::unblock_signals();
}

impl Subprocess {
    /// The process id.
    pub fn pid(&self) -> i64 {
        self.pid.into()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: c_int) -> io::Result<()> {
        // SAFETY: no memory is involved; the process has not been reaped, so
        // the number is still its own.
        checked(unsafe { libc::kill(self.pid, signal) }).map(drop)
    }

    /// Remembers where the process listens: the socket's file goes with it.
    pub fn listening(mut self, place: SocketFile) -> Self {
        self.listens = Some(place);
        self
    }

    /// The connection is about to be closed.  A server that listens does not
    /// take that for the end, so it is asked to finish.
    pub fn take_leave(&mut self) {
        if let Some(place) = self.listens.take() {
            // Its number may be another's once somebody has reaped it.
            if !self.reap() {
                // A process that cannot be signalled has ended.
                let _ = self.signal(libc::SIGTERM);
            }
            drop(place);
        }
    }

    /// Ends the process, whose input has been closed: a well-behaved server
    /// finishes by itself, the others are asked, and at last killed.  Whether
    /// that worked: one that hangs in the kernel, on a dead disk perhaps, does
    /// not die, and one that runs with the rights of another user may not be
    /// signalled.  Such a process is left to the program, to be reaped or not.
    pub fn end(self) -> bool {
        if self.ended_within(GRACE) {
            return true;
        }
        let signals = [
            (libc::SIGTERM, GRACE_AFTER_SIGTERM),
            (libc::SIGKILL, GRACE_AFTER_SIGKILL),
        ];
        for (signal, grace) in signals {
            let refused = self
                .signal(signal)
                .err()
                .and_then(|error| error.raw_os_error());
            if refused == Some(libc::EPERM) {
                return false;
            }
            if self.ended_within(grace) {
                return true;
            }
        }
        false
    }

    fn ended_within(&self, time: Duration) -> bool {
        let start = Instant::now();
        let mut pause = Duration::from_micros(200);
        while !self.reap() {
            if start.elapsed() >= time {
                return false;
            }
            std::thread::sleep(pause);
            pause = pause.saturating_mul(2).min(Duration::from_millis(20));
        }
        true
    }

    /// Whether the process is gone.
    fn reap(&self) -> bool {
        loop {
            // SAFETY: the status is not wanted, so there is no memory involved.
            let pid = unsafe { libc::waitpid(self.pid, ptr::null_mut(), libc::WNOHANG) };
            match pid {
                0 => return false,
                -1 if crate::transport::sys::errno() == libc::EINTR => {}
                // Ended, or reaped by somebody else.
                _ => return true,
            }
        }
    }
}
