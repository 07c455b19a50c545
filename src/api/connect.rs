//! The ways to connect.

use std::ffi::{CString, OsStr};
use std::os::fd::{IntoRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::error::Result;
use crate::handle::{Handle, entry};

use super::{c_string, text};

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

    /// Connects to what an NBD URI names (see `nbd_connect_uri`).
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = std::env::temp_dir().join(format!("nbd-doc-{}", std::process::id()));
    /// # std::fs::create_dir_all(&directory)?;
    /// # let socket = directory.join("socket");
    /// # let server = embedded_server::spawn_unix(Default::default(), &socket)?;
    /// # let uri = format!("nbd+unix:///?socket={}", socket.display());
    /// let handle = nbd::Handle::new();
    /// handle.connect_uri(&uri)?;
    /// assert_eq!(handle.get_uri()?, uri);
    /// # drop(handle); drop(server);
    /// # std::fs::remove_dir_all(&directory)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect_uri(&self, uri: &str) -> Result<()> {
        let uri = c_string(uri)?;
        self.call(&entry::CONNECT_URI, |client| client.connect_uri(&uri))
    }

    /// The URI of the export that the handle is connected to (see
    /// `nbd_get_uri`).
    pub fn get_uri(&self) -> Result<String> {
        self.call(&entry::GET_URI, |client| Ok(text(&client.get_uri()?)))
    }

    /// Connects to a port of a virtual machine or of its host (see
    /// `nbd_connect_vsock`).
    pub fn connect_vsock(&self, cid: u32, port: u32) -> Result<()> {
        self.call(&entry::CONNECT_VSOCK, |client| {
            client.connect_vsock(cid, port)
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
        let argv = strings(argv)?;
        self.call(&entry::CONNECT_COMMAND, |client| {
            client.connect_command(argv)
        })
    }

    /// Runs a server that accepts connections on a socket that it is given
    /// (see `nbd_connect_systemd_socket_activation`).
    pub fn connect_systemd_socket_activation<S: AsRef<OsStr>>(
        &self,
        argv: impl IntoIterator<Item = S>,
    ) -> Result<()> {
        let argv = strings(argv)?;
        self.call(&entry::CONNECT_SYSTEMD_SOCKET_ACTIVATION, |client| {
            client.connect_systemd_socket_activation(argv)
        })
    }
}

/// The arguments of a program.
fn strings<S: AsRef<OsStr>>(argv: impl IntoIterator<Item = S>) -> Result<Vec<CString>> {
    argv.into_iter()
        .map(|argument| c_string(argument.as_ref().as_bytes()))
        .collect()
}
