//! Settings of the handle: its name, a value of the program's own, which export
//! to use, how strictly requests are checked.

use std::ffi::{c_char, c_int};

use libc::uintptr_t;

use super::guard::{call, get};
use super::registry::nbd_handle;

/// Sets the name of the handle in debug messages.
///
/// The name need not be unique.
///
/// See also: `nbd_get_handle_name`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_handle_name(
    h: *mut nbd_handle,
    handle_name: *const c_char,
) -> c_int {
    call!(h, set_handle_name(handle_name))
}

/// Returns the name of the handle.
///
/// See also: `nbd_set_handle_name`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_handle_name(h: *mut nbd_handle) -> *mut c_char {
    call!(h, get_handle_name())
}

/// Stores a value of the program's own in the handle.
///
/// The library does not use it. The handle is not locked, so this function can
/// be called from a callback.
///
/// Returns: the value that was stored before, which is 0 by default.
/// See also: `nbd_get_private_data`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_private_data(
    h: *mut nbd_handle,
    private_data: uintptr_t,
) -> uintptr_t {
    get!(h, set_private_data(private_data), 0)
}

/// Returns the value stored with `nbd_set_private_data`.
///
/// The handle is not locked, so this function can be called from a callback.
///
/// Returns: the value, or 0 if none has been stored.
/// See also: `nbd_set_private_data`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_private_data(h: *mut nbd_handle) -> uintptr_t {
    get!(h, get_private_data(), 0)
}

/// Sets the name of the export to use.
///
/// The name is at most 4096 bytes long and should be UTF-8. By default it is
/// empty, which requests the default export of the server. Oldstyle servers
/// have one export and never receive the name.
///
/// In option mode the name can be changed between options. A different name
/// discards what is known about the export: size, flags, block sizes, canonical
/// name, description, negotiated meta contexts.
///
/// Errors:
/// - `ENAMETOOLONG`: the name is longer than 4096 bytes.
///
/// See also: `nbd_connect_uri`, `nbd_get_export_name`, `nbd_opt_go`,
///   `nbd_opt_info`, `nbd_opt_list`, `nbd_set_opt_mode`.
/// Source: NBD protocol, values of strings.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_export_name(
    h: *mut nbd_handle,
    export_name: *const c_char,
) -> c_int {
    call!(h, set_export_name(export_name))
}

/// Returns the name set with `nbd_set_export_name`.
///
/// The server may use a different name for the export; see
/// `nbd_get_canonical_export_name`.
///
/// See also: `nbd_connect_uri`, `nbd_get_canonical_export_name`,
///   `nbd_set_export_name`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_export_name(h: *mut nbd_handle) -> *mut c_char {
    call!(h, get_export_name())
}

/// Sets whether read buffers are initialised.
///
/// While this is on, which is the default, the buffer of a read never shows
/// what was in memory before: bytes that the server did not send are zero when
/// the read has completed, even if it failed. Only a buffer of more than 64
/// MiB, which no read can fill, is left unchanged. Switching this off saves
/// time, but then the program must not look at the buffer of a failed read.
///
/// See also: `nbd_aio_pread`, `nbd_aio_pread_structured`,
///   `nbd_get_pread_initialize`, `nbd_pread`, `nbd_pread_structured`,
///   `nbd_set_strict_mode`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_pread_initialize(
    h: *mut nbd_handle,
    request: bool,
) -> c_int {
    call!(h, set_pread_initialize(request))
}

/// Reports whether read buffers are initialised.
///
/// See also: `nbd_aio_pread`, `nbd_aio_pread_structured`, `nbd_pread`,
///   `nbd_pread_structured`, `nbd_set_pread_initialize`, `nbd_set_strict_mode`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_pread_initialize(h: *mut nbd_handle) -> c_int {
    get!(h, get_pread_initialize(), 0)
}

/// Sets which requests are refused before they are sent.
///
/// `flags` is a bitwise OR of the following; by default all of them are set. A
/// request that passes because a check is off is sent, and the server decides.
///
/// - `LIBNBD_STRICT_COMMANDS`: commands and features that the server does not
///   offer, and writes to a read-only export.
/// - `LIBNBD_STRICT_FLAGS`: command flags that the command does not accept.
///   Flags above 0xffff have no place in a request and are always refused.
/// - `LIBNBD_STRICT_BOUNDS`: ranges that extend beyond the end of the export.
/// - `LIBNBD_STRICT_ZERO_SIZE`: commands of length 0.
/// - `LIBNBD_STRICT_ALIGN`: ranges that are not aligned to the minimum block
///   size.
/// - `LIBNBD_STRICT_PAYLOAD`: writes that are longer than the server accepts.
/// - `LIBNBD_STRICT_AUTO_FLAG`: not a check; the library sets or clears
///   `LIBNBD_CMD_FLAG_PAYLOAD_LEN` as the protocol requires, whatever the
///   program passes.
///
/// See also: `nbd_get_strict_mode`, `nbd_set_handshake_flags`,
///   `nbd_stats_bytes_received`, `nbd_stats_bytes_sent`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_strict_mode(h: *mut nbd_handle, flags: u32) -> c_int {
    call!(h, set_strict_mode(flags))
}

/// Returns which requests are refused before they are sent.
///
/// Returns: a bitwise OR of `LIBNBD_STRICT_...` flags.
/// See also: `nbd_set_strict_mode`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_strict_mode(h: *mut nbd_handle) -> u32 {
    get!(h, get_strict_mode(), 0)
}
