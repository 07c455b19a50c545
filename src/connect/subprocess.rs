//! Servers that are subprocesses: starting and ending them.

use std::ffi::c_int;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::time::{Duration, Instant};

use super::program::{self, Argv};
use super::socket_file::SocketFile;
use crate::error::{Error, Escaped, Result};
use crate::sys::{self, Child, Handed, Program, trusted_variable};

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

/// Runs a command that speaks NBD on its standard input and output.
pub fn run(argv: &Argv) -> Result<(Subprocess, OwnedFd)> {
    let targets: &[RawFd] = &[libc::STDIN_FILENO, libc::STDOUT_FILENO];
    launch(argv, Handed::HalfOfPair { targets }, Child::session)
}

/// Starts a program, waits until it runs or is known not to, and receives what
/// the child has for this process.
pub fn launch<T>(
    argv: &Argv,
    handed: Handed,
    receive: impl FnOnce(&Child) -> io::Result<T>,
) -> Result<(Subprocess, T)> {
    let paths = program::candidates(&argv.program, trusted_variable(c"PATH").as_deref())?;
    let complaint = format!("cannot run \"{}\"", Escaped(argv.program.to_bytes()));
    // The server's standard error is where its user looks.
    let message = format!("libnbd: {complaint}\n");
    let started = sys::start(&Program {
        name: &argv.program,
        arguments: &argv.arguments,
        paths: &paths,
        handed,
        message: message.as_bytes(),
    })
    .map_err(|error| Error::system(complaint.clone(), &error))?;
    let child = Subprocess {
        pid: started.pid(),
        listens: None,
    };
    let outcome = started.outcome().and_then(|()| receive(&started));
    // If the child has a socket for us that could not be received, this is the
    // end of the connection.
    drop(started);
    match outcome {
        Ok(received) => Ok((child, received)),
        Err(error) => {
            child.end();
            Err(Error::system(complaint, &error))
        }
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
