//! Servers that speak on their standard input and output.

use std::ffi::CString;
use std::os::fd::OwnedFd;

use crate::error::{Error, Result};

use super::subprocess::{self, Handed, Subprocess};
use crate::sys;

/// Runs a command that speaks NBD on its standard input and output.
///
/// The caller has checked that there is a program name.
pub fn run(argv: &[CString]) -> Result<(Subprocess, OwnedFd)> {
    let (ours, theirs) = sys::socket_pair().map_err(|error| Error::system("socketpair", &error))?;
    let handed = Handed {
        socket: theirs,
        targets: &[libc::STDIN_FILENO, libc::STDOUT_FILENO],
        environment: None,
    };
    let child = subprocess::launch(argv, handed)?;
    Ok((child, ours))
}
