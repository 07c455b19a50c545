//! Settings of the handle: its name, a value of the program's own, which export
//! to use, how strictly requests are checked.

use std::ffi::{c_char, c_int};

use libc::uintptr_t;

use super::arguments::text;
use super::guard::{call, get};
use super::registry::nbd_handle;

/// Names the handle in debug messages.
///
/// The name need not be unique.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EFAULT`: `handle_name` is `NULL`.
///
/// States: any.
/// Since: 1.0.
/// See also: `nbd_get_handle_name`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_handle_name(
    h: *mut nbd_handle,
    handle_name: *const c_char,
) -> c_int {
    // SAFETY: `handle_name` is a string, or null.
    let handle_name = unsafe { text(handle_name) };
    call!(h, set_handle_name(handle_name))
}

/// Tells the handle's name.
///
/// Returns: the name, to be freed with `free`, or `NULL` on failure.
/// Errors:
/// - `ENOMEM`: there is no memory for the copy.
///
/// States: any.
/// Since: 1.0.
/// See also: `nbd_set_handle_name`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_handle_name(h: *mut nbd_handle) -> *mut c_char {
    call!(h, get_handle_name())
}

/// Stores a value of the program's own in the handle.
///
/// The library does nothing with it. The handle is not locked, so this can be
/// called from within a callback.
///
/// Returns: the value stored before; 0 at first.
/// Errors: none.
/// States: any.
/// Since: 1.8.
/// See also: `nbd_get_private_data`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_private_data(
    h: *mut nbd_handle,
    private_data: uintptr_t,
) -> uintptr_t {
    get!(h, set_private_data(private_data), 0)
}

/// Tells the value stored with `nbd_set_private_data`.
///
/// The handle is not locked, so this can be called from within a callback.
///
/// Returns: the value; 0 if none was stored.
/// Errors: none.
/// States: any.
/// Since: 1.8.
/// See also: `nbd_set_private_data`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_private_data(h: *mut nbd_handle) -> uintptr_t {
    get!(h, get_private_data(), 0)
}

/// Names the export to use.
///
/// The name is at most 4096 bytes long, should be UTF-8, and is empty at first,
/// which asks for the default export of the server. Oldstyle servers have one
/// export and never learn the name.
///
/// In option mode the name can be changed between options. A different name
/// forgets what was learnt about the export before: size, flags, block sizes,
/// canonical name, description, negotiated meta contexts.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EFAULT`: `export_name` is `NULL`.
/// - `EINVAL`: the handshake is running or over.
/// - `ENAMETOOLONG`: the name is longer than 4096 bytes.
///
/// States: created and negotiating.
/// Since: 1.0.
/// See also: `nbd_connect_uri`, `nbd_get_export_name`, `nbd_opt_go`,
///   `nbd_opt_info`, `nbd_opt_list`, `nbd_set_opt_mode`.
/// Source: NBD protocol, values of strings.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_export_name(
    h: *mut nbd_handle,
    export_name: *const c_char,
) -> c_int {
    // SAFETY: `export_name` is a string, or null.
    let export_name = unsafe { text(export_name) };
    call!(h, set_export_name(export_name))
}

/// Tells the name set with `nbd_set_export_name`.
///
/// What the server calls the export may differ; see
/// `nbd_get_canonical_export_name`.
///
/// Returns: the name, to be freed with `free`, or `NULL` on failure.
/// Errors:
/// - `ENOMEM`: there is no memory for the copy.
///
/// States: any.
/// Since: 1.0.
/// See also: `nbd_connect_uri`, `nbd_get_canonical_export_name`,
///   `nbd_set_export_name`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_export_name(h: *mut nbd_handle) -> *mut c_char {
    call!(h, get_export_name())
}

/// Says whether read buffers are initialised.
///
/// While this is on, as it is at first, a buffer given to a read never shows
/// what was in memory before: bytes that the server did not send are zero when
/// the read has completed, also if it failed. Only a buffer of more than 64 MiB,
/// which no read can fill, is left as it is. Switching it off saves time, but
/// then the program must not look at the buffer of a failed read.
///
/// Returns: 0, or -1 on failure.
/// Errors: none.
/// States: any.
/// Since: 1.12.
/// See also: `nbd_aio_pread`, `nbd_aio_pread_structured`,
///   `nbd_get_pread_initialize`, `nbd_pread`, `nbd_pread_structured`,
///   `nbd_set_strict_mode`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_pread_initialize(
    h: *mut nbd_handle,
    request: bool,
) -> c_int {
    call!(h, set_pread_initialize(request))
}

/// Tells whether read buffers are initialised.
///
/// Returns: 1 if so, else 0.
/// Errors: none.
/// States: any.
/// Since: 1.12.
/// See also: `nbd_aio_pread`, `nbd_aio_pread_structured`, `nbd_pread`,
///   `nbd_pread_structured`, `nbd_set_pread_initialize`, `nbd_set_strict_mode`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_pread_initialize(h: *mut nbd_handle) -> c_int {
    get!(h, get_pread_initialize(), 0)
}

/// Chooses which requests are refused before they are sent.
///
/// `flags` is a sum of the following; at first all of them are set. A request
/// that passes because a check is off is sent, and the server decides.
///
/// - `LIBNBD_STRICT_COMMANDS`: commands and features that the server does not
///   offer, and writes to a read-only export.
///
/// - `LIBNBD_STRICT_FLAGS`: command flags that the command does not take. Flags
///   above 0xffff have no place in a request and are always refused.
///
/// - `LIBNBD_STRICT_BOUNDS`: ranges that reach beyond the export.
///
/// - `LIBNBD_STRICT_ZERO_SIZE`: commands of length 0.
///
/// - `LIBNBD_STRICT_ALIGN`: ranges that are not aligned to the minimum block
///   size.
///
/// - `LIBNBD_STRICT_PAYLOAD`: writes longer than the server accepts.
///
/// - `LIBNBD_STRICT_AUTO_FLAG`: not a check; the library sets
///   `LIBNBD_CMD_FLAG_PAYLOAD_LEN` as the protocol demands, whatever the
///   program says.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EINVAL`: `flags` has an unknown bit; the mode is as before.
///
/// States: any.
/// Since: 1.6.
/// See also: `nbd_get_strict_mode`, `nbd_set_handshake_flags`,
///   `nbd_stats_bytes_received`, `nbd_stats_bytes_sent`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_set_strict_mode(h: *mut nbd_handle, flags: u32) -> c_int {
    call!(h, set_strict_mode(flags))
}

/// Tells which requests are refused before they are sent.
///
/// Returns: a sum of `LIBNBD_STRICT_...` flags.
/// Errors: none.
/// States: any.
/// Since: 1.6.
/// See also: `nbd_set_strict_mode`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_strict_mode(h: *mut nbd_handle) -> u32 {
    get!(h, get_strict_mode(), 0)
}
