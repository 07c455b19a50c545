//! The ways to connect.

use std::ffi::{CStr, CString};
use std::io;

use libc::c_int;

use crate::connect::address::SocketAddress;
use crate::connect::{self, Attempt, command};
use crate::error::{Error, Result};

use super::Client;
use super::state::State;

impl Client {
    /// Connects to a Unix domain socket.
    pub fn connect_unix(&mut self, path: &CStr) -> Result<()> {
        self.aio_connect_unix(path)?;
        self.await_session()
    }

    /// Connects to a host by TCP.
    pub fn connect_tcp(&mut self, host: &CStr, port: &CStr) -> Result<()> {
        self.aio_connect_tcp(host, port)?;
        self.await_session()
    }

    /// Takes over a connected socket.
    pub fn connect_socket(&mut self, fd: c_int) -> Result<()> {
        self.aio_connect_socket(fd)?;
        self.await_session()
    }

    /// Runs a command as the server.
    pub fn connect_command(&mut self, argv: Vec<CString>) -> Result<()> {
        self.aio_connect_command(argv)?;
        self.await_session()
    }

    /// As `connect_unix`, without waiting.
    pub fn aio_connect_unix(&mut self, path: &CStr) -> Result<()> {
        let address = SocketAddress::unix(path.to_bytes())?;
        self.start(address)
    }

    /// Connects to an address of any family, without waiting.
    pub fn aio_connect(&mut self, address: &[u8]) -> Result<()> {
        let address = SocketAddress::from_bytes(address)?;
        self.start(address)
    }

    /// As `connect_tcp`; waits only for the resolution of the name.
    pub fn aio_connect_tcp(&mut self, host: &CStr, port: &CStr) -> Result<()> {
        self.server_name = Some(host.to_owned());
        let addresses = connect::resolve(host, port)?;
        let attempt = Attempt::begin(addresses).map_err(|error| cannot_connect(&error))?;
        self.retry_on_failure = true;
        self.await_connection(attempt);
        Ok(())
    }

    /// As `connect_socket`, without waiting.
    pub fn aio_connect_socket(&mut self, fd: c_int) -> Result<()> {
        let socket = connect::adopt_socket(fd)?;
        self.greet(socket);
        Ok(())
    }

    /// As `connect_command`, without waiting for the server.
    pub fn aio_connect_command(&mut self, argv: Vec<CString>) -> Result<()> {
        if argv.is_empty() {
            return Err(Error::new(libc::EINVAL, "the command has no program name"));
        }
        match command::run(&argv) {
            Ok((child, socket)) => {
                self.subprocess = Some(child);
                self.greet(socket);
                Ok(())
            }
            Err(error) => Err(self.die(error)),
        }
    }

    fn start(&mut self, address: SocketAddress) -> Result<()> {
        match Attempt::begin(vec![address]) {
            Ok(attempt) => {
                self.await_connection(attempt);
                Ok(())
            }
            Err(error) => Err(self.die(cannot_connect(&error))),
        }
    }

    /// No address could be connected to.  After a failed TCP connect another
    /// may be tried on the same handle.
    pub(super) fn connect_failed(&mut self, error: &io::Error) -> Error {
        let error = cannot_connect(error);
        if self.retry_on_failure {
            self.state = State::Created;
            return error;
        }
        self.die(error)
    }

    /// Waits until the handshake is over or the caller's turn has come.
    fn await_session(&mut self) -> Result<()> {
        self.wait_while_connecting()?;
        match &self.state {
            State::Transmitting(_) | State::Negotiating(..) => Ok(()),
            State::Dead(error) => Err(error.clone()),
            _ => Err(Error::without_errno(
                "the connection was closed during the handshake",
            )),
        }
    }

    /// Sends a signal to the subprocess; 0 means SIGTERM.
    pub fn kill_subprocess(&mut self, signal: c_int) -> Result<()> {
        let child = self.subprocess.as_ref().ok_or_else(no_subprocess)?;
        if signal < 0 {
            return Err(Error::new(
                libc::EINVAL,
                format!("{signal} is not a signal number"),
            ));
        }
        let signal = if signal == 0 { libc::SIGTERM } else { signal };
        child
            .signal(signal)
            .map_err(|error| Error::system("kill", &error))
    }

    /// The process id of the subprocess.
    pub fn subprocess_pid(&self) -> Result<i64> {
        let child = self.subprocess.as_ref().ok_or_else(no_subprocess)?;
        Ok(child.pid())
    }
}

fn no_subprocess() -> Error {
    Error::new(libc::ESRCH, "the handle has no subprocess")
}

fn cannot_connect(error: &io::Error) -> Error {
    Error::system("cannot connect to the server", error)
}
