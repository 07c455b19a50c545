//! Servers that run as a subprocess of the program.  A handle has one
//! subprocess at most, which ends with it.

use std::ffi::CString;

use super::arguments::{ToText, ToTexts};
use super::functions;
use crate::connect::{Argv, Place, Target, activation};
use crate::error::Error;

functions! {
    /// Runs a server that speaks NBD on its standard input and output, and
    /// connects to it.
    ///
    /// States: created.  Errors: `EINVAL`, `ENOENT`, `EACCES`, `ENOTSUP`,
    /// `ESHUTDOWN`, or what the server or the system says; see
    /// `nbd_connect_command`.
    connect_command(argv: impl ToTexts), |client| {
        client.connect(Place::Command(Argv::new(argv)?))?;
        client.await_session()
    };
    /// As [`Handle::connect_command`](Self::connect_command), without waiting
    /// for the server.
    ///
    /// States: created.  Errors: `EINVAL`, `ENOENT`, `EACCES`, or what the
    /// server or the system says; see `nbd_aio_connect_command`.
    aio_connect_command(argv: impl ToTexts), |client| client.connect(Place::Command(Argv::new(argv)?));
    /// Runs a server that accepts connections on a socket that it is given, as
    /// systemd does it, and connects to it.
    ///
    /// States: created.  Errors: `EINVAL`, `ENOENT`, `EACCES`, `ECONNRESET`,
    /// `ENOTSUP`, `ESHUTDOWN`, or what the server or the system says; see
    /// `nbd_connect_systemd_socket_activation`.
    connect_systemd_socket_activation(argv: impl ToTexts), |client| {
        client.connect(Target::Activated(Argv::new(argv)?))?;
        client.await_session()
    };
    /// As [`Handle::connect_systemd_socket_activation`](Self::connect_systemd_socket_activation),
    /// without waiting for the server.
    ///
    /// States: created.  Errors: `EINVAL`, `ENOENT`, `EACCES`, or what the
    /// server or the system says; see
    /// `nbd_aio_connect_systemd_socket_activation`.
    aio_connect_systemd_socket_activation(argv: impl ToTexts), |client| client.connect(Target::Activated(Argv::new(argv)?));
    /// The name under which such a server finds its socket: up to 32 letters
    /// and digits.
    ///
    /// States: created.  Errors: `EINVAL`, `ENAMETOOLONG`; see
    /// `nbd_set_socket_activation_name`.
    set_socket_activation_name(socket_name: impl ToText), |client| {
        activation::check_name(socket_name.as_ref())?;
        client.settings.socket_activation_name = socket_name.as_ref().to_owned();
        Ok(())
    };
    /// Sends a signal to the subprocess; 0 means SIGTERM.
    ///
    /// States: any.  Errors: `ESRCH`, `EINVAL`, or what the server or the
    /// system says; see `nbd_kill_subprocess`.
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
    /// The process id of the subprocess.
    ///
    /// States: any.  Errors: `ESRCH`; see `nbd_get_subprocess_pid`.
    get_subprocess_pid() -> i64, |client| Ok(client.subprocess()?.pid());
    /// See [`Handle::set_socket_activation_name`](Self::set_socket_activation_name).
    get_socket_activation_name() -> CString, |client| Ok(client.settings.socket_activation_name.clone());
}
