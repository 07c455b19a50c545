//! TLS: whether the connection is encrypted, and how both sides authenticate
//! each other.  Files are read, and mistakes in them are reported, when TLS
//! starts.

use std::ffi::CString;

use super::arguments::ToText;
use super::{functions, unlocked};
use crate::transport::tls::{DEFAULT_PRIORITY, default_username};

functions! {
    /// Sets whether to use TLS: [`TLS_DISABLE`](crate::TLS_DISABLE), the
    /// default, [`TLS_ALLOW`](crate::TLS_ALLOW) or
    /// [`TLS_REQUIRE`](crate::TLS_REQUIRE).
    set_tls(; tls: choice), |client| {
        client.settings.handshake.tls = tls;
        Ok(())
    };
    /// Sets the directory of certificates and keys.
    set_tls_certificates(dir: impl ToText), |client| {
        client.settings.tls.certificates = Some(dir.as_ref().to_owned());
        Ok(())
    };
    /// Sets the file of pre-shared keys.
    set_tls_psk_file(filename: impl ToText), |client| {
        client.settings.tls.psk_file = Some(filename.as_ref().to_owned());
        Ok(())
    };
    /// Sets the user name, under which the server knows our pre-shared key.
    set_tls_username(username: impl ToText), |client| {
        client.settings.tls.username = Some(username.as_ref().to_owned());
        Ok(())
    };
    /// Returns that user name; if none has been set, the login name of the
    /// user.
    get_tls_username() -> CString, |client| match &client.settings.tls.username {
        Some(name) => Ok(name.clone()),
        None => default_username(),
    };
    /// Sets the host name that the server has to prove, if it differs from the
    /// name used to connect.
    set_tls_hostname(hostname: impl ToText), |client| {
        client.settings.tls.hostname = Some(hostname.as_ref().to_owned());
        Ok(())
    };
    /// Sets whether the server has to prove its identity.  By default it has
    /// to.
    set_tls_verify_peer(verify: bool), |client| {
        client.settings.tls.verify_peer = verify;
        Ok(())
    };
    /// Sets which versions and algorithms to use, as a GnuTLS priority string.
    set_tls_priority(priority: impl ToText), |client| {
        client.settings.tls.priority = Some(priority.as_ref().to_owned());
        Ok(())
    };
    /// Returns whether the connection is encrypted.
    get_tls_negotiated() -> bool, |client| Ok(client.session.tls);
    /// Returns the host name that was set, or else the name of the host
    /// connected to, or else an empty string.
    get_tls_hostname() -> CString, |client| {
        let explicit = client.settings.tls.hostname.as_deref();
        let explicit = explicit.filter(|name| !name.is_empty());
        Ok(explicit.or(client.server_name()).unwrap_or_default().to_owned())
    };
    /// Returns the priority string that was set, or the default.
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
