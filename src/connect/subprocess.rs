//! Starting and ending subprocesses.

use std::ffi::{CString, c_int};
use std::io::{self, PipeReader, Read};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use crate::error::{Error, Escaped, Result};
use crate::sys::{self, Program, above_stdio, duplicate, trusted_variable};

use super::environment::Environment;
use super::program;
use super::socket_file::SocketFile;

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

    let program = argv.first().map_or(c"", CString::as_c_str);
    let complaint = format!("cannot run \"{}\"", Escaped(program.to_bytes()));
    // The server's standard error is where its user looks.
    let message = format!("libnbd: {complaint}\n");

    let pid = sys::start(&Program {
        socket: socket.as_raw_fd(),
        targets: handed.targets,
        paths: &paths,
        argv,
        environment: handed.environment.map(Environment::variables),
        reporter: reporter.as_raw_fd(),
        message: message.as_bytes(),
    })
    .map_err(failed("fork"))?;
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

impl Subprocess {
    /// The process id.
    pub fn pid(&self) -> i64 {
        self.pid.into()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: c_int) -> io::Result<()> {
        // It has not been reaped, so the number is still its own.
        sys::send_signal(self.pid, signal)
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
            if !sys::has_ended(self.pid) {
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
        while !sys::has_ended(self.pid) {
            if start.elapsed() >= time {
                return false;
            }
            std::thread::sleep(pause);
            pause = pause.saturating_mul(2).min(Duration::from_millis(20));
        }
        true
    }
}
