//! Servers that find a listening socket when they start, by the protocol of
//! systemd socket activation: the socket is descriptor 3, and the environment
//! says so.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStringExt;

use crate::error::{Error, Result};

use super::environment::Environment;
use super::socket_file::SocketFile;
use super::subprocess::{self, Handed, Subprocess};
use crate::sys::address::SocketAddress;

/// The descriptor of the listening socket in the server.
const LISTENER: RawFd = 3;

/// Most bytes in the name of a listening socket.
const MAX_NAME: usize = 32;

/// Runs a server that accepts connections at a new address.
///
/// The caller has checked that there is a program name.
pub fn run(argv: &[CString], name: &CStr) -> Result<(Subprocess, SocketAddress)> {
    let failed = |error: io::Error| Error::system("cannot make a listening socket", &error);
    let (file, listener) = SocketFile::listen().map_err(failed)?;
    let address = SocketAddress::unix(&file.path().into_os_string().into_vec())?;
    let handed = Handed {
        socket: listener,
        targets: &[LISTENER],
        environment: Some(&Environment::activated(name)),
    };
    let child = subprocess::launch(argv, handed)?;
    // The server now has the only copy of the listening socket.  If it exits,
    // nobody waits for it in vain.
    Ok((child.listening(file), address))
}

/// Whether a listening socket may have this name.
pub fn check_name(name: &CStr) -> Result<()> {
    let name = name.to_bytes();
    if name.len() > MAX_NAME {
        return Err(Error::new(
            libc::ENAMETOOLONG,
            format!("the name of a socket has at most {MAX_NAME} characters"),
        ));
    }
    // A colon would separate two names.
    if !name.iter().all(u8::is_ascii_alphanumeric) {
        return Err(Error::new(
            libc::EINVAL,
            "the name of a socket consists of letters and digits",
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
