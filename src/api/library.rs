//! Names and versions of the library, and its capabilities.

use std::ffi::CStr;

use super::unlocked;

pub(crate) const PACKAGE_NAME: &CStr = c"libnbd";

pub(crate) const VERSION: &CStr = c"1.24.0";

pub(crate) const VERSION_EXTRA: &CStr = match CStr::from_bytes_with_nul(
    concat!("Rust implementation ", env!("CARGO_PKG_VERSION"), "\0").as_bytes(),
) {
    Ok(text) => text,
    Err(_) => c"Rust implementation",
};

pub(crate) const SUPPORTS_TLS: bool = true;
pub(crate) const SUPPORTS_URI: bool = true;
pub(crate) const SUPPORTS_VSOCK: bool = cfg!(target_os = "linux");

unlocked! {
    /// Returns the name of the library.
    get_package_name() -> &'static CStr, |_handle| PACKAGE_NAME;
    /// Returns the version of the C library that this library replaces.
    get_version() -> &'static CStr, |_handle| VERSION;
    /// Returns which implementation of that version this is.
    get_version_extra() -> &'static CStr, |_handle| VERSION_EXTRA;
    /// Returns whether TLS is supported: always `true`.
    supports_tls() -> bool, |_handle| SUPPORTS_TLS;
    /// Returns whether NBD URIs are supported: always `true`.
    supports_uri() -> bool, |_handle| SUPPORTS_URI;
    /// Returns whether vsock is supported: `true` on Linux.
    supports_vsock() -> bool, |_handle| SUPPORTS_VSOCK;
}
