//! TLS: credentials in memory instead of files.
//!
//! Each item takes precedence over the file in its place; the items that are not
//! set are read from files as usual. The call makes a copy, which is overwritten
//! when the item is replaced and when the handle is closed. Secrets are never
//! part of debug messages, and cannot be set in a URI or in the environment.

use std::ffi::{c_char, c_int, c_void};

use crate::ffi::arguments::{SecretBytes, SecretText};
use crate::ffi::guard::call;
use crate::ffi::registry::nbd_handle;

/// Sets certificates, a private key or a revocation list in PEM format.
///
/// `what` selects the file of `nbd_set_tls_certificates` that the text replaces:
///
/// - `NBDX_PEM_CA`: the certificate authorities to trust, `ca-cert.pem`.
/// - `NBDX_PEM_CERTIFICATE`: the client certificate, optionally followed by the
///   intermediate certificates up to an authority, `client-cert.pem`.
/// - `NBDX_PEM_KEY`: the private key of that certificate, `client-key.pem`; see
///   `nbdx_set_tls_key_password`.
/// - `NBDX_PEM_CRL`: what the authorities have revoked, `ca-crl.pem`.
///
/// The text is `length` bytes long and has no NUL at its end. Everything in it
/// except blocks of the right kind is ignored, so that one text with both the
/// certificate and the key can be passed twice.
///
/// With `NBDX_PEM_CA`, the directory set with `nbd_set_tls_certificates` need not
/// contain `ca-cert.pem`. Without it, and without that file, the authorities are
/// those that the system trusts. If the key does not belong to the certificate, or
/// one of the two is missing, starting TLS fails. A pre-shared key, in memory or
/// in a file, takes precedence over certificates.
///
/// Errors:
/// - `EINVAL`: `what` is none of the above.
/// - `EINVAL`: `pem` contains no block of the right kind, a malformed block, more
///   than one private key or a NUL, or is longer than 16 MiB. The message contains
///   the number of the line in which a malformed block begins. The previous text
///   remains set.
///
/// See also: `nbd_set_tls`, `nbd_set_tls_certificates`, `nbdx_set_tls_key_password`,
/// `nbdx_set_tls_psk`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbdx_set_tls_pem(
    h: *mut nbd_handle,
    what: c_int,
    pem: *const c_void,
    length: usize,
) -> c_int {
    call!(h, set_tls_pem(what, SecretBytes(pem, length)))
}

/// Sets a pre-shared key (PSK) and the user name for it.
///
/// The key is passed as `length` bytes, at most 512, and not in hexadecimal as in
/// the file of `nbd_set_tls_psk_file`. The name is at most 256 bytes long; names
/// set with `nbd_set_tls_username` or in a URI are not used with this key.
///
/// Errors:
/// - `EINVAL`: the name or the key is empty or too long. The previous key remains
///   set.
///
/// See also: `nbd_set_tls`, `nbd_set_tls_psk_file`, `nbdx_set_tls_pem`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbdx_set_tls_psk(
    h: *mut nbd_handle,
    username: *const c_char,
    key: *const c_void,
    length: usize,
) -> c_int {
    call!(h, set_tls_psk(username, SecretBytes(key, length)))
}

/// Sets the password of the client's private key.
///
/// The key can be in memory, set with `nbdx_set_tls_pem`, or in the file
/// `client-key.pem`. If it is not encrypted, the password has no effect. If the
/// password is wrong, starting TLS fails.
///
/// Errors:
/// - `EINVAL`: `password` is longer than 1023 bytes. The previous password remains
///   set.
///
/// See also: `nbd_set_tls_certificates`, `nbdx_set_tls_pem`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbdx_set_tls_key_password(
    h: *mut nbd_handle,
    password: *const c_char,
) -> c_int {
    call!(h, set_tls_key_password(SecretText(password)))
}
