//! Servers that run as a subprocess of the program.
//!
//! A handle has at most one subprocess, which ends with it: `nbd_close` waits
//! for it for a limited time and leaves no zombie.

use std::ffi::{c_char, c_int};

use super::guard::{call, wait};
use super::registry::nbd_handle;

/// Runs a server as a subprocess, and connects to it.
///
/// The program `argv[0]`, which is searched for in `PATH` unless it contains a
/// slash, runs with the arguments `argv`, which end with `NULL` and are copied.
/// It speaks NBD on its standard input and output, which are one socket;
/// standard error is that of the caller. The environment is inherited.
///
/// `nbd_close` closes the connection and waits until the program has exited. If
/// it does not exit in time, it is sent `SIGTERM`, and then killed.
///
/// Errors:
/// - `EINVAL`: `argv` is empty; the handle stays in the created state.
/// - `ENOENT`, `EACCES`, or another errno of `execve`: the program cannot be
///   run.
/// - Any errno of `socketpair` and `fork`: the program could not be started.
///
/// See also: `nbd_aio_connect_command`,
///   `nbd_connect_systemd_socket_activation`, `nbd_get_subprocess_pid`,
///   `nbd_kill_subprocess`, `nbd_set_opt_mode`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_connect_command(
    h: *mut nbd_handle,
    argv: *mut *mut c_char,
) -> c_int {
    wait!(h, connect_command(argv))
}

/// Runs a server as a subprocess, and starts to connect to it.
///
/// The program, its environment and its end are as described for
/// `nbd_connect_command`.
///
/// Errors:
/// - `EINVAL`: `argv` is empty; the handle stays in the created state.
/// - `ENOENT`, `EACCES`, or another errno of `execve`: the program cannot be
///   run.
/// - Any errno of `socketpair` and `fork`: the program could not be started.
///
/// See also: `nbd_connect_command`, `nbd_set_opt_mode`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_connect_command(
    h: *mut nbd_handle,
    argv: *mut *mut c_char,
) -> c_int {
    call!(h, aio_connect_command(argv))
}

/// Runs a server as a subprocess, and connects to it over a socket.
///
/// The program `argv[0]`, which is searched for in `PATH` unless it contains a
/// slash, runs with the arguments `argv`, which end with `NULL` and are copied.
/// It receives a listening socket as descriptor 3, by the protocol of systemd
/// socket activation: the environment variable `LISTEN_PID` is its process ID,
/// `LISTEN_FDS` is 1, and `LISTEN_FDNAMES` is the name set with
/// `nbd_set_socket_activation_name`, or `unknown`. Otherwise the environment is
/// inherited, and so are standard input, output and error.
///
/// The socket is a Unix domain socket in a new directory below /tmp.
/// `nbd_get_uri` returns its address, so that other handles can connect to it
/// as well. `nbd_close` removes both, sends `SIGTERM` to the program, and waits
/// until it has exited. If it does not exit in time, it is killed.
///
/// Errors:
/// - `EINVAL`: `argv` is empty; the handle stays in the created state.
/// - `ENOENT`, `EACCES`, or another errno of `execve`: the program cannot be
///   run.
/// - Any errno of `mkdtemp`, `bind`, `fork` and `connect`: the socket could not
///   be created, or the program could not be started.
/// - `ECONNRESET`, or 0: the program exited.
///
/// See also: `nbd_aio_connect_systemd_socket_activation`,
///   `nbd_connect_command`, `nbd_get_socket_activation_name`,
///   `nbd_get_subprocess_pid`, `nbd_kill_subprocess`, `nbd_set_opt_mode`,
///   `nbd_set_socket_activation_name`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_connect_systemd_socket_activation(
    h: *mut nbd_handle,
    argv: *mut *mut c_char,
) -> c_int {
    wait!(h, connect_systemd_socket_activation(argv))
}

/// Runs a server as a subprocess, and starts to connect to it over a socket.
///
/// The program, its environment and its end are as described for
/// `nbd_connect_systemd_socket_activation`.
///
/// Errors:
/// - `EINVAL`: `argv` is empty; the handle stays in the created state.
/// - `ENOENT`, `EACCES`, or another errno of `execve`: the program cannot be
///   run.
/// - Any errno of `mkdtemp`, `bind`, `fork` and `connect`: the socket could not
///   be created, or the program could not be started.
///
/// See also: `nbd_connect_systemd_socket_activation`, `nbd_set_opt_mode`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_aio_connect_systemd_socket_activation(
    h: *mut nbd_handle,
    argv: *mut *mut c_char,
) -> c_int {
    call!(h, aio_connect_systemd_socket_activation(argv))
}

/// Sets the name of the socket that an activated server receives.
///
/// The server finds the name in the environment variable `LISTEN_FDNAMES`; some
/// servers decide by it how to use the socket. The name consists of at most 32
/// ASCII letters and digits. By default it is empty, which stands for
/// `unknown`.
///
/// Errors:
/// - `EINVAL`: the name contains other characters; the setting is unchanged.
/// - `ENAMETOOLONG`: the name is too long; the setting is unchanged.
///
/// See also: `nbd_connect_systemd_socket_activation`,
///   `nbd_get_socket_activation_name`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_socket_activation_name(
    h: *mut nbd_handle,
    socket_name: *const c_char,
) -> c_int {
    call!(h, set_socket_activation_name(socket_name))
}

/// Returns the name set with `nbd_set_socket_activation_name`.
///
/// See also: `nbd_connect_systemd_socket_activation`,
///   `nbd_set_socket_activation_name`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_socket_activation_name(h: *mut nbd_handle) -> *mut c_char {
    call!(h, get_socket_activation_name())
}

/// Sends a signal to the subprocess of the handle.
///
/// `signum` is the signal; 0 stands for `SIGTERM`. This function does not reap
/// the subprocess; `nbd_close` does.
///
/// Errors:
/// - `ESRCH`: the handle has no subprocess.
/// - `EINVAL`: `signum` is negative or not a signal.
/// - Any errno of `kill`.
///
/// See also: `nbd_connect_command`, `nbd_get_subprocess_pid`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_kill_subprocess(h: *mut nbd_handle, signum: c_int) -> c_int {
    call!(h, kill_subprocess(signum))
}

/// Returns the process ID of the subprocess of the handle.
///
/// It stays the same after the subprocess has exited, until `nbd_close`.
///
/// Errors:
/// - `ESRCH`: the handle has no subprocess.
///
/// See also: `nbd_connect_command`, `nbd_kill_subprocess`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_subprocess_pid(h: *mut nbd_handle) -> i64 {
    call!(h, get_subprocess_pid())
}
