//! TLS: whether the connection is encrypted, and how both sides prove who they
//! are.  Files are read, and mistakes in them found, when TLS starts.

use std::ffi::CString;

use super::arguments::ToText;
use super::{functions, unlocked};

functions! {
    /// Whether to use TLS: [`TLS_DISABLE`](crate::TLS_DISABLE), as at first,
    /// [`TLS_ALLOW`](crate::TLS_ALLOW) or [`TLS_REQUIRE`](crate::TLS_REQUIRE).
    ///
    /// States: created.  Errors: `EINVAL`; see `nbd_set_tls`.
    set_tls(; tls: choice), |client| client.set_tls(tls);
    /// The directory of certificates and keys.
    ///
    /// States: created.  Errors: `EINVAL`; see `nbd_set_tls_certificates`.
    set_tls_certificates(dir: impl ToText), |client| client.set_tls_certificates(dir.as_ref());
    /// The file of pre-shared keys.
    ///
    /// States: created.  Errors: `EINVAL`; see `nbd_set_tls_psk_file`.
    set_tls_psk_file(filename: impl ToText), |client| client.set_tls_psk_file(filename.as_ref());
    /// The name under which the server knows our pre-shared key.
    ///
    /// States: created.  Errors: `EINVAL`; see `nbd_set_tls_username`.
    set_tls_username(username: impl ToText), |client| client.set_tls_username(username.as_ref());
    /// That name; unless it has been set, the login name of the user.
    ///
    /// States: any.  Errors: `ENXIO`, `ENOMEM`, or what the server or the
    /// system says; see `nbd_get_tls_username`.
    get_tls_username() -> CString, |client| client.get_tls_username();
    /// The name that the server has to prove, if it is not the one it is
    /// connected to by.
    ///
    /// States: created.  Errors: `EINVAL`; see `nbd_set_tls_hostname`.
    set_tls_hostname(hostname: impl ToText), |client| client.set_tls_hostname(hostname.as_ref());
    /// Whether the server has to prove who it is, as at first.
    ///
    /// States: created.  Errors: `EINVAL`; see `nbd_set_tls_verify_peer`.
    set_tls_verify_peer(verify: bool), |client| client.set_tls_verify_peer(verify);
    /// Which versions and algorithms to use, as a GnuTLS priority string.
    ///
    /// States: created.  Errors: `EINVAL`; see `nbd_set_tls_priority`.
    set_tls_priority(priority: impl ToText), |client| client.set_tls_priority(priority.as_ref());
    /// Whether the connection is encrypted.
    ///
    /// States: negotiating, connected and closed.  Errors: `ENOTCONN`,
    /// `EINVAL`; see `nbd_get_tls_negotiated`.
    get_tls_negotiated() -> bool, |client| Ok(client.tls_negotiated());
    /// As set, or the host that was connected to, or nothing.
    get_tls_hostname() -> CString, |client| Ok(client.get_tls_hostname());
    /// As set, or the default.
    get_tls_priority() -> CString, |client| Ok(client.get_tls_priority());
}

unlocked! {
    /// See [`Handle::set_tls`](Self::set_tls).
    get_tls() -> i32, |handle| handle.snapshot().tls();
    /// See [`Handle::set_tls_verify_peer`](Self::set_tls_verify_peer).
    get_tls_verify_peer() -> bool, |handle| handle.snapshot().tls_verify_peer();
}
