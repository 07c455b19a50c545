//! Connecting and disconnecting.
//!
//! `connect_...` waits until the handshake is complete; the handle is then
//! connected or, in option mode, negotiating.  `aio_connect_...` starts to
//! connect and returns; the program then drives the handle until it is no
//! longer connecting.

use super::arguments::{ToAddress, ToSocket, ToText};
use super::functions;
use crate::connect::{Place, Target};
use crate::protocol::request::Command;
use crate::transmission::request::Request;

functions! {
    /// Connects by TCP to a host and a port number or service name.
    connect_tcp(hostname: impl ToText, port: impl ToText), |client| {
        client.connect(Place::tcp(hostname, port))?;
        client.await_session()
    };
    /// Like [`Handle::connect_tcp`](Self::connect_tcp), but waits only while
    /// the host name is resolved.
    aio_connect_tcp(hostname: impl ToText, port: impl ToText), |client| client.connect(Place::tcp(hostname, port));
    /// Connects to a Unix domain socket.
    connect_unix(unixsocket: impl ToText), |client| {
        client.connect(Place::unix(unixsocket)?)?;
        client.await_session()
    };
    /// Like [`Handle::connect_unix`](Self::connect_unix), without waiting.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = std::env::temp_dir().join(format!("nbd-aio-doc-{}", std::process::id()));
    /// # std::fs::create_dir_all(&directory)?;
    /// # let socket = directory.join("socket");
    /// # let server = embedded_server::spawn_unix(Default::default(), &socket)?;
    /// let handle = libnbd::Handle::new();
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
    aio_connect_unix(unixsocket: impl ToText), |client| client.connect(Place::unix(unixsocket)?);
    /// Connects to a vsock port of a virtual machine or of its host.
    connect_vsock(cid: u32, port: u32), |client| {
        client.connect(Place::vsock(cid, port)?)?;
        client.await_session()
    };
    /// Like [`Handle::connect_vsock`](Self::connect_vsock), without waiting.
    aio_connect_vsock(cid: u32, port: u32), |client| client.connect(Place::vsock(cid, port)?);
    /// Connects to a socket address, without waiting.
    aio_connect(addr: impl ToAddress), |client| client.connect(Place::Address(addr));
    /// Takes ownership of a connected socket and uses it as the connection.
    connect_socket(sock: impl ToSocket), |client| {
        client.connect(Target::Socket(sock))?;
        client.await_session()
    };
    /// Like [`Handle::connect_socket`](Self::connect_socket), without waiting.
    aio_connect_socket(sock: impl ToSocket), |client| client.connect(Target::Socket(sock));
    /// Ends the session and waits until the server has closed the connection.
    /// `flags` is 0 or
    /// [`SHUTDOWN_ABANDON_PENDING`](crate::SHUTDOWN_ABANDON_PENDING).
    shutdown(; flags: mask), |client| client.shutdown(flags);
    /// Ends the session after the commands in flight, without waiting.  `flags`
    /// is 0.
    aio_disconnect(; flags: command), |client| client.submit(Request::plain(Command::Disconnect, flags)).map(drop);
}
