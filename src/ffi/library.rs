//! Handle and library: creating and closing a handle, the last error, names and
//! versions.
//!
//! A handle is one connection to a server. The last error belongs to the
//! thread, not to the handle, so it can be read even if no handle could be
//! created.

use std::ffi::{c_char, c_int};

use super::guard::{self, ask, get};
use super::last_error;
use super::registry::nbd_handle;
use crate::api::library;

/// Closes a handle and frees it.
///
/// The connection is dropped without telling the server; call `nbd_shutdown`
/// first to end it in order. Commands that have not completed are completed
/// now: their completion callbacks run with the errno of the failure, which is
/// `ENOTCONN` if there is no other. Then all callbacks are freed.
///
/// A subprocess of the handle is given a few seconds to exit after the
/// connection has been closed. Then it is sent `SIGTERM`, or right away if
/// `nbd_connect_systemd_socket_activation` started it. If that does not help
/// either, it is killed. A subprocess that does not die even then, or that may
/// not be signalled because it runs as another user, is abandoned after a few
/// more seconds: it remains a child of the program, which can reap it.
///
/// `h` may be `NULL`; then nothing happens. The pointer is invalid afterwards.
///
/// If a call is using the handle, in another thread or because this function is
/// called in one of its callbacks, `nbd_close` returns at once, and all of the
/// above happens at the end of that call, in its thread. Until then the buffers
/// and callbacks of commands in flight belong to the library.
///
/// See also: `nbd_aio_command_completed`, `nbd_create`, `nbd_shutdown`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_close(h: *mut nbd_handle) {
    // SAFETY: by the contract of all entries, which `ffi` states.
    unsafe { guard::close(h) };
}

/// Creates a handle.
///
/// The handle is in the created state and has the default settings. Handles are
/// named `nbd1`, `nbd2` and so on, in the order in which the process creates
/// them. Debugging is on from the start if the environment variable
/// `LIBNBD_DEBUG` is exactly `1`. Close the handle with `nbd_close`.
///
/// Returns: the handle.
/// Errors:
/// - `ENOTRECOVERABLE`: an internal error occurred.
///
/// See also: `nbd_close`, `nbd_get_errno`, `nbd_get_error`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_create() -> *mut nbd_handle {
    guard::create()
}

/// Returns the message of the last error in this thread.
///
/// The message consists of the name of the function that failed, a description
/// and, unless the errno is 0, what the errno means. Calls that succeed do not
/// change it.
///
/// Returns: the message, or `NULL` if no call has failed in this thread. The
/// string belongs to the library and is valid until another call fails in the
/// same thread.
/// See also: `nbd_get_errno`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_error() -> *const c_char {
    ask!(get_error, last_error::message())
}

/// Returns the errno of the last error in this thread.
///
/// Some errors have no errno: the peer does not speak NBD, a host name cannot
/// be resolved, or the TLS handshake fails. The library does not set the
/// variable `errno` of the C library.
///
/// Returns: the errno, or 0 if the last error has none or no call has failed in
/// this thread.
/// See also: `nbd_get_error`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_errno() -> c_int {
    ask!(get_errno, last_error::errno())
}

/// Returns the name of the library.
///
/// It is always `libnbd`. `h` is not used.
///
/// Returns: a constant string.
/// See also: `nbd_get_version`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_package_name(h: *mut nbd_handle) -> *const c_char {
    get!(h, get_package_name(), library::PACKAGE_NAME.as_ptr())
}

/// Returns the version of the interface that the library implements.
///
/// It consists of the major, minor and release numbers, separated by dots. `h`
/// is not used.
///
/// Returns: a constant string.
/// See also: `nbd_get_package_name`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_version(h: *mut nbd_handle) -> *const c_char {
    get!(h, get_version(), library::VERSION.as_ptr())
}

/// Returns which implementation of the interface this is, and its version.
///
/// The text is meant for people; programs should compare `nbd_get_version`. `h`
/// is not used.
///
/// Returns: a constant string, never `NULL`.
/// See also: `nbd_get_version`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_version_extra(h: *mut nbd_handle) -> *const c_char {
    get!(h, get_version_extra(), library::VERSION_EXTRA.as_ptr())
}

/// Reports whether the library was built with TLS.
///
/// This library always is; other implementations of this interface need not be.
///
/// See also: `nbd_set_tls`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_supports_tls(h: *mut nbd_handle) -> c_int {
    get!(h, supports_tls(), library::SUPPORTS_TLS.into())
}

/// Reports whether the library was built with NBD URIs.
///
/// Without them, the functions that connect to a URI fail with `ENOTSUP`.
///
/// See also: `nbd_aio_connect_uri`, `nbd_connect_uri`, `nbd_get_uri`,
///   `nbd_is_uri`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_supports_uri(h: *mut nbd_handle) -> c_int {
    get!(h, supports_uri(), library::SUPPORTS_URI.into())
}

/// Reports whether the library was built with `AF_VSOCK`.
///
/// Without it, the functions that connect over it fail with `ENOTSUP`.
///
/// See also: `nbd_connect_uri`, `nbd_connect_vsock`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_supports_vsock(h: *mut nbd_handle) -> c_int {
    get!(h, supports_vsock(), library::SUPPORTS_VSOCK.into())
}
