//! NBD URIs: one string that specifies how to reach a server and which export
//! to use.

use std::ffi::CString;

use super::arguments::ToText;
use super::functions;
use crate::error::Error;
use crate::uri::{self, TlsRule};

functions! {
    /// Connects to the server and export that an NBD URI specifies, and waits
    /// until the handshake is complete or, in option mode, the caller can send
    /// options.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = std::env::temp_dir().join(format!("nbd-doc-{}", std::process::id()));
    /// # std::fs::create_dir_all(&directory)?;
    /// # let socket = directory.join("socket");
    /// # let server = embedded_server::spawn_unix(Default::default(), &socket)?;
    /// # let uri = format!("nbd+unix:///?socket={}", socket.display());
    /// let handle = libnbd::Handle::new();
    /// handle.connect_uri(&uri)?;
    /// assert_eq!(handle.get_uri()?.to_str()?, uri);
    /// # drop(handle); drop(server);
    /// # std::fs::remove_dir_all(&directory)?;
    /// # Ok(())
    /// # }
    /// ```
    connect_uri(uri: impl ToText), |client| {
        client.follow(uri::plan(uri.as_ref(), &client.settings.uri)?)?;
        client.await_session()
    };
    /// Like [`Handle::connect_uri`](Self::connect_uri), without waiting for the
    /// server.
    aio_connect_uri(uri: impl ToText), |client| {
        client.follow(uri::plan(uri.as_ref(), &client.settings.uri)?)
    };
    /// Returns the URI of the export that the handle is connected to.
    get_uri() -> CString, |client| {
        let name = &client.settings.handshake.export_name;
        let uri = uri::compose(client.place()?, name, &client.tls_parameters())?;
        CString::new(uri).map_err(|_| Error::new(libc::EINVAL, "the URI contains a NUL"))
    };
    /// Returns whether a string looks like an NBD URI.
    is_uri(uri: impl ToText) -> bool, |_client| Ok(uri::is_uri(uri.as_ref().to_bytes()));
    /// Sets which transports URIs may use, with the bits
    /// [`ALLOW_TRANSPORT_TCP`](crate::ALLOW_TRANSPORT_TCP) and so on.
    set_uri_allow_transports(; mask: mask), |client| { client.settings.uri.transports = mask; Ok(()) };
    /// Sets whether URIs may or must request TLS, with the values of
    /// [`Handle::set_tls`](Self::set_tls).
    set_uri_allow_tls(; tls: choice), |client| { client.settings.uri.tls = TlsRule::from_number(tls); Ok(()) };
    /// Sets whether parameters of URIs may name files.
    set_uri_allow_local_file(allow: bool), |client| { client.settings.uri.local_file = allow; Ok(()) };
    /// Sets whether a parameter of URIs may choose the algorithms of TLS.
    set_uri_allow_tls_priority(allow: bool), |client| { client.settings.uri.tls_priority = allow; Ok(()) };
}
