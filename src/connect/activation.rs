//! Servers that find a listening socket when they start, by the protocol of
//! systemd socket activation: the socket is descriptor 3, and the environment
//! says so.

use std::ffi::{CStr, CString, c_char};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::transport::sys::above_stdio;

use super::address::SocketAddress;
use super::subprocess::{self, Handed, Subprocess};
use super::sys;

/// The descriptor of the listening socket in the server.
pub const LISTENER: i32 = 3;

/// Most bytes in the name of a listening socket.
const MAX_NAME: usize = 32;

/// Runs a server that accepts connections at a new address.
///
/// The caller has checked that there is a program name.
pub fn run(argv: &[CString], name: &CStr) -> Result<(Subprocess, SocketAddress)> {
    let failed = |error: io::Error| Error::system("cannot make a listening socket", &error);
    let (file, listener) = SocketFile::listen().map_err(failed)?;
    let address = SocketAddress::unix(&file.path().into_os_string().into_vec())?;
    let child = subprocess::launch(argv, Handed::Listener(listener, &Activated::new(name)))?;
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

/// A Unix domain socket in a private directory; both are removed on drop.
#[derive(Debug)]
pub struct SocketFile {
    directory: PathBuf,
}

impl SocketFile {
    fn listen() -> io::Result<(Self, OwnedFd)> {
        let file = Self {
            directory: sys::make_directory(c"/tmp/libnbdXXXXXX")?,
        };
        let listener = UnixListener::bind(file.path())?;
        Ok((file, above_stdio(listener.into())?))
    }

    fn path(&self) -> PathBuf {
        self.directory.join("sock")
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Somebody else may have cleaned up; there is nobody to tell.
        let _ = fs::remove_file(self.path());
        let _ = fs::remove_dir(&self.directory);
    }
}

/// The environment of an activated server, except for its process id.
#[derive(Debug)]
pub struct Activated {
    variables: Vec<CString>,
}

impl Activated {
    fn new(name: &CStr) -> Self {
        let name = match name.to_bytes() {
            b"" => b"unknown",
            name => name,
        };
        let named = CString::new([b"LISTEN_FDNAMES=", name].concat()).unwrap_or_default();
        // Whoever started this process may have activated it, too.
        let inherited = sys::environment().into_iter().filter(|variable| {
            let name = variable.to_bytes().split(|&byte| byte == b'=').next();
            !["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]
                .iter()
                .any(|own| name == Some(own.as_bytes()))
        });
        Self {
            variables: [c"LISTEN_FDS=1".to_owned(), named]
                .into_iter()
                .chain(inherited)
                .collect(),
        }
    }

    /// The variables.
    pub fn variables(&self) -> impl Iterator<Item = &CStr> {
        self.variables.iter().map(CString::as_c_str)
    }
}

/// The variable with the process id of an activated server.
///
/// It can be made between fork and exec: it allocates nothing.
#[derive(Debug)]
pub struct ProcessId([u8; ProcessId::ROOM]);

impl ProcessId {
    const NAME: &[u8] = b"LISTEN_PID=";
    /// The name, the digits of any number, and the terminator.
    const ROOM: usize = 32;

    /// The variable for a process.
    pub fn new(pid: libc::pid_t) -> Self {
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
    pub fn as_ptr(&self) -> *const c_char {
        self.0.as_ptr().cast()
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

    #[test]
    fn the_socket_and_its_directory_go_together() {
        let (file, _listener) = SocketFile::listen().unwrap();
        let directory = file.directory.clone();
        assert!(directory.starts_with("/tmp"));
        assert!(file.path().exists());
        drop(file);
        assert!(!directory.exists());
    }
}
