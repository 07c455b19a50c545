//! The ways to connect.

use std::ffi::{CStr, CString};
use std::io;

use libc::c_int;

use crate::connect::{self, Attempt, Place, Socket, activation, command};
use crate::error::{Error, Escaped, Result};
use crate::sys::address::SocketAddress;

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
    pub fn connect_socket(&mut self, socket: Socket) -> Result<()> {
        self.aio_connect_socket(socket)?;
        self.await_session()
    }

    /// Runs a command as the server.
    pub fn connect_command(&mut self, argv: Vec<CString>) -> Result<()> {
        self.aio_connect_command(argv)?;
        self.await_session()
    }

    /// Runs a server that accepts connections, and connects to it.
    pub fn connect_systemd_socket_activation(&mut self, argv: Vec<CString>) -> Result<()> {
        self.aio_connect_systemd_socket_activation(argv)?;
        self.await_session()
    }

    /// Connects to a port of a virtual machine or its host.
    pub fn connect_vsock(&mut self, cid: u32, port: u32) -> Result<()> {
        self.aio_connect_vsock(cid, port)?;
        self.await_session()
    }

    /// As `connect_unix`, without waiting.
    pub fn aio_connect_unix(&mut self, path: &CStr) -> Result<()> {
        let address = SocketAddress::unix(path.to_bytes())?;
        self.start(address)
    }

    /// Connects to an address of any family, without waiting.
    pub fn aio_connect(&mut self, address: SocketAddress) -> Result<()> {
        self.start(address)
    }

    /// As `connect_vsock`, without waiting.
    pub fn aio_connect_vsock(&mut self, cid: u32, port: u32) -> Result<()> {
        let address = SocketAddress::vsock(cid, port)?;
        self.start(address)
    }

    /// As `connect_tcp`; waits only for the resolution of the name.
    pub fn aio_connect_tcp(&mut self, host: &CStr, port: &CStr) -> Result<()> {
        self.place = Some(Place::Tcp {
            host: host.to_owned(),
            port: port.to_owned(),
        });
        let addresses = connect::resolve(host, port, self.settings.address_family)?;
        match Attempt::begin(addresses) {
            Ok(attempt) => {
                self.await_connection(attempt);
                Ok(())
            }
            Err(error) => Err(self.connect_failed(&error)),
        }
    }

    /// As `connect_socket`, without waiting.
    pub fn aio_connect_socket(&mut self, socket: Socket) -> Result<()> {
        let socket = connect::adopt_socket(socket)?;
        self.place = None;
        self.socket_is_known = true;
        self.greet(socket);
        Ok(())
    }

    /// As `connect_command`, without waiting for the server.
    pub fn aio_connect_command(&mut self, argv: Vec<CString>) -> Result<()> {
        check_command(&argv)?;
        let started = command::run(&argv);
        self.place = Some(Place::Command(argv));
        match started {
            Ok((child, socket)) => {
                self.subprocess = Some(child);
                self.greet(socket);
                Ok(())
            }
            Err(error) => Err(self.die(error)),
        }
    }

    /// As `connect_systemd_socket_activation`, without waiting for the server.
    pub fn aio_connect_systemd_socket_activation(&mut self, argv: Vec<CString>) -> Result<()> {
        check_command(&argv)?;
        self.place = None;
        match activation::run(&argv, &self.settings.socket_activation_name) {
            Ok((child, address)) => {
                self.subprocess = Some(child);
                self.start(address)
            }
            Err(error) => Err(self.die(error)),
        }
    }

    /// What an activated server finds its socket under.
    pub fn set_socket_activation_name(&mut self, name: &CStr) -> Result<()> {
        activation::check_name(name)?;
        self.settings.socket_activation_name = name.to_owned();
        Ok(())
    }

    /// As set.
    pub fn socket_activation_name(&self) -> CString {
        self.settings.socket_activation_name.clone()
    }

    /// Connects to one address, without waiting.
    pub(super) fn start(&mut self, address: SocketAddress) -> Result<()> {
        self.place = Some(Place::Address(address));
        match Attempt::begin(vec![address]) {
            Ok(attempt) => {
                self.await_connection(attempt);
                Ok(())
            }
            Err(error) => Err(self.connect_failed(&error)),
        }
    }

    /// No address could be connected to.  After a failed TCP connect, which
    /// may have been one of several, the caller may try another host.
    pub(super) fn connect_failed(&mut self, error: &io::Error) -> Error {
        if let Some(Place::Tcp { host, port }) = &self.place {
            let (host, port) = (Escaped(host.to_bytes()), Escaped(port.to_bytes()));
            let error = Error::system(format!("cannot connect to {host}:{port}"), error);
            self.state = State::Created;
            self.forget_uri();
            return error;
        }
        self.die(Error::system("cannot connect to the server", error))
    }

    /// Waits until the handshake is over or the caller's turn has come.
    pub(super) fn await_session(&mut self) -> Result<()> {
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

fn check_command(argv: &[CString]) -> Result<()> {
    if argv.is_empty() {
        return Err(Error::new(libc::EINVAL, "the command has no program name"));
    }
    Ok(())
}
