//! NBD URIs: one string that says where a server is and which export to use.

use std::ffi::CString;

use super::arguments::ToText;
use super::functions;
use crate::error::Error;
use crate::uri::{self, TlsRule};

functions! {
    /// Connects to what an NBD URI names, and waits until the handshake is
    /// over or, in option mode, the caller's turn has come.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = std::env::temp_dir().join(format!("nbd-doc-{}", std::process::id()));
    /// # std::fs::create_dir_all(&directory)?;
    /// # let socket = directory.join("socket");
    /// # let server = embedded_server::spawn_unix(Default::default(), &socket)?;
    /// # let uri = format!("nbd+unix:///?socket={}", socket.display());
    /// let handle = nbd::Handle::new();
    /// handle.connect_uri(&uri)?;
    /// assert_eq!(handle.get_uri()?.to_str()?, uri);
    /// # drop(handle); drop(server);
    /// # std::fs::remove_dir_all(&directory)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// States: created.  Errors: `EINVAL`, `EPERM`, `ENAMETOOLONG`, `ENOTSUP`,
    /// `ENOENT`, `ESHUTDOWN`, or what the server or the system says; see
    /// `nbd_connect_uri`.
    connect_uri(uri: impl ToText), |client| {
        client.follow(uri::plan(uri.as_ref(), &client.settings.uri)?)?;
        client.await_session()
    };
    /// As [`Handle::connect_uri`](Self::connect_uri), without waiting for the
    /// server.
    ///
    /// States: created.  Errors: `EINVAL`, `EPERM`, `ENAMETOOLONG`, `ENOTSUP`,
    /// or what the server or the system says; see `nbd_aio_connect_uri`.
    aio_connect_uri(uri: impl ToText), |client| {
        client.follow(uri::plan(uri.as_ref(), &client.settings.uri)?)
    };
    /// The URI of the export that the handle is connected to.
    ///
    /// States: any but created.  Errors: `ENOTCONN`, `EINVAL`,
    /// `EPROTONOSUPPORT`, `EAFNOSUPPORT`, `ENOMEM`; see `nbd_get_uri`.
    get_uri() -> CString, |client| {
        let name = &client.settings.handshake.export_name;
        let uri = uri::compose(client.place()?, name, &client.tls_parameters())?;
        CString::new(uri).map_err(|_| Error::new(libc::EINVAL, "the URI contains a NUL"))
    };
    /// Whether a string looks like an NBD URI.
    ///
    /// States: any.
    is_uri(uri: impl ToText) -> bool, |_client| Ok(uri::is_uri(uri.as_ref().to_bytes()));
    /// Which transports URIs may name, by the bits
    /// [`ALLOW_TRANSPORT_TCP`](crate::ALLOW_TRANSPORT_TCP) and so on.
    ///
    /// States: created.  Errors: `EINVAL`; see `nbd_set_uri_allow_transports`.
    set_uri_allow_transports(; mask: mask), |client| { client.settings.uri.transports = mask; Ok(()) };
    /// Whether URIs may or must ask for TLS, by the values of
    /// [`Handle::set_tls`](Self::set_tls).
    ///
    /// States: created.  Errors: `EINVAL`; see `nbd_set_uri_allow_tls`.
    set_uri_allow_tls(; tls: choice), |client| { client.settings.uri.tls = TlsRule::from_number(tls); Ok(()) };
    /// Whether parameters of URIs may name files.
    ///
    /// States: created.  Errors: `EINVAL`; see `nbd_set_uri_allow_local_file`.
    set_uri_allow_local_file(allow: bool), |client| { client.settings.uri.local_file = allow; Ok(()) };
    /// Whether a parameter of URIs may choose the algorithms of TLS.
    ///
    /// States: created.  Errors: `EINVAL`; see
    /// `nbd_set_uri_allow_tls_priority`.
    set_uri_allow_tls_priority(allow: bool), |client| { client.settings.uri.tls_priority = allow; Ok(()) };
}
