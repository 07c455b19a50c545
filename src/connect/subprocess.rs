//! Starting and ending subprocesses.

use std::ffi::{CString, c_char, c_int};
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::transport::sys::checked;

use super::command::pointers;

/// A server that sees the end of its input finishes within this time, or is
/// asked to.
const GRACE: Duration = Duration::from_secs(3);

/// A server that is asked to finish does so within this time, or is killed.
const GRACE_AFTER_SIGTERM: Duration = Duration::from_secs(2);

/// A subprocess of the handle.
#[derive(Debug)]
pub struct Subprocess {
    pid: libc::pid_t,
}

/// What to run.
pub struct Launch<'a> {
    /// The paths to try, in order.
    pub candidates: Vec<CString>,
    /// What the program sees as its arguments.
    pub argv: &'a [CString],
    /// What the program gets as standard input and output.
    pub stdio: OwnedFd,
}

unsafe extern "C" {
    static environ: *const *const c_char;
}

/// Starts a program, and waits until it runs or is known not to.
pub fn launch(launch: &Launch) -> Result<Subprocess> {
    let failed = |what: &'static str| move |error: io::Error| Error::system(what, &error);
    // Below 3 a descriptor would be in the way of standard input and output.
    let stdio = above_stdio(&launch.stdio).map_err(failed("fcntl"))?;
    let (mut report, reporter) = io::pipe().map_err(failed("pipe"))?;

    // Everything that allocates happens before the fork: in a program with
    // several threads, the child may only make async-signal-safe calls.
    let candidates = pointers(launch.candidates.iter().map(CString::as_c_str));
    let argv = pointers(launch.argv.iter().map(CString::as_c_str));
    // For a script without `#!`: sh, the script, its arguments.
    let mut script = vec![argv.first().copied().unwrap_or(std::ptr::null())];
    script.push(std::ptr::null());
    script.extend(argv.iter().skip(1));

    let reporter_fd = reporter.as_raw_fd();
    // SAFETY: the child only calls `run_child`, which keeps to what is safe
    // there and never returns.
    let pid = checked(unsafe { libc::fork() }).map_err(failed("fork"))?;
    if pid == 0 {
        // SAFETY: this is the child; all arrays end in a null pointer and
        // point to strings that the parent's stack and heap still hold.
        unsafe {
            run_child(
                stdio.as_raw_fd(),
                &candidates,
                &argv,
                &mut script,
                reporter_fd,
            )
        }
    }
    let child = Subprocess { pid };
    // A successful exec closes the only other copy, and so ends the report.
    drop(reporter);
    let mut errno = [0; size_of::<c_int>()];
    match report.read_exact(&mut errno) {
        Ok(()) => {
            child.end();
            let errno = c_int::from_ne_bytes(errno);
            let name = launch
                .argv
                .first()
                .map(|name| name.to_bytes().escape_ascii());
            Err(Error::new(
                errno,
                match name {
                    Some(name) => format!("cannot run \"{name}\""),
                    None => String::from("cannot run the command"),
                },
            ))
        }
        Err(_) => Ok(child),
    }
}

/// The child's side of `launch`.
///
/// # Safety
/// Only for a child between fork and exec.  The slices must end in a null
/// pointer; the others must point to strings.  `script` has room for a path as
/// its second element.
unsafe fn run_child(
    stdio: RawFd,
    candidates: &[*const c_char],
    argv: &[*const c_char],
    script: &mut [*const c_char],
    reporter: RawFd,
) -> ! {
    let mut errno = libc::ENOENT;
    // SAFETY: system calls on descriptors that the child owns; each is
    // async-signal-safe.
    unsafe {
        libc::dup2(stdio, libc::STDIN_FILENO);
        libc::dup2(stdio, libc::STDOUT_FILENO);
        // The host may ignore SIGPIPE; a server expects the default.
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
    for &path in candidates.iter().take_while(|path| !path.is_null()) {
        // SAFETY: by the contract of this function.
        unsafe { libc::execve(path, argv.as_ptr(), environ) };
        errno = crate::transport::sys::errno();
        if errno == libc::ENOEXEC {
            if let Some(place) = script.get_mut(1) {
                *place = path;
            }
            // SAFETY: as above; `script` ends in the null pointer of argv.
            unsafe { libc::execve(c"/bin/sh".as_ptr(), script.as_ptr(), environ) };
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
    // SAFETY: `report` is as long as said; `_exit` runs nothing of the parent.
    unsafe {
        libc::write(reporter, report.as_ptr().cast(), report.len());
        libc::_exit(if errno == libc::ENOENT { 127 } else { 126 })
    }
}

/// A duplicate of a descriptor that is not one of the standard ones.
fn above_stdio(fd: &OwnedFd) -> io::Result<OwnedFd> {
    // SAFETY: no memory is involved.
    let copy = checked(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 3) })?;
    // SAFETY: the descriptor has just been created, and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
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

    /// Ends the process, whose input has been closed: a well-behaved server
    /// finishes by itself, the others are asked, and at last killed.
    pub fn end(self) {
        if self.ended_within(GRACE) {
            return;
        }
        // A process that cannot be signalled has ended.
        let _ = self.signal(libc::SIGTERM);
        if self.ended_within(GRACE_AFTER_SIGTERM) {
            return;
        }
        let _ = self.signal(libc::SIGKILL);
        // A killed process ends; there is no one else to hold it up.
        self.reap(0);
    }

    fn ended_within(&self, time: Duration) -> bool {
        let start = Instant::now();
        let mut pause = Duration::from_micros(200);
        while !self.reap(libc::WNOHANG) {
            if start.elapsed() >= time {
                return false;
            }
            std::thread::sleep(pause);
            pause = pause.saturating_mul(2).min(Duration::from_millis(20));
        }
        true
    }

    /// Whether the process is gone.
    fn reap(&self, options: c_int) -> bool {
        loop {
            // SAFETY: the status is not wanted, so there is no memory involved.
            let pid = unsafe { libc::waitpid(self.pid, std::ptr::null_mut(), options) };
            match pid {
                0 => return false,
                -1 if crate::transport::sys::errno() == libc::EINTR => {}
                // Ended, or reaped by somebody else.
                _ => return true,
            }
        }
    }
}
