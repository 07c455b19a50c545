//! Names and versions of the library, and what it can do.

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
pub(crate) const SUPPORTS_VSOCK: bool = true;

unlocked! {
    /// The name of the library.
    get_package_name() -> &'static CStr, |_handle| PACKAGE_NAME;
    /// The version of the C library that this one is a successor of.
    get_version() -> &'static CStr, |_handle| VERSION;
    /// Which implementation of that version this is.
    get_version_extra() -> &'static CStr, |_handle| VERSION_EXTRA;
    /// Whether connections can be encrypted: always.
    supports_tls() -> bool, |_handle| SUPPORTS_TLS;
    /// Whether servers can be named by URI: always.
    supports_uri() -> bool, |_handle| SUPPORTS_URI;
    /// Whether servers on the host of a virtual machine can be reached: always.
    supports_vsock() -> bool, |_handle| SUPPORTS_VSOCK;
}
