//! TLS: whether the connection is encrypted, and how both sides prove who they
//! are.  Files are read, and mistakes in them found, when TLS starts.

use std::ffi::CString;

use super::arguments::ToText;
use super::{functions, unlocked};
use crate::transport::tls::{DEFAULT_PRIORITY, default_username};

functions! {
    /// Whether to use TLS: [`TLS_DISABLE`](crate::TLS_DISABLE), as at first,
    /// [`TLS_ALLOW`](crate::TLS_ALLOW) or [`TLS_REQUIRE`](crate::TLS_REQUIRE).
    ///
    /// States: created.  Errors: `EINVAL`; see `nbd_set_tls`.
    set_tls(; tls: choice), |client| {
        client.settings.handshake.tls = tls;
        Ok(())
    };
    /// The directory of certificates and keys.
    ///
    /// States: created.  Errors: `EINVAL`; see `nbd_set_tls_certificates`.
    set_tls_certificates(dir: impl ToText), |client| {
        client.settings.tls.certificates = Some(dir.as_ref().to_owned());
        Ok(())
    };
    /// The file of pre-shared keys.
    ///
    /// States: created.  Errors: `EINVAL`; see `nbd_set_tls_psk_file`.
    set_tls_psk_file(filename: impl ToText), |client| {
        client.settings.tls.psk_file = Some(filename.as_ref().to_owned());
        Ok(())
    };
    /// The name under which the server knows our pre-shared key.
    ///
    /// States: created.  Errors: `EINVAL`; see `nbd_set_tls_username`.
    set_tls_username(username: impl ToText), |client| {
        client.settings.tls.username = Some(username.as_ref().to_owned());
        Ok(())
    };
    /// That name; unless it has been set, the login name of the user.
    ///
    /// States: any.  Errors: `ENXIO`, `ENOMEM`, or what the server or the
    /// system says; see `nbd_get_tls_username`.
    get_tls_username() -> CString, |client| match &client.settings.tls.username {
        Some(name) => Ok(name.clone()),
        None => default_username(),
    };
    /// The name that the server has to prove, if it is not the one it is
    /// connected to by.
    ///
    /// States: created.  Errors: `EINVAL`; see `nbd_set_tls_hostname`.
    set_tls_hostname(hostname: impl ToText), |client| {
        client.settings.tls.hostname = Some(hostname.as_ref().to_owned());
        Ok(())
    };
    /// Whether the server has to prove who it is, as at first.
    ///
    /// States: created.  Errors: `EINVAL`; see `nbd_set_tls_verify_peer`.
    set_tls_verify_peer(verify: bool), |client| {
        client.settings.tls.verify_peer = verify;
        Ok(())
    };
    /// Which versions and algorithms to use, as a GnuTLS priority string.
    ///
    /// States: created.  Errors: `EINVAL`; see `nbd_set_tls_priority`.
    set_tls_priority(priority: impl ToText), |client| {
        client.settings.tls.priority = Some(priority.as_ref().to_owned());
        Ok(())
    };
    /// Whether the connection is encrypted.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_get_tls_negotiated`.
    get_tls_negotiated() -> bool, |client| Ok(client.session.tls);
    /// As set, or the host that was connected to, or nothing.
    get_tls_hostname() -> CString, |client| {
        let explicit = client.settings.tls.hostname.as_deref();
        let explicit = explicit.filter(|name| !name.is_empty());
        Ok(explicit.or(client.server_name()).unwrap_or_default().to_owned())
    };
    /// As set, or the default.
    get_tls_priority() -> CString, |client| {
        let priority = client.settings.tls.priority.as_deref();
        Ok(priority.unwrap_or(DEFAULT_PRIORITY).to_owned())
    };
}

unlocked! {
    /// See [`Handle::set_tls`](Self::set_tls).
    get_tls() -> i32, |handle| handle.snapshot().tls();
    /// See [`Handle::set_tls_verify_peer`](Self::set_tls_verify_peer).
    get_tls_verify_peer() -> bool, |handle| handle.snapshot().tls_verify_peer();
}
