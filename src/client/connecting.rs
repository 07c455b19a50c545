//! Connecting.

use super::Client;
use super::debug::debug;
use super::state::State;
use crate::cancel::Stoppable;
use crate::connect::subprocess::{self, Subprocess};
use crate::connect::{
    self, Failure, Pause, Place, Reason, Retry, Seat, Target, Trying, activation,
};
use crate::error::{Error, Escaped, Result};

impl Client {
    /// Starts to connect.  This blocks only while a name is resolved or a
    /// program starts.
    pub fn connect(&mut self, target: impl Into<Target>) -> Result<()> {
        self.heed_cancel()?;
        self.connecting_began();
        self.begin_connecting(target.into())?;
        // The request may have come while there was nothing that it could wake.
        self.heed_cancel()
    }

    fn begin_connecting(&mut self, target: Target) -> Result<()> {
        self.retry = None;
        match target {
            Target::Place(place) => {
                let time = self.settings.connect_retry;
                self.retry = time.map(|time| Box::new(Retry::within(time)));
                self.connect_to(place)
            }
            Target::Socket(socket) => {
                let socket = socket.take_over()?;
                self.place = None;
                self.socket_is_known = true;
                self.greet(Stoppable::new(socket, &self.cancel));
                Ok(())
            }
            Target::Activated(argv) => {
                self.place = None;
                let name = &self.settings.socket_activation_name;
                let deadline = self.connect_deadline();
                match activation::run(&argv, name, &self.cancel, deadline) {
                    Ok((child, address)) => {
                        self.subprocess = Some(child);
                        self.connect_to(Place::Address(address))
                    }
                    Err(error) => Err(self.not_started(error)),
                }
            }
        }
    }

    /// The program of a server could not be run, or not in time.
    fn not_started(&mut self, error: Error) -> Error {
        let error = self.connect_step_failed(error, "the program to start");
        match self.state {
            State::Dead(_) => error,
            _ => self.die(error),
        }
    }

    fn connect_to(&mut self, place: Place) -> Result<()> {
        let deadline = self.connect_deadline();
        if let Place::Command(argv) = self.place.insert(place) {
            return match subprocess::run(argv, &self.cancel, deadline) {
                Ok((child, socket)) => {
                    self.subprocess = Some(child);
                    self.greet(Stoppable::new(socket, &self.cancel));
                    Ok(())
                }
                Err(error) => Err(self.not_started(error)),
            };
        }
        self.try_addresses(Seat::new(&self.cancel))
    }

    /// Starts to connect to the addresses of the place.
    pub(super) fn try_addresses(&mut self, seat: Seat) -> Result<()> {
        let family = self.settings.address_family;
        let deadline = self.connect_deadline();
        let addresses = match &self.place {
            Some(Place::Tcp { host, port }) => {
                match connect::resolve(host, port, family, &self.cancel, deadline) {
                    Some(resolved) => resolved,
                    None => {
                        let host = Escaped(host.to_bytes());
                        let awaited = format!("the address of {host}");
                        self.heed_cancel()?;
                        return Err(self.connect_step_failed(timed_out(), &awaited));
                    }
                }
            }
            Some(Place::Address(address)) => Ok(vec![*address]),
            Some(Place::Command(_)) | None => Ok(Vec::new()),
        };
        let delay = self.settings.address_race;
        let begun = match addresses {
            Ok(addresses) => Trying::begin(addresses, delay, seat),
            Err(unresolved) => Err(Failure {
                reason: Reason::Unresolved(unresolved.reason),
                nobody_listens: unresolved.is_unknown,
                seat,
            }),
        };
        match begun {
            Ok(trying) => {
                self.state = State::Connecting(Box::new(trying));
                Ok(())
            }
            Err(failure) => self.connect_failed(failure),
        }
    }

    /// Connecting failed for all addresses.  If nobody listens yet, there may
    /// be time to try again.
    pub(super) fn connect_failed(&mut self, failure: Failure) -> Result<()> {
        self.heed_cancel()?;
        let mut reason = failure.reason;
        let retry = self.retry.as_mut().filter(|_| failure.nobody_listens);
        if let Some(time) = retry.and_then(|retry| retry.pause()) {
            debug!(
                self.debug,
                "nobody listens ({reason}); the next try is in {} ms",
                time.as_millis()
            );
            match Pause::begin(failure.seat, time) {
                Ok(pause) => {
                    self.state = State::Connecting(Box::new(Trying::Pause(pause)));
                    return Ok(());
                }
                Err(error) => reason = Reason::System(error),
            }
        }
        Err(self.unconnected(&reason))
    }

    /// After a failed TCP connect, which may have been one of several attempts,
    /// the caller may try another host.
    fn unconnected(&mut self, reason: &Reason) -> Error {
        let Some(Place::Tcp { host, port }) = &self.place else {
            return self.die(match reason {
                Reason::System(error) => Error::system(self.cannot_connect(), error),
                Reason::Unresolved(reason) => Error::without_errno(reason.clone()),
            });
        };
        let (host, port) = (Escaped(host.to_bytes()), Escaped(port.to_bytes()));
        let error = match reason {
            Reason::System(error) => {
                Error::system(format!("cannot connect to {host}:{port}"), error)
            }
            Reason::Unresolved(reason) => Error::without_errno(format!("{host}:{port}: {reason}")),
        };
        self.state = State::Created;
        self.hang_up();
        self.forget_uri();
        error
    }

    fn cannot_connect(&self) -> String {
        match (&self.place, &self.subprocess) {
            (Some(place), Some(_)) => {
                format!("the program that was started does not accept connections on {place}")
            }
            (Some(place), None) => format!("cannot connect to {place}"),
            (None, _) => "cannot connect to the server".to_owned(),
        }
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

fn timed_out() -> Error {
    Error::new(libc::ETIMEDOUT, "the time is over")
}
