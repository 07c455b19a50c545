//! The calls of OpenSSL for which there is no safe wrapper, or no suitable one:
//! the data of reads and writes is the caller's memory, to which no reference
//! may be formed.

#![allow(unsafe_code, reason = "these are OpenSSL's own functions")]

use std::ffi::{CStr, CString, OsString, c_char, c_int, c_void};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::ptr;

use foreign_types::{ForeignType, ForeignTypeRef};
use openssl::error::ErrorStack;
use openssl::ssl::{SslContextBuilder, SslStream};
use openssl::x509::store::X509StoreBuilderRef;
use openssl::x509::{X509, X509Crl};
use openssl_sys as sys;

use super::wire::Wire;
use crate::memory::{ReceiveVector, SendVector};

/// Why a call had no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// More bytes from the peer are needed.
    WantRead,
    /// The peer has sent close_notify.
    Goodbye,
    /// The session is broken.
    Failed,
}

/// Decrypts into the vector.
pub fn read(stream: &mut SslStream<Wire>, into: &mut ReceiveVector<'_>) -> Result<usize, Stop> {
    let (start, len) = into.parts();
    let mut count = 0;
    call(stream, |ssl| {
        // SAFETY: the vector is memory that may be written.
        unsafe { sys::SSL_read_ex(ssl, start.cast(), len, &raw mut count) }
    })?;
    Ok(count)
}

/// Encrypts all of the vector.
pub fn write(stream: &mut SslStream<Wire>, from: &SendVector<'_>) -> Result<(), Stop> {
    let (start, len) = from.parts();
    let mut count = 0;
    call(stream, |ssl| {
        // SAFETY: the vector is memory that may be read.
        unsafe { sys::SSL_write_ex(ssl, start.cast(), len, &raw mut count) }
    })
}

/// Advances the handshake.
pub fn connect(stream: &mut SslStream<Wire>) -> Result<(), Stop> {
    // SAFETY: `call` passes a live session.
    call(stream, |ssl| unsafe { sys::SSL_connect(ssl) })
}

/// Sends close_notify, and does not wait for that of the peer.
pub fn shut_down(stream: &mut SslStream<Wire>) -> Result<(), Stop> {
    // SAFETY: `call` passes a live session.
    call(stream, |ssl| match unsafe { sys::SSL_shutdown(ssl) } {
        // Ours has been sent; the peer's has not arrived.
        0 => 1,
        status => status,
    })
}

fn call(
    stream: &mut SslStream<Wire>,
    function: impl FnOnce(*mut sys::SSL) -> c_int,
) -> Result<(), Stop> {
    let ssl = stream.ssl().as_ptr();
    // Errors that the program may have left in the thread's queue would be
    // mistaken for the reason of a failure here.  SAFETY: needs nothing.
    unsafe { sys::ERR_clear_error() };
    let status = function(ssl);
    if status > 0 {
        return Ok(());
    }
    // SAFETY: `stream` keeps the session alive, and `status` is what the last
    // call on it has returned in this thread.
    Err(match unsafe { sys::SSL_get_error(ssl, status) } {
        sys::SSL_ERROR_WANT_READ => Stop::WantRead,
        sys::SSL_ERROR_ZERO_RETURN => Stop::Goodbye,
        _ => Stop::Failed,
    })
}

unsafe extern "C" {
    // Part of OpenSSL's interface, but not of the crate.
    fn OPENSSL_cleanse(bytes: *mut c_void, length: usize);
    fn OPENSSL_thread_stop();
    fn PEM_read_bio_X509_AUX(
        bio: *mut sys::BIO,
        into: *mut *mut sys::X509,
        password: *const c_void,
        argument: *mut c_void,
    ) -> *mut sys::X509;
    fn X509_STORE_add_crl(store: *mut sys::X509_STORE, crl: *mut sys::X509_CRL) -> c_int;
}

/// Overwrites bytes, even though nobody reads them again.
pub fn cleanse(bytes: &mut [u8]) {
    // SAFETY: they may be written.
    unsafe { OPENSSL_cleanse(bytes.as_mut_ptr().cast(), bytes.len()) }
}

/// Frees what OpenSSL stores for this thread.  OpenSSL allocates it again if it
/// is used again.
pub fn stop_thread() {
    // SAFETY: needs nothing.
    unsafe { OPENSSL_thread_stop() }
}

/// The first certificate in a PEM text, including the form that lists what it
/// is trusted for.
pub fn trusted_certificate(text: &[u8]) -> Result<X509, ErrorStack> {
    let length = c_int::try_from(text.len()).unwrap_or(c_int::MAX);
    // SAFETY: the text outlives the object, which only reads it and is freed
    // here; a certificate needs no password.
    let certificate = unsafe {
        let bio = sys::BIO_new_mem_buf(text.as_ptr().cast(), length);
        if bio.is_null() {
            return Err(ErrorStack::get());
        }
        let certificate = PEM_read_bio_X509_AUX(bio, ptr::null_mut(), ptr::null(), ptr::null_mut());
        sys::BIO_free_all(bio);
        certificate
    };
    if certificate.is_null() {
        return Err(ErrorStack::get());
    }
    // SAFETY: it is new, and nobody else owns it.
    Ok(unsafe { X509::from_ptr(certificate) })
}

/// Adds a certificate revocation list to a store.
pub fn add_crl(store: &mut X509StoreBuilderRef, crl: &X509Crl) -> Result<(), ErrorStack> {
    // SAFETY: both are live objects; the store takes a reference of its own.
    if unsafe { X509_STORE_add_crl(store.as_ptr(), crl.as_ptr()) } == 1 {
        Ok(())
    } else {
        Err(ErrorStack::get())
    }
}

/// The security level of a new context, from 0 (anything is accepted) to 5; the
/// administrator may have raised it.
pub fn security_level(context: &SslContextBuilder) -> u32 {
    // SAFETY: the context lives through the call.
    let level = unsafe { sys::SSL_CTX_get_security_level(context.as_ptr()) };
    u32::try_from(level).unwrap_or(0)
}

/// Where OpenSSL looks for the certificates that the system trusts: the
/// environment variable that names the place, and the default place; first for
/// the file, then for the directory.
pub fn system_trust() -> [(CString, PathBuf); 2] {
    // SAFETY: the functions need nothing, and return constant strings.
    let [file_variable, file, directory_variable, directory] = unsafe {
        [
            constant(sys::X509_get_default_cert_file_env()),
            constant(sys::X509_get_default_cert_file()),
            constant(sys::X509_get_default_cert_dir_env()),
            constant(sys::X509_get_default_cert_dir()),
        ]
    };
    [
        (file_variable.to_owned(), path(file)),
        (directory_variable.to_owned(), path(directory)),
    ]
}

/// # Safety
/// `text` must be a string that is never freed.
unsafe fn constant(text: *const c_char) -> &'static CStr {
    // SAFETY: by the contract of this function.
    unsafe { CStr::from_ptr(text) }
}

fn path(text: &CStr) -> PathBuf {
    OsString::from_vec(text.to_bytes().to_vec()).into()
}
