//! Servers that run as a subprocess of the program.  A handle has one
//! subprocess at most, which ends with it.

use std::ffi::CString;

use super::arguments::{ToText, ToTexts};
use super::functions;

functions! {
    /// Runs a server that speaks NBD on its standard input and output, and
    /// connects to it.
    ///
    /// States: created.  Errors: `EINVAL`, `ENOENT`, `EACCES`, `ENOTSUP`,
    /// `ESHUTDOWN`, or what the server or the system says; see
    /// `nbd_connect_command`.
    connect_command(argv: impl ToTexts), |client| client.connect_command(argv);
    /// As [`Handle::connect_command`](Self::connect_command), without waiting
    /// for the server.
    ///
    /// States: created.  Errors: `EINVAL`, `ENOENT`, `EACCES`, or what the
    /// server or the system says; see `nbd_aio_connect_command`.
    aio_connect_command(argv: impl ToTexts), |client| client.aio_connect_command(argv);
    /// Runs a server that accepts connections on a socket that it is given, as
    /// systemd does it, and connects to it.
    ///
    /// States: created.  Errors: `EINVAL`, `ENOENT`, `EACCES`, `ECONNRESET`,
    /// `ENOTSUP`, `ESHUTDOWN`, or what the server or the system says; see
    /// `nbd_connect_systemd_socket_activation`.
    connect_systemd_socket_activation(argv: impl ToTexts), |client| client.connect_systemd_socket_activation(argv);
    /// As [`Handle::connect_systemd_socket_activation`](Self::connect_systemd_socket_activation),
    /// without waiting for the server.
    ///
    /// States: created.  Errors: `EINVAL`, `ENOENT`, `EACCES`, or what the
    /// server or the system says; see
    /// `nbd_aio_connect_systemd_socket_activation`.
    aio_connect_systemd_socket_activation(argv: impl ToTexts), |client| client.aio_connect_systemd_socket_activation(argv);
    /// The name under which such a server finds its socket: up to 32 letters
    /// and digits.
    ///
    /// States: created.  Errors: `EINVAL`, `ENAMETOOLONG`; see
    /// `nbd_set_socket_activation_name`.
    set_socket_activation_name(socket_name: impl ToText), |client| client.set_socket_activation_name(socket_name.as_ref());
    /// Sends a signal to the subprocess; 0 means SIGTERM.
    ///
    /// States: any.  Errors: `ESRCH`, `EINVAL`, or what the server or the
    /// system says; see `nbd_kill_subprocess`.
    kill_subprocess(signum: i32), |client| client.kill_subprocess(signum);
    /// The process id of the subprocess.
    ///
    /// States: any.  Errors: `ESRCH`; see `nbd_get_subprocess_pid`.
    get_subprocess_pid() -> i64, |client| client.subprocess_pid();
    /// See [`Handle::set_socket_activation_name`](Self::set_socket_activation_name).
    get_socket_activation_name() -> CString, |client| Ok(client.socket_activation_name());
}
