//! Servers that are subprocesses: starting and ending them.

use std::ffi::c_int;
use std::io;
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use super::program::{self, Argv};
use super::socket_file::SocketFile;
use crate::cancel::Cancel;
use crate::error::{Error, Escaped, Result};
use crate::sys::{self, Child, Handed, Program, trusted_variable};

/// A server that sees the end of its input has this much time to exit before it
/// is sent SIGTERM.
const GRACE: Duration = Duration::from_secs(10);

/// A server that has been sent SIGTERM has this much time to exit before it is
/// killed.
const GRACE_AFTER_SIGTERM: Duration = Duration::from_secs(5);

/// The same, if the handle has been cancelled while the server was started.
const BRIEF_GRACE_AFTER_SIGTERM: Duration = Duration::from_millis(100);

/// A server that has been killed and has not exited within this time hangs in
/// the kernel.
const GRACE_AFTER_SIGKILL: Duration = Duration::from_secs(5);

/// The same for a process that has not become a program in time.
const GRACE_AFTER_DEADLINE: Duration = Duration::from_secs(1);

/// A subprocess of the handle.
#[derive(Debug)]
pub struct Subprocess {
    pid: libc::pid_t,
    /// The address where it listens, if the handle connected to it that way.
    listens: Option<SocketFile>,
}

/// Runs a command that speaks NBD on its standard input and output.  It has to
/// start before the deadline.
pub fn run(
    argv: &Argv,
    cancel: &Cancel,
    deadline: Option<Instant>,
) -> Result<(Subprocess, OwnedFd)> {
    let targets: &[RawFd] = &[libc::STDIN_FILENO, libc::STDOUT_FILENO];
    launch(
        argv,
        Handed::HalfOfPair { targets },
        cancel,
        deadline,
        Child::session,
    )
}

/// Starts a program, waits until it runs or has failed to start or the handle is
/// cancelled, and receives the socket that the child may send to this process.
/// If the deadline comes first, this fails with `ETIMEDOUT`.
pub fn launch<T>(
    argv: &Argv,
    handed: Handed,
    cancel: &Cancel,
    deadline: Option<Instant>,
    receive: impl FnOnce(&Child) -> io::Result<T>,
) -> Result<(Subprocess, T)> {
    let paths = program::candidates(&argv.program, trusted_variable(c"PATH").as_deref())?;
    let complaint = format!("cannot run \"{}\"", Escaped(argv.program.to_bytes()));
    // The failure is also written to the server's standard error, where the
    // user looks for messages.
    let message = format!("libnbd: {complaint}\n");
    let listens = matches!(handed, Handed::Listener { .. });
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
    let watch = cancel.watch(started.as_fd());
    let outcome = started
        .outcome(|| cancel.is_requested(), deadline)
        .and_then(|()| receive(&started));
    drop(watch);
    // If a socket from the child could not be received, this ends the
    // connection.  A listening server does not notice.
    drop(started);
    match outcome {
        Ok(received) => Ok((child, received)),
        Err(error) => {
            if cancel.is_requested() {
                child.end_soon();
            } else if error.raw_os_error() == Some(libc::ETIMEDOUT) {
                child.kill();
            } else {
                if listens {
                    child.ask_to_exit();
                }
                child.end();
            }
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
        // It has not been reaped, so the process id still belongs to it.
        sys::send_signal(self.pid, signal)
    }

    /// Stores the address where the process listens, so that the socket file is
    /// removed together with it.
    pub fn listening(mut self, place: SocketFile) -> Self {
        self.listens = Some(place);
        self
    }

    /// Prepares for the end of the connection.  A listening server does not
    /// exit when its connection closes, so it is asked to.
    pub fn take_leave(&mut self) {
        if let Some(place) = self.listens.take() {
            self.ask_to_exit();
            drop(place);
        }
    }

    /// Sends SIGTERM to the process, which may already have ended.
    fn ask_to_exit(&self) {
        // Once it has been reaped, its process id may belong to another process.
        if !sys::has_ended(self.pid) {
            // A process that cannot be signalled has already ended.
            let _ = self.signal(libc::SIGTERM);
        }
    }

    /// Ends the process, whose input has been closed.  A well-behaved server
    /// exits by itself; others are sent SIGTERM, and finally killed.  Returns
    /// whether the process has ended: a process that hangs in the kernel, for
    /// example because of a failed disk, does not die, and a process that runs
    /// as another user may not be signalled.  The program can still reap such a
    /// process.
    pub fn end(self) -> bool {
        self.ended_within(GRACE) || self.end_with_signals(GRACE_AFTER_SIGTERM)
    }

    /// Ends the process, which may not even be the program yet, although the
    /// caller does not want to wait.
    pub fn end_soon(self) -> bool {
        self.end_with_signals(BRIEF_GRACE_AFTER_SIGTERM)
    }

    fn end_with_signals(self, grace_after_sigterm: Duration) -> bool {
        let signals = [
            (libc::SIGTERM, grace_after_sigterm),
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

    /// Ends a process that has not become a program in time.  Nobody waits
    /// any longer, and it has nothing to put in order.
    fn kill(self) {
        // A process that cannot be signalled has already ended.
        let _ = self.signal(libc::SIGKILL);
        self.ended_within(GRACE_AFTER_DEADLINE);
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
