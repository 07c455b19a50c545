//! The handle and the library: making and closing a handle, the last error,
//! names and versions.
//!
//! A handle is one connection to a server. The last error belongs to the
//! thread, not to the handle, so it can be read even if no handle could be
//! made.

use std::ffi::{c_char, c_int};

use super::guard::{self, get};
use super::last_error;
use super::registry::nbd_handle;
use crate::api::library;

/// Closes a handle and frees it.
///
/// Drops the connection without a word to the server; to end it in order, call
/// `nbd_shutdown` first. Commands that have not completed complete now: their
/// completion callbacks run with the errno of the failure, `ENOTCONN` if there
/// is no other. Then all closures are freed.
///
/// A subprocess of the handle is given some seconds to exit by itself once the
/// connection is closed. Then it receives `SIGTERM`, one of
/// `nbd_connect_systemd_socket_activation` already before. If that does not
/// help either, it is killed. One that does not die even so, or may not be
/// signalled because it runs as another user, is left after some more seconds:
/// it remains a child of the program, which can reap it.
///
/// `h` may be `NULL`: nothing happens. No other call may be using the handle,
/// and its pointer is invalid afterwards.
///
/// Returns: nothing.
/// Errors: none.
/// States: any.
/// Since: 1.0.
/// See also: `nbd_aio_command_completed`, `nbd_create`, `nbd_shutdown`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_close(h: *mut nbd_handle) {
    guard::close(h);
}

/// Makes a handle.
///
/// The handle is in the created state, has the default settings, and is named
/// `nbd1`, `nbd2` and so on, in the order of creation in this process.
/// Debugging is on from the start if the environment variable `LIBNBD_DEBUG` is
/// exactly `1`.
///
/// Returns: the handle, to be closed with `nbd_close`, or `NULL` on failure.
/// Errors:
/// - `ENOTRECOVERABLE`: an internal fault.
///
/// Since: 1.0.
/// See also: `nbd_close`, `nbd_get_errno`, `nbd_get_error`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(nbd_close)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_create() -> *mut nbd_handle {
    guard::create()
}

/// Tells what went wrong last in this thread.
///
/// The text is the name of the function that failed, a description and, unless
/// errno is 0, what errno means. Calls that succeed leave it in place.
///
/// Returns: the text, or `NULL` if no call has failed in this thread. It
/// belongs to the library and is valid until the next call of the library in
/// the same thread.
/// Errors: none.
/// Since: 1.0.
/// See also: `nbd_get_errno`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_error() -> *const c_char {
    last_error::message()
}

/// Tells the errno of the last error in this thread.
///
/// Some errors have none: a peer that does not speak NBD, a host name that
/// cannot be resolved, a failed TLS handshake. The variable `errno` of the C
/// library is not set: ask here.
///
/// Returns: the errno, or 0 if the last error has none or no call has failed in
/// this thread.
/// Errors: none.
/// Since: 1.0.
/// See also: `nbd_get_error`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_errno() -> c_int {
    last_error::errno()
}

/// Names the library.
///
/// Always `libnbd`. `h` is not used.
///
/// Returns: a constant string.
/// Errors: none.
/// States: any.
/// Since: 1.0.
/// See also: `nbd_get_version`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_package_name(h: *mut nbd_handle) -> *const c_char {
    get!(h, get_package_name(), library::PACKAGE_NAME.as_ptr())
}

/// Tells which release of the interface the library implements.
///
/// The form is major, minor and release number with dots between them. `h` is
/// not used.
///
/// Returns: a constant string.
/// Errors: none.
/// States: any.
/// Since: 1.0.
/// See also: `nbd_get_package_name`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_version(h: *mut nbd_handle) -> *const c_char {
    get!(h, get_version(), library::VERSION.as_ptr())
}

/// Tells which implementation of the interface this is, and its version.
///
/// The text is for people; programs compare `nbd_get_version`. `h` is not used.
///
/// Returns: a constant string, never `NULL`.
/// Errors: none.
/// States: any.
/// Since: 1.24.
/// See also: `nbd_get_version`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_version_extra(h: *mut nbd_handle) -> *const c_char {
    get!(h, get_version_extra(), library::VERSION_EXTRA.as_ptr())
}

/// Tells whether the library was built with TLS.
///
/// This library always is; others with this interface need not be.
///
/// Returns: 1 if so, else 0.
/// Errors: none.
/// States: any.
/// Since: 1.0.
/// See also: `nbd_set_tls`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_supports_tls(h: *mut nbd_handle) -> c_int {
    get!(h, supports_tls(), library::SUPPORTS_TLS.into())
}

/// Tells whether the library was built with NBD URIs.
///
/// Without them, the functions that connect to a URI fail with `ENOTSUP`.
///
/// Returns: 1 if so, else 0.
/// Errors: none.
/// States: any.
/// Since: 1.0.
/// See also: `nbd_aio_connect_uri`, `nbd_connect_uri`, `nbd_get_uri`,
///   `nbd_is_uri`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_supports_uri(h: *mut nbd_handle) -> c_int {
    get!(h, supports_uri(), library::SUPPORTS_URI.into())
}

/// Tells whether the library was built with `AF_VSOCK`.
///
/// Without it, the functions that connect over it fail with `ENOTSUP`.
///
/// Returns: 1 if so, else 0.
/// Errors: none.
/// States: any.
/// Since: 1.16.
/// See also: `nbd_connect_uri`, `nbd_connect_vsock`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_supports_vsock(h: *mut nbd_handle) -> c_int {
    get!(h, supports_vsock(), library::SUPPORTS_VSOCK.into())
}
