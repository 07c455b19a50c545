//! Connecting.

use std::io;

use super::Client;
use super::state::State;
use crate::connect::subprocess::{self, Subprocess};
use crate::connect::{self, Attempt, Place, Target, activation};
use crate::error::{Error, Escaped, Result};

impl Client {
    /// Starts to connect.  This blocks only while a name is resolved or a
    /// program starts.
    pub fn connect(&mut self, target: impl Into<Target>) -> Result<()> {
        match target.into() {
            Target::Place(place) => self.connect_to(place),
            Target::Socket(socket) => {
                let socket = socket.take_over()?;
                self.place = None;
                self.socket_is_known = true;
                self.greet(socket);
                Ok(())
            }
            Target::Activated(argv) => {
                self.place = None;
                let name = &self.settings.socket_activation_name;
                match activation::run(&argv, name) {
                    Ok((child, address)) => {
                        self.subprocess = Some(child);
                        self.connect_to(Place::Address(address))
                    }
                    Err(error) => Err(self.die(error)),
                }
            }
        }
    }

    fn connect_to(&mut self, place: Place) -> Result<()> {
        let family = self.settings.address_family;
        let addresses = match self.place.insert(place) {
            Place::Tcp { host, port } => connect::resolve(host, port, family)?,
            Place::Address(address) => vec![*address],
            Place::Command(argv) => {
                return match subprocess::run(argv) {
                    Ok((child, socket)) => {
                        self.subprocess = Some(child);
                        self.greet(socket);
                        Ok(())
                    }
                    Err(error) => Err(self.die(error)),
                };
            }
        };
        match Attempt::begin(addresses) {
            Ok(attempt) => {
                self.state = State::Connecting(attempt);
                Ok(())
            }
            Err(error) => Err(self.connect_failed(&error)),
        }
    }

    /// Connecting failed for all addresses.  After a failed TCP connect, which
    /// may have been one of several attempts, the caller may try another host.
    pub(super) fn connect_failed(&mut self, error: &io::Error) -> Error {
        if let Some(Place::Tcp { host, port }) = &self.place {
            let (host, port) = (Escaped(host.to_bytes()), Escaped(port.to_bytes()));
            let error = Error::system(format!("cannot connect to {host}:{port}"), error);
            self.state = State::Created;
            self.hang_up();
            self.forget_uri();
            return error;
        }
        self.die(Error::system("cannot connect to the server", error))
    }

    /// Waits until the handshake is complete or, in option mode, the caller can
    /// send options.
    pub fn await_session(&mut self) -> Result<()> {
        self.wait_while_connecting()?;
        match &self.state {
            State::Transmitting(_) | State::Negotiating(..) => Ok(()),
            State::Dead(error) => Err(error.clone()),
            _ => Err(Error::without_errno(
                "the connection was closed during the handshake",
            )),
        }
    }

    /// Returns the subprocess that runs the server.
    pub fn subprocess(&self) -> Result<&Subprocess> {
        let child = self.subprocess.as_ref();
        child.ok_or_else(|| Error::new(libc::ESRCH, "the handle has no subprocess"))
    }
}
