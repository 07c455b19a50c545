//! The address of a server that was started with a listening socket.

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::sys;

/// The address of a Unix domain socket in a private directory; both are removed
/// on drop.
#[derive(Debug)]
pub struct SocketFile {
    directory: PathBuf,
}

impl SocketFile {
    /// Makes the directory.
    pub fn new() -> io::Result<Self> {
        let directory = sys::make_directory(c"/tmp/libnbdXXXXXX")?;
        Ok(Self { directory })
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
        let file = SocketFile::new().unwrap();
        let _listener = std::os::unix::net::UnixListener::bind(file.path()).unwrap();
        let directory = file.directory.clone();
        assert!(directory.starts_with("/tmp"));
        assert!(file.path().exists());
        drop(file);
        assert!(!directory.exists());
    }
}
