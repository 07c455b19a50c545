//! Settings of the handle: its name, a value of the program's own, which export
//! to use, how strictly requests are checked.

use std::ffi::{c_char, c_int};

use libc::uintptr_t;

use super::arguments::{done, malloced, mask, required, string};
use super::guard;
use super::registry::nbd_handle;
use crate::handle::Handle;
use crate::handle::entry;

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
pub unsafe extern "C" fn nbd_set_handle_name(
    h: *mut nbd_handle,
    handle_name: *const c_char,
) -> c_int {
    // SAFETY: `handle_name` is a string, or null.
    let handle_name = unsafe { string(handle_name) };
    guard::locked(
        h,
        &entry::SET_HANDLE_NAME,
        |a| a.string("handle_name", handle_name),
        |client| {
            let name = required("handle_name", handle_name)?;
            client.debug().set_handle_name(name.to_owned());
            Ok(0)
        },
    )
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
pub unsafe extern "C" fn nbd_get_handle_name(h: *mut nbd_handle) -> *mut c_char {
    guard::locked(
        h,
        &entry::GET_HANDLE_NAME,
        |a| a,
        |client| malloced(&client.debug().handle_name()),
    )
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
pub unsafe extern "C" fn nbd_set_private_data(
    h: *mut nbd_handle,
    private_data: uintptr_t,
) -> uintptr_t {
    guard::unlocked(h, &entry::SET_PRIVATE_DATA, 0, |handle| {
        handle.set_private_data(private_data)
    })
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
pub unsafe extern "C" fn nbd_get_private_data(h: *mut nbd_handle) -> uintptr_t {
    guard::unlocked(h, &entry::GET_PRIVATE_DATA, 0, Handle::private_data)
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
pub unsafe extern "C" fn nbd_set_export_name(
    h: *mut nbd_handle,
    export_name: *const c_char,
) -> c_int {
    // SAFETY: `export_name` is a string, or null.
    let export_name = unsafe { string(export_name) };
    guard::locked(
        h,
        &entry::SET_EXPORT_NAME,
        |a| a.string("export_name", export_name),
        |client| {
            client
                .set_export_name(required("export_name", export_name)?)
                .map(done)
        },
    )
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
pub unsafe extern "C" fn nbd_get_export_name(h: *mut nbd_handle) -> *mut c_char {
    guard::locked(
        h,
        &entry::GET_EXPORT_NAME,
        |a| a,
        |client| malloced(&client.get_export_name()),
    )
}

/// Says whether read buffers are initialised.
///
/// While this is on, as it is at first, a buffer given to a read never shows
/// what was in memory before: bytes that the server did not send are zero when
/// the read has completed, also if it failed. Switching it off saves time, but
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
pub unsafe extern "C" fn nbd_set_pread_initialize(h: *mut nbd_handle, request: bool) -> c_int {
    guard::locked(
        h,
        &entry::SET_PREAD_INITIALIZE,
        |a| a.value("request", request),
        |client| client.set_pread_initialize(request).map(done),
    )
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
pub unsafe extern "C" fn nbd_get_pread_initialize(h: *mut nbd_handle) -> c_int {
    guard::get(h, &entry::GET_PREAD_INITIALIZE, 0, |client| {
        c_int::from(client.pread_initialize())
    })
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
pub unsafe extern "C" fn nbd_set_strict_mode(h: *mut nbd_handle, flags: u32) -> c_int {
    guard::locked(
        h,
        &entry::SET_STRICT_MODE,
        |a| a.flags("flags", flags),
        |client| {
            client
                .set_strict_mode(mask(&entry::SET_STRICT_MODE, "flags", flags)?)
                .map(done)
        },
    )
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
pub unsafe extern "C" fn nbd_get_strict_mode(h: *mut nbd_handle) -> u32 {
    guard::get(h, &entry::GET_STRICT_MODE, 0, |client| client.strict_mode())
}
