//! TLS: whether the connection is encrypted, and how both sides authenticate
//! each other.
//!
//! The settings have no effect unless `nbd_set_tls` or `nbd_opt_starttls`
//! requests TLS. Files are read, and mistakes in them found, when TLS starts.

use std::ffi::{c_char, c_int};

use super::guard::{call, get};
use super::registry::nbd_handle;

/// Sets whether the connection is encrypted with TLS.
///
/// - `LIBNBD_TLS_DISABLE`: it is not. This is the default.
/// - `LIBNBD_TLS_ALLOW`: it is if the server agrees; `nbd_get_tls_negotiated`
///   reports whether it did. Somebody between client and server can prevent
///   encryption.
/// - `LIBNBD_TLS_REQUIRE`: it is, or connecting fails.
///
/// See also: `nbd_get_tls`, `nbd_get_tls_negotiated`, `nbd_opt_starttls`,
///   `nbd_set_tls_certificates`, `nbd_set_tls_psk_file`.
/// Source: NBD protocol, TLS support.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_tls(h: *mut nbd_handle, tls: c_int) -> c_int {
    call!(h, set_tls(tls))
}

/// Returns the setting of `nbd_set_tls`.
///
/// `nbd_get_tls_negotiated` reports whether the connection is encrypted.
///
/// Returns: one of the `LIBNBD_TLS_...` values.
/// See also: `nbd_get_tls_negotiated`, `nbd_set_tls`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_tls(h: *mut nbd_handle) -> c_int {
    get!(h, get_tls(), 0)
}

/// Sets the directory of the X.509 certificates.
///
/// These files are read from it, all in PEM format:
///
/// - `ca-cert.pem`: the certificate authorities to trust.
/// - `ca-crl.pem`: what they have revoked; optional.
/// - `client-cert.pem` and `client-key.pem`: the certificate that is sent to a
///   server that requests one, and its key; optional. If the key is encrypted,
///   `nbdx_set_tls_key_password` sets the password.
///
/// If no directory is set, the directory of a user is `$HOME/.pki/libnbd` or
/// `$HOME/.config/pki/libnbd`, and that of root is `/etc/pki/libnbd`. A
/// directory without a readable `ca-cert.pem` is ignored, even if it was set:
/// then the authorities that the system trusts are used.
///
/// See also: `nbd_set_tls`, `nbd_set_tls_psk_file`, `nbd_set_tls_verify_peer`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_tls_certificates(
    h: *mut nbd_handle,
    dir: *const c_char,
) -> c_int {
    call!(h, set_tls_certificates(dir))
}

/// Sets the file of the pre-shared keys (PSK).
///
/// Each line consists of a user name, a colon and a key in hexadecimal, as
/// `psktool` writes it; if there are several lines for a user, the first is used. A name is at most
/// 256 bytes long, and a key at most 512. If a file is set, certificates are
/// neither sent nor accepted, and names are not verified: whoever knows the key
/// is trusted.
///
/// See also: `nbd_set_tls`, `nbd_set_tls_certificates`, `nbd_set_tls_username`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_tls_psk_file(
    h: *mut nbd_handle,
    filename: *const c_char,
) -> c_int {
    call!(h, set_tls_psk_file(filename))
}

/// Sets the user name for the pre-shared key.
///
/// By default, it is the environment variable `LOGNAME`, or else the name that the
/// user logged in with. Without either, starting TLS with a pre-shared key fails
/// with `ENXIO`.
///
/// See also: `nbd_get_tls_username`, `nbd_set_tls_psk_file`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_tls_username(
    h: *mut nbd_handle,
    username: *const c_char,
) -> c_int {
    call!(h, set_tls_username(username))
}

/// Returns the user name for the pre-shared key.
///
/// Returns: the name set with `nbd_set_tls_username`, else that in the
/// environment variable `LOGNAME`, else the name that the user logged in with.
/// Errors:
/// - `ENXIO` or another errno of `getlogin`: none is set, and the process has
///   no login name.
///
/// See also: `nbd_set_tls_username`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_tls_username(h: *mut nbd_handle) -> *mut c_char {
    call!(h, get_tls_username())
}

/// Sets the host that the server's certificate must be for.
///
/// By default, and if `hostname` is empty, it is the host given to
/// `nbd_connect_tcp` or in a URI. Without either, as on a Unix domain socket,
/// any certificate is accepted that a trusted authority has signed.
///
/// The host is a name or an IP address. A name is also sent to the server
/// before it chooses its certificate.
///
/// See also: `nbd_get_tls_hostname`, `nbd_set_tls`, `nbd_set_tls_verify_peer`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_tls_hostname(
    h: *mut nbd_handle,
    hostname: *const c_char,
) -> c_int {
    call!(h, set_tls_hostname(hostname))
}

/// Returns the host that the server's certificate must be for.
///
/// Returns: the host set with `nbd_set_tls_hostname`, else the one that the
/// handle connected to by TCP, else an empty string.
/// See also: `nbd_set_tls_hostname`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_tls_hostname(h: *mut nbd_handle) -> *mut c_char {
    call!(h, get_tls_hostname())
}

/// Sets whether the server's certificate is verified.
///
/// On by default. Without verification a connection is encrypted, but anybody
/// can be at the other end of it. Sessions with a pre-shared key have no
/// certificate to verify.
///
/// See also: `nbd_get_tls_verify_peer`, `nbd_set_tls`, `nbd_set_tls_hostname`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_tls_verify_peer(h: *mut nbd_handle, verify: bool) -> c_int {
    call!(h, set_tls_verify_peer(verify))
}

/// Reports whether the server's certificate is verified.
///
/// See also: `nbd_set_tls_verify_peer`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_tls_verify_peer(h: *mut nbd_handle) -> c_int {
    get!(h, get_tls_verify_peer(), 0)
}

/// Sets the versions and algorithms of TLS.
///
/// The string has the form that GnuTLS gives it: a keyword, by default
/// `NORMAL`, followed by items separated by colons. An item adds (`+`) or
/// removes (`-` or `!`) a version, cipher, key exchange, MAC, group or
/// signature, for example `NORMAL:-VERS-ALL:+VERS-TLS1.3`, or is an option that
/// begins with `%`. The section PRIORITY STRINGS of `libnbd` lists what is
/// supported.
///
/// The string is not examined before TLS starts, and never if it does not. The
/// library uses OpenSSL, which cannot honour every item: starting TLS then
/// fails with `EINVAL` rather than ignore the item. TLS 1.2 is the oldest
/// supported version. With a pre-shared key, the key exchanges for it need not
/// be added.
///
/// See also: `nbd_get_tls_priority`, `nbd_set_tls`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_tls_priority(
    h: *mut nbd_handle,
    priority: *const c_char,
) -> c_int {
    call!(h, set_tls_priority(priority))
}

/// Returns the versions and algorithms of TLS.
///
/// Returns: the string set with `nbd_set_tls_priority`, else `NORMAL`.
/// See also: `nbd_set_tls_priority`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_tls_priority(h: *mut nbd_handle) -> *mut c_char {
    call!(h, get_tls_priority())
}

/// Reports whether the connection is encrypted.
///
/// See also: `nbd_get_tls`, `nbd_opt_starttls`, `nbd_set_tls`.
/// Source: NBD protocol, `NBD_OPT_STARTTLS`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_tls_negotiated(h: *mut nbd_handle) -> c_int {
    call!(h, get_tls_negotiated())
}
