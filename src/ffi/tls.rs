//! TLS: whether the connection is encrypted, and how both sides prove who they
//! are.
//!
//! The settings have no effect unless `nbd_set_tls` or `nbd_opt_starttls` asks
//! for TLS. Files are read, and mistakes in them found, when TLS starts.

use std::ffi::{c_char, c_int};

use super::arguments::text;
use super::guard::{call, get};
use super::registry::nbd_handle;

/// Chooses whether the connection is encrypted with TLS.
///
/// - `LIBNBD_TLS_DISABLE`: it is not. This is the setting at first.
///
/// - `LIBNBD_TLS_ALLOW`: it is if the server agrees; whether it did,
///   `nbd_get_tls_negotiated` tells. Somebody between client and server can
///   prevent encryption.
///
/// - `LIBNBD_TLS_REQUIRE`: it is, or connecting fails.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EINVAL`: a connection has been started already.
/// - `EINVAL`: `tls` is none of these; the setting is as before.
///
/// States: created.
/// Since: 1.0.
/// See also: `nbd_get_tls`, `nbd_get_tls_negotiated`, `nbd_opt_starttls`.
/// Source: NBD protocol, TLS support.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_tls(h: *mut nbd_handle, tls: c_int) -> c_int {
    call!(h, set_tls(tls))
}

/// Tells the setting of `nbd_set_tls`.
///
/// Whether the connection is encrypted, `nbd_get_tls_negotiated` tells.
///
/// Returns: one of the `LIBNBD_TLS_...` values.
/// Errors: none.
/// States: any.
/// Since: 1.0.
/// See also: `nbd_get_tls_negotiated`, `nbd_set_tls`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_tls(h: *mut nbd_handle) -> c_int {
    get!(h, get_tls(), 0)
}

/// Names the directory of the X.509 certificates.
///
/// These files are looked for, all in PEM:
///
/// - `ca-cert.pem`: the authorities that are believed.
///
/// - `ca-crl.pem`: what they have revoked; optional.
///
/// - `client-cert.pem` and `client-key.pem`: the certificate that the server
///   gets to see if it asks for one, and its key, which must not be encrypted;
///   optional.
///
/// If no directory is set, users have theirs in `$HOME/.pki/libnbd` or
/// `$HOME/.config/pki/libnbd`, and root in `/etc/pki/libnbd`. A directory
/// without a readable `ca-cert.pem` does not count, even if it was set: then the
/// authorities are believed that the system trusts.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EFAULT`: `dir` is `NULL`.
/// - `EINVAL`: a connection has been started already.
///
/// States: created.
/// Since: 1.0.
/// See also: `nbd_set_tls`, `nbd_set_tls_psk_file`, `nbd_set_tls_verify_peer`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_tls_certificates(
    h: *mut nbd_handle,
    dir: *const c_char,
) -> c_int {
    // SAFETY: `dir` is a string, or null.
    let dir = unsafe { text(dir) };
    call!(h, set_tls_certificates(dir))
}

/// Names the file of the pre-shared keys (PSK).
///
/// Each line is a user name, a colon and a key in hexadecimal, as `psktool`
/// writes it; the first line of the user counts. If a file is set,
/// certificates are neither shown nor accepted, and names are not verified:
/// who knows the key is trusted.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EFAULT`: `filename` is `NULL`.
/// - `EINVAL`: a connection has been started already.
///
/// States: created.
/// Since: 1.0.
/// See also: `nbd_set_tls`, `nbd_set_tls_certificates`, `nbd_set_tls_username`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_tls_psk_file(
    h: *mut nbd_handle,
    filename: *const c_char,
) -> c_int {
    // SAFETY: `filename` is a string, or null.
    let filename = unsafe { text(filename) };
    call!(h, set_tls_psk_file(filename))
}

/// Names the user of the pre-shared key.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EFAULT`: `username` is `NULL`.
/// - `EINVAL`: a connection has been started already.
///
/// States: created.
/// Since: 1.0.
/// See also: `nbd_get_tls_username`, `nbd_set_tls_psk_file`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_tls_username(
    h: *mut nbd_handle,
    username: *const c_char,
) -> c_int {
    // SAFETY: `username` is a string, or null.
    let username = unsafe { text(username) };
    call!(h, set_tls_username(username))
}

/// Tells the user of the pre-shared key.
///
/// Returns: the name set with `nbd_set_tls_username`, or else that of the
/// environment variable `LOGNAME`, or else the name that the user logged in
/// with; to be freed with `free`. `NULL` on failure.
/// Errors:
/// - `ENXIO` or another errno of `getlogin`: none is set, and the process has no
///   login name.
/// - `ENOMEM`: there is no memory for the copy.
///
/// States: any.
/// Since: 1.0.
/// See also: `nbd_set_tls_username`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_tls_username(h: *mut nbd_handle) -> *mut c_char {
    call!(h, get_tls_username())
}

/// Names the host that the server's certificate must be for.
///
/// At first, and if `hostname` is empty, it is the host given to
/// `nbd_connect_tcp` or in a URI. Without either, as on a Unix domain socket,
/// any certificate is accepted that a trusted authority has signed.
///
/// The host is a name or an IP address. A name is also told to the server before
/// it chooses its certificate.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EFAULT`: `hostname` is `NULL`.
/// - `EINVAL`: a connection has been started already.
///
/// States: created.
/// Since: 1.22.
/// See also: `nbd_get_tls_hostname`, `nbd_set_tls`, `nbd_set_tls_verify_peer`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_tls_hostname(
    h: *mut nbd_handle,
    hostname: *const c_char,
) -> c_int {
    // SAFETY: `hostname` is a string, or null.
    let hostname = unsafe { text(hostname) };
    call!(h, set_tls_hostname(hostname))
}

/// Tells the host that the server's certificate must be for.
///
/// Returns: the host set with `nbd_set_tls_hostname`, or else the one that the
/// handle connected to by TCP, or else an empty string; to be freed with `free`.
/// `NULL` on failure.
/// Errors:
/// - `ENOMEM`: there is no memory for the copy.
///
/// States: any.
/// Since: 1.22.
/// See also: `nbd_set_tls_hostname`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_tls_hostname(h: *mut nbd_handle) -> *mut c_char {
    call!(h, get_tls_hostname())
}

/// Says whether the server's certificate is verified.
///
/// It is at first. Without verification a connection is encrypted, but anybody
/// can be at the other end of it. Sessions with a pre-shared key have no
/// certificate to verify.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EINVAL`: a connection has been started already.
///
/// States: created.
/// Since: 1.0.
/// See also: `nbd_get_tls_verify_peer`, `nbd_set_tls`, `nbd_set_tls_hostname`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_tls_verify_peer(h: *mut nbd_handle, verify: bool) -> c_int {
    call!(h, set_tls_verify_peer(verify))
}

/// Tells whether the server's certificate is verified.
///
/// Returns: 1 if so, else 0.
/// Errors: none.
/// States: any.
/// Since: 1.0.
/// See also: `nbd_set_tls_verify_peer`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_tls_verify_peer(h: *mut nbd_handle) -> c_int {
    get!(h, get_tls_verify_peer(), 0)
}

/// Chooses versions and algorithms of TLS.
///
/// The string has the form that GnuTLS gives it: a keyword, then items with
/// colons in front. The keywords are `NORMAL`, which holds at first,
/// `PERFORMANCE`, `PFS`, `SECURE128`, `SECURE192`, `SECURE256`, `SUITEB128`,
/// `SUITEB192` and `NONE`. An item adds (`+`) or removes (`-` or `!`) a version,
/// cipher, key exchange, MAC, group or signature, for example
/// `NORMAL:-VERS-ALL:+VERS-TLS1.3`, or is an option that begins with `%`.
///
/// The string is not looked at before TLS starts, and never if it does not.
/// OpenSSL does the work, so not every item can be honoured: starting TLS then
/// fails with `EINVAL`, rather than pass over an item. TLS 1.2 is the oldest
/// version there is. With a pre-shared key the key exchanges for it need not be
/// added.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EFAULT`: `priority` is `NULL`.
/// - `EINVAL`: a connection has been started already.
///
/// States: created.
/// Since: 1.24.
/// See also: `nbd_get_tls_priority`, `nbd_set_tls`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_tls_priority(
    h: *mut nbd_handle,
    priority: *const c_char,
) -> c_int {
    // SAFETY: `priority` is a string, or null.
    let priority = unsafe { text(priority) };
    call!(h, set_tls_priority(priority))
}

/// Tells versions and algorithms of TLS.
///
/// Returns: the string set with `nbd_set_tls_priority`, or else `NORMAL`, to be
/// freed with `free`; `NULL` on failure.
/// Errors:
/// - `ENOMEM`: there is no memory for the copy.
///
/// States: any.
/// Since: 1.24.
/// See also: `nbd_set_tls_priority`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_tls_priority(h: *mut nbd_handle) -> *mut c_char {
    call!(h, get_tls_priority())
}

/// Tells whether the connection is encrypted.
///
/// Returns: 1 if so, 0 if not, or -1 on failure.
/// Errors:
/// - `ENOTCONN`: no connection has been started.
/// - `EINVAL`: the handle is still connecting, or its connection broke.
///
/// States: negotiating, connected and closed.
/// Since: 1.2.
/// See also: `nbd_get_tls`, `nbd_opt_starttls`, `nbd_set_tls`.
/// Source: NBD protocol, `NBD_OPT_STARTTLS`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_tls_negotiated(h: *mut nbd_handle) -> c_int {
    call!(h, get_tls_negotiated())
}
