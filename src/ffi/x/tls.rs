//! TLS: credentials that are not files.
//!
//! Each takes the place of a file, and prevails if there is one; what is not
//! given is looked for in files as ever. The call makes a copy. It is wiped when
//! another takes its place and when the handle is closed, is never part of debug
//! messages, and cannot be given in a URI or in the environment.

use std::ffi::{c_char, c_int, c_void};

use crate::ffi::arguments::{secret, text};
use crate::ffi::guard::call;
use crate::ffi::registry::nbd_handle;

/// Gives certificates, a private key or a revocation list in PEM format.
///
/// `what` says which file of `nbd_set_tls_certificates` it stands for:
///
/// - `NBDX_PEM_CA`: the certificate authorities to trust, `ca-cert.pem`.
/// - `NBDX_PEM_CERTIFICATE`: the client certificate, which can be followed by
///   those that lead to an authority, `client-cert.pem`.
/// - `NBDX_PEM_KEY`: the private key of that certificate, `client-key.pem`; see
///   `nbdx_set_tls_key_password`.
/// - `NBDX_PEM_CRL`: what the authorities have revoked, `ca-crl.pem`.
///
/// The text is `length` bytes long, without a NUL at its end. What stands in it
/// besides blocks of the right kind is passed over, so that certificate and key
/// can be one text that is given twice.
///
/// With `NBDX_PEM_CA`, the directory set with `nbd_set_tls_certificates` need not
/// contain `ca-cert.pem`. Without it, and without that file, the authorities are
/// those that the system trusts. Whether the key belongs to the certificate shows
/// when TLS starts, and so does a certificate without a key. A pre-shared key, in
/// memory or in a file, prevails over certificates.
///
/// Errors:
/// - `EINVAL`: `what` is none of the above.
/// - `EINVAL`: `pem` has no block of the right kind, a block is malformed, there
///   is more than one private key, or a NUL, or the text is longer than 16 MiB.
///   The message contains the number of the line in which the block begins. What
///   was given before stays.
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
    // SAFETY: `pem` is `length` bytes long, or null.
    let pem = unsafe { secret(pem, length) };
    call!(h, set_tls_pem(what, pem))
}

/// Gives a pre-shared key (PSK) and the user that it belongs to.
///
/// The key is `length` bytes, at most 512: not the hexadecimal digits of the
/// file of `nbd_set_tls_psk_file`. The name is at most 256 bytes long; what
/// `nbd_set_tls_username` or a URI says is not used with this key.
///
/// Errors:
/// - `EINVAL`: the name or the key is empty or too long. What was given before
///   stays.
///
/// See also: `nbd_set_tls`, `nbd_set_tls_psk_file`, `nbdx_set_tls_pem`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbdx_set_tls_psk(
    h: *mut nbd_handle,
    username: *const c_char,
    key: *const c_void,
    length: usize,
) -> c_int {
    // SAFETY: `username` is a string, or null.
    let username = unsafe { text(username) };
    // SAFETY: `key` is `length` bytes long, or null.
    let key = unsafe { secret(key, length) };
    call!(h, set_tls_psk(username, key))
}

/// Gives the password of the client's private key.
///
/// It is for the key that is used, whether it was given with `nbdx_set_tls_pem`
/// or is in the file `client-key.pem`, and has no effect if the key is not
/// encrypted. Whether it is the right one shows when TLS starts.
///
/// Errors:
/// - `EINVAL`: `password` is longer than 1023 bytes. What was given before stays.
///
/// See also: `nbd_set_tls_certificates`, `nbdx_set_tls_pem`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbdx_set_tls_key_password(
    h: *mut nbd_handle,
    password: *const c_char,
) -> c_int {
    // SAFETY: `password` is a string, or null.
    let password = unsafe { text(password) };
    call!(h, set_tls_key_password(password.as_bytes()))
}
