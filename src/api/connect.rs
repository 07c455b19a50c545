//! The ways to connect.

use std::ffi::OsStr;
use std::os::fd::{IntoRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::error::Result;
use crate::handle::{Handle, entry};

use super::c_string;

impl Handle {
    /// Connects to a Unix domain socket (see `nbd_connect_unix`).
    pub fn connect_unix(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = c_string(path.as_ref().as_os_str().as_bytes())?;
        self.call(&entry::CONNECT_UNIX, |client| client.connect_unix(&path))
    }

    /// Connects to a host and a port or service by TCP (see
    /// `nbd_connect_tcp`).
    pub fn connect_tcp(&self, host: &str, port: &str) -> Result<()> {
        let (host, port) = (c_string(host)?, c_string(port)?);
        self.call(&entry::CONNECT_TCP, |client| {
            client.connect_tcp(&host, &port)
        })
    }

    /// Takes over a connected socket (see `nbd_connect_socket`).
    pub fn connect_socket(&self, socket: OwnedFd) -> Result<()> {
        self.call(&entry::CONNECT_SOCKET, |client| {
            client.connect_socket(socket.into_raw_fd())
        })
    }

    /// Runs a server that speaks NBD on its standard input and output (see
    /// `nbd_connect_command`).
    pub fn connect_command<S: AsRef<OsStr>>(
        &self,
        argv: impl IntoIterator<Item = S>,
    ) -> Result<()> {
        let argv = argv
            .into_iter()
            .map(|argument| c_string(argument.as_ref().as_bytes()))
            .collect::<Result<Vec<_>>>()?;
        self.call(&entry::CONNECT_COMMAND, |client| {
            client.connect_command(argv)
        })
    }
}
