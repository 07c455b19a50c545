//! Servers that run as a subprocess of the program.  A handle has at most one
//! subprocess, which ends with it.

use std::ffi::CString;

use super::arguments::{ToText, ToTexts};
use super::functions;
use crate::connect::{Argv, Place, Target, activation};
use crate::error::Error;

functions! {
    /// Runs a server that speaks NBD on its standard input and output, and
    /// connects to it.
    connect_command(argv: impl ToTexts), |client| {
        client.connect(Place::Command(Argv::new(argv)?))?;
        client.await_session()
    };
    /// Like [`Handle::connect_command`](Self::connect_command), without waiting
    /// for the server.
    aio_connect_command(argv: impl ToTexts), |client| client.connect(Place::Command(Argv::new(argv)?));
    /// Runs a server with systemd socket activation, which means that it
    /// accepts connections on a socket that it inherits, and connects to it.
    connect_systemd_socket_activation(argv: impl ToTexts), |client| {
        client.connect(Target::Activated(Argv::new(argv)?))?;
        client.await_session()
    };
    /// Like
    /// [`Handle::connect_systemd_socket_activation`](Self::connect_systemd_socket_activation),
    /// without waiting for the server.
    aio_connect_systemd_socket_activation(argv: impl ToTexts), |client| client.connect(Target::Activated(Argv::new(argv)?));
    /// Sets the name under which such a server finds its socket: up to 32
    /// letters and digits.
    set_socket_activation_name(socket_name: impl ToText), |client| {
        activation::check_name(socket_name.as_ref())?;
        client.settings.socket_activation_name = socket_name.as_ref().to_owned();
        Ok(())
    };
    /// Sends a signal to the subprocess; 0 means SIGTERM.
    kill_subprocess(signum: i32), |client| {
        let child = client.subprocess()?;
        let signal = match signum {
            ..0 => {
                let reason = format!("{signum} is not a signal number");
                return Err(Error::new(libc::EINVAL, reason));
            }
            0 => libc::SIGTERM,
            1.. => signum,
        };
        child.signal(signal).map_err(|error| Error::system("kill", &error))
    };
    /// Returns the process id of the subprocess.
    get_subprocess_pid() -> i64, |client| Ok(client.subprocess()?.pid());
    /// See [`Handle::set_socket_activation_name`](Self::set_socket_activation_name).
    get_socket_activation_name() -> CString, |client| Ok(client.settings.socket_activation_name.clone());
}
