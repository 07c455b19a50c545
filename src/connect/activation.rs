//! Servers that inherit a listening socket, by the protocol of systemd socket
//! activation: the socket is descriptor 3, which is announced in the
//! environment.

use std::ffi::{CStr, CString};
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStringExt;
use std::time::Instant;

use super::program::Argv;
use super::socket_file::SocketFile;
use super::subprocess::{self, Subprocess};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::sys::address::SocketAddress;
use crate::sys::{self, Handed};

/// The descriptor of the listening socket in the server.
const LISTENER: RawFd = 3;

/// Maximum length of the name of a listening socket, in bytes.
const MAX_NAME: usize = 32;

/// Runs a server that accepts connections at a new address.  It has to start
/// before the deadline.
pub fn run(
    argv: &Argv,
    name: &CStr,
    cancel: &Cancel,
    deadline: Option<Instant>,
) -> Result<(Subprocess, SocketAddress)> {
    let file = SocketFile::new().map_err(|error| Error::system("mkdtemp", &error))?;
    let address = SocketAddress::unix(&file.path().into_os_string().into_vec())?;
    let handed = Handed::Listener {
        address: &address,
        target: LISTENER,
        environment: &environment(name),
    };
    // The server has the only copy of the listening socket, so if it exits, no
    // client waits for it in vain.
    let (child, ()) = subprocess::launch(argv, handed, cancel, deadline, |_| Ok(()))?;
    Ok((child.listening(file), address))
}

/// The environment of a server whose listening socket has this name, without
/// the process id.
fn environment(name: &CStr) -> Vec<CString> {
    let name = match name.to_bytes() {
        b"" => b"unknown",
        name => name,
    };
    let named = CString::new([b"LISTEN_FDNAMES=", name].concat()).unwrap_or_default();
    // This process may itself have been started by socket activation.
    let inherited = sys::environment().into_iter().filter(|variable| {
        let name = variable.to_bytes().split(|&byte| byte == b'=').next();
        !["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]
            .iter()
            .any(|own| name == Some(own.as_bytes()))
    });
    [c"LISTEN_FDS=1".to_owned(), named]
        .into_iter()
        .chain(inherited)
        .collect()
}

/// Checks the name of a listening socket.
pub fn check_name(name: &CStr) -> Result<()> {
    let name = name.to_bytes();
    if name.len() > MAX_NAME {
        return Err(Error::new(
            libc::ENAMETOOLONG,
            format!("the name of a socket cannot be longer than {MAX_NAME} characters"),
        ));
    }
    // A colon would separate two names.
    if !name.iter().all(u8::is_ascii_alphanumeric) {
        return Err(Error::new(
            libc::EINVAL,
            "the name of a socket must consist of letters and digits",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_alphanumeric() {
        let errno = |name: &str| check_name(&CString::new(name).unwrap()).map_err(|e| e.errno());
        assert_eq!(errno(""), Ok(()));
        assert_eq!(errno("disk1"), Ok(()));
        assert_eq!(errno(&"x".repeat(32)), Ok(()));
        assert_eq!(errno(&"x".repeat(33)), Err(libc::ENAMETOOLONG));
        for name in ["a b", "a:b", "a_b", "é"] {
            assert_eq!(errno(name), Err(libc::EINVAL), "{name}");
        }
    }
}
