//! Servers that run as a subprocess of the program.
//!
//! A handle has one subprocess at most, which ends with it: `nbd_close` waits
//! for it and leaves no zombie, and does not wait for ever.

use std::ffi::{c_char, c_int};

use super::arguments::{text, texts};
use super::guard::{call, wait};
use super::registry::nbd_handle;

/// Runs a program that is the server, and connects to it.
///
/// The program `argv[0]`, looked for in `PATH` unless it contains a slash, runs
/// with the arguments `argv`, which end with `NULL` and are copied. It speaks
/// NBD on its standard input and output, which are one socket; standard error
/// is that of the caller. The environment is inherited.
///
/// `nbd_close` closes the connection and waits until the program has exited;
/// one that has not in good time is sent `SIGTERM`, and then killed.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EFAULT`: `argv` is `NULL`.
/// - `EINVAL`: a connection has been started already.
/// - `EINVAL`: `argv` is empty; the handle stays in the created state.
/// - `ENOENT`, `EACCES`, or another errno of `execve`: the program cannot be
///   run.
/// - Any errno of `socketpair` and `fork`: the program could not be started.
/// - 0: the program exited, did not speak NBD, or broke the protocol.
/// - `ENOTSUP`, `EINVAL`, `ENOENT`, `ESHUTDOWN`, or 0: the server refused the
///   export, with its reason in the message.
///
/// States: created.
/// Since: 1.0.
/// See also: `nbd_aio_connect_command`,
///   `nbd_connect_systemd_socket_activation`, `nbd_get_subprocess_pid`,
///   `nbd_kill_subprocess`, `nbd_set_opt_mode`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_connect_command(
    h: *mut nbd_handle,
    argv: *mut *mut c_char,
) -> c_int {
    // SAFETY: `argv` is a list of strings, or null.
    let argv = unsafe { texts(argv) };
    wait!(h, connect_command(argv))
}

/// Runs a program that is the server, and starts to connect to it.
///
/// The program `argv[0]`, looked for in `PATH` unless it contains a slash, runs
/// with the arguments `argv`, which end with `NULL` and are copied. It speaks
/// NBD on its standard input and output, which are one socket; standard error
/// is that of the caller. The environment is inherited.
///
/// `nbd_close` closes the connection and waits until the program has exited;
/// one that has not in good time is sent `SIGTERM`, and then killed.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EFAULT`: `argv` is `NULL`.
/// - `EINVAL`: a connection has been started already.
/// - `EINVAL`: `argv` is empty; the handle stays in the created state.
/// - `ENOENT`, `EACCES`, or another errno of `execve`: the program cannot be
///   run.
/// - Any errno of `socketpair` and `fork`: the program could not be started.
///
/// States: created.
/// Since: 1.0.
/// See also: `nbd_connect_command`, `nbd_set_opt_mode`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_connect_command(
    h: *mut nbd_handle,
    argv: *mut *mut c_char,
) -> c_int {
    // SAFETY: `argv` is a list of strings, or null.
    let argv = unsafe { texts(argv) };
    call!(h, aio_connect_command(argv))
}

/// Runs a program that is the server, and connects to it over a socket.
///
/// The program `argv[0]`, looked for in `PATH` unless it contains a slash, runs
/// with the arguments `argv`, which end with `NULL` and are copied. It finds a
/// listening socket as descriptor 3, by the protocol of systemd socket
/// activation: the environment variable `LISTEN_PID` is its process id,
/// `LISTEN_FDS` is 1, and `LISTEN_FDNAMES` is the name set with
/// `nbd_set_socket_activation_name`, or `unknown`. Otherwise the environment is
/// inherited, and so are standard input, output and error.
///
/// The socket is a Unix domain socket in a new directory below /tmp, and
/// `nbd_get_uri` tells which: other handles can connect to it as well.
/// `nbd_close` removes both, sends `SIGTERM` to the program, and waits until it
/// has exited; one that has not in good time is killed.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EFAULT`: `argv` is `NULL`.
/// - `EINVAL`: a connection has been started already.
/// - `EINVAL`: `argv` is empty; the handle stays in the created state.
/// - `ENOENT`, `EACCES`, or another errno of `execve`: the program cannot be
///   run.
/// - Any errno of `mkdtemp`, `bind`, `fork` and `connect`: the socket could not
///   be made, or the program could not be started.
/// - `ECONNRESET`, or 0: the program exited.
/// - 0: the program did not speak NBD, or broke the protocol.
/// - `ENOTSUP`, `EINVAL`, `ENOENT`, `ESHUTDOWN`, or 0: the server refused the
///   export, with its reason in the message.
///
/// States: created.
/// Since: 1.2.
/// See also: `nbd_aio_connect_systemd_socket_activation`,
///   `nbd_connect_command`, `nbd_get_socket_activation_name`,
///   `nbd_get_subprocess_pid`, `nbd_kill_subprocess`, `nbd_set_opt_mode`,
///   `nbd_set_socket_activation_name`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_connect_systemd_socket_activation(
    h: *mut nbd_handle,
    argv: *mut *mut c_char,
) -> c_int {
    // SAFETY: `argv` is a list of strings, or null.
    let argv = unsafe { texts(argv) };
    wait!(h, connect_systemd_socket_activation(argv))
}

/// Runs a program that is the server, and starts to connect to it over a socket.
///
/// The program, its environment and its end are those of
/// `nbd_connect_systemd_socket_activation`.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EFAULT`: `argv` is `NULL`.
/// - `EINVAL`: a connection has been started already.
/// - `EINVAL`: `argv` is empty; the handle stays in the created state.
/// - `ENOENT`, `EACCES`, or another errno of `execve`: the program cannot be
///   run.
/// - Any errno of `mkdtemp`, `bind`, `fork` and `connect`: the socket could not
///   be made, or the program could not be started.
///
/// States: created.
/// Since: 1.2.
/// See also: `nbd_connect_systemd_socket_activation`, `nbd_set_opt_mode`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_connect_systemd_socket_activation(
    h: *mut nbd_handle,
    argv: *mut *mut c_char,
) -> c_int {
    // SAFETY: `argv` is a list of strings, or null.
    let argv = unsafe { texts(argv) };
    call!(h, aio_connect_systemd_socket_activation(argv))
}

/// Names the socket that an activated server finds.
///
/// The server finds it in the environment variable `LISTEN_FDNAMES`; some
/// choose by it what to do with the socket. The name consists of at most 32
/// ASCII letters and digits. At first it is empty, which stands for `unknown`.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EFAULT`: `socket_name` is `NULL`.
/// - `EINVAL`: a connection has been started already.
/// - `EINVAL`: the name has other characters; it is as before.
/// - `ENAMETOOLONG`: the name is too long; it is as before.
///
/// States: created.
/// Since: 1.16.
/// See also: `nbd_connect_systemd_socket_activation`,
///   `nbd_get_socket_activation_name`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_socket_activation_name(
    h: *mut nbd_handle,
    socket_name: *const c_char,
) -> c_int {
    // SAFETY: `socket_name` is a string, or null.
    let socket_name = unsafe { text(socket_name) };
    call!(h, set_socket_activation_name(socket_name))
}

/// Tells the name set with `nbd_set_socket_activation_name`.
///
/// Returns: the name, to be freed with `free`, or `NULL` on failure.
/// Errors:
/// - `ENOMEM`: there is no memory for the copy.
///
/// States: any.
/// Since: 1.16.
/// See also: `nbd_connect_systemd_socket_activation`,
///   `nbd_set_socket_activation_name`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_socket_activation_name(h: *mut nbd_handle) -> *mut c_char {
    call!(h, get_socket_activation_name())
}

/// Sends a signal to the subprocess of the handle.
///
/// `signum` is the signal; 0 stands for `SIGTERM`. The subprocess is reaped by
/// `nbd_close`, not here.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `ESRCH`: the handle runs no subprocess.
/// - `EINVAL`: `signum` is negative or no signal.
/// - Any errno of `kill`.
///
/// States: any.
/// Since: 1.0.
/// See also: `nbd_connect_command`, `nbd_get_subprocess_pid`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_kill_subprocess(h: *mut nbd_handle, signum: c_int) -> c_int {
    call!(h, kill_subprocess(signum))
}

/// Tells the process id of the subprocess of the handle.
///
/// It stays the same after the subprocess has exited, until `nbd_close`.
///
/// Returns: the process id, or -1 on failure.
/// Errors:
/// - `ESRCH`: the handle runs no subprocess.
///
/// States: any.
/// Since: 1.22.
/// See also: `nbd_connect_command`, `nbd_kill_subprocess`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_subprocess_pid(h: *mut nbd_handle) -> i64 {
    call!(h, get_subprocess_pid())
}
