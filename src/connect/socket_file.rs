//! The address of a server that was started with a listening socket.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use crate::sys::above_stdio;

use crate::sys;

/// A Unix domain socket in a private directory; both are removed on drop.
#[derive(Debug)]
pub struct SocketFile {
    directory: PathBuf,
}

impl SocketFile {
    /// Makes the directory and a socket that listens.
    pub fn listen() -> io::Result<(Self, OwnedFd)> {
        let file = Self {
            directory: sys::make_directory(c"/tmp/libnbdXXXXXX")?,
        };
        let listener = UnixListener::bind(file.path())?;
        Ok((file, above_stdio(listener.into())?))
    }

    /// Where the socket is.
    pub fn path(&self) -> PathBuf {
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

#[cfg(test)]
mod tests {
    use super::*;

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
