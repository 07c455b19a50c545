//! The ways to connect and to part.
//!
//! `connect_...` waits until the handshake is over: the handle is then
//! connected or, in option mode, negotiating.  `aio_connect_...` starts and
//! returns; the program drives the handle until it is no longer connecting.

use super::arguments::{ToAddress, ToSocket, ToText};
use super::functions;
use crate::connect::{Place, Target};
use crate::protocol::request::Command;
use crate::transmission::request::Request;

functions! {
    /// Connects to a host and a port or service by TCP.
    ///
    /// States: created.  Errors: `EINVAL`, `ENOTSUP`, `ENOENT`, `ESHUTDOWN`, or
    /// what the server or the system says; see `nbd_connect_tcp`.
    connect_tcp(hostname: impl ToText, port: impl ToText), |client| {
        client.connect(Place::tcp(hostname, port))?;
        client.await_session()
    };
    /// As [`Handle::connect_tcp`](Self::connect_tcp); waits only while the name
    /// is resolved.
    ///
    /// States: created.  Errors: `EINVAL`, or what the server or the system
    /// says; see `nbd_aio_connect_tcp`.
    aio_connect_tcp(hostname: impl ToText, port: impl ToText), |client| client.connect(Place::tcp(hostname, port));
    /// Connects to a Unix domain socket.
    ///
    /// States: created.  Errors: `EINVAL`, `ENAMETOOLONG`, `ENOTSUP`, `ENOENT`,
    /// `ESHUTDOWN`, or what the server or the system says; see
    /// `nbd_connect_unix`.
    connect_unix(unixsocket: impl ToText), |client| {
        client.connect(Place::unix(unixsocket)?)?;
        client.await_session()
    };
    /// As [`Handle::connect_unix`](Self::connect_unix), without waiting.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = std::env::temp_dir().join(format!("nbd-aio-doc-{}", std::process::id()));
    /// # std::fs::create_dir_all(&directory)?;
    /// # let socket = directory.join("socket");
    /// # let server = embedded_server::spawn_unix(Default::default(), &socket)?;
    /// let handle = nbd::Handle::new();
    /// handle.aio_connect_unix(&socket)?;
    /// while handle.aio_is_connecting() {
    ///     handle.poll(-1)?;
    /// }
    /// assert!(handle.aio_is_ready());
    /// # drop(handle); drop(server);
    /// # std::fs::remove_dir_all(&directory)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// States: created.  Errors: `EINVAL`, `ENAMETOOLONG`, or what the server
    /// or the system says; see `nbd_aio_connect_unix`.
    aio_connect_unix(unixsocket: impl ToText), |client| client.connect(Place::unix(unixsocket)?);
    /// Connects to a port of a virtual machine or of its host.
    ///
    /// States: created.  Errors: `EINVAL`, `ENOTSUP`, `ENOENT`, `ESHUTDOWN`, or
    /// what the server or the system says; see `nbd_connect_vsock`.
    connect_vsock(cid: u32, port: u32), |client| {
        client.connect(Place::vsock(cid, port)?)?;
        client.await_session()
    };
    /// As [`Handle::connect_vsock`](Self::connect_vsock), without waiting.
    ///
    /// States: created.  Errors: `EINVAL`, or what the server or the system
    /// says; see `nbd_aio_connect_vsock`.
    aio_connect_vsock(cid: u32, port: u32), |client| client.connect(Place::vsock(cid, port)?);
    /// Connects to a socket address, without waiting.
    ///
    /// States: created.  Errors: `EINVAL`, or what the server or the system
    /// says; see `nbd_aio_connect`.
    aio_connect(addr: impl ToAddress), |client| client.connect(Place::Address(addr));
    /// Takes over a connected socket.
    ///
    /// States: created.  Errors: `EINVAL`, `ENOTCONN`, `ENOTSOCK`, `EBADF`,
    /// `ENOTSUP`, `ENOENT`, `ESHUTDOWN`, or what the server or the system says;
    /// see `nbd_connect_socket`.
    connect_socket(sock: impl ToSocket), |client| {
        client.connect(Target::Socket(sock))?;
        client.await_session()
    };
    /// As [`Handle::connect_socket`](Self::connect_socket), without waiting.
    ///
    /// States: created.  Errors: `EINVAL`, `ENOTCONN`, `ENOTSOCK`, `EBADF`, or
    /// what the server or the system says; see `nbd_aio_connect_socket`.
    aio_connect_socket(sock: impl ToSocket), |client| client.connect(Target::Socket(sock));
    /// Ends the session and waits until the server has closed the connection.
    /// `flags` is 0 or
    /// [`SHUTDOWN_ABANDON_PENDING`](crate::SHUTDOWN_ABANDON_PENDING).
    ///
    /// States: negotiating and connected.  Errors: `ENOTCONN`, `EINVAL`, or
    /// what the server or the system says; see `nbd_shutdown`.
    shutdown(; flags: mask), |client| client.shutdown(flags);
    /// Ends the session behind the commands that are under way, without
    /// waiting.  `flags` is 0.
    ///
    /// States: connected.  Errors: `ENOTCONN`, `EINVAL`; see
    /// `nbd_aio_disconnect`.
    aio_disconnect(; flags: command), |client| client.submit(Request::plain(Command::Disconnect, flags)).map(drop);
}
