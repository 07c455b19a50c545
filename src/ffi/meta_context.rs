//! The list of meta contexts to ask the server for. A meta context is a kind of
//! status that block status commands report, such as
//! `LIBNBD_CONTEXT_BASE_ALLOCATION`.
//!
//! The list is what will be asked for; which of them the server has selected,
//! `nbd_can_meta_context` tells. Changing the list does not change the
//! selection.

use std::ffi::{c_char, c_int};

use libc::{size_t, ssize_t};

use super::arguments::text;
use super::guard::call;
use super::registry::nbd_handle;

/// Adds a meta context to the list of those to ask for.
///
/// `name` has the form of a namespace, a colon, and a name within it, and is at
/// most 4096 bytes long. The same name can be added again, which asks for it
/// twice.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EFAULT`: `name` is `NULL`.
/// - `EINVAL`: the handshake is running or over.
/// - `ENAMETOOLONG`: the name is longer than 4096 bytes.
///
/// States: created and negotiating.
/// Since: 1.0.
/// See also: `nbd_block_status_64`, `nbd_can_meta_context`,
///   `nbd_clear_meta_contexts`, `nbd_get_meta_context`,
///   `nbd_get_nr_meta_contexts`.
/// Source: NBD protocol, metadata querying.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1, 2)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_add_meta_context(
    h: *mut nbd_handle,
    name: *const c_char,
) -> c_int {
    // SAFETY: `name` is a string, or null.
    let name = unsafe { text(name) };
    call!(h, add_meta_context(name))
}

/// Empties the list of meta contexts to ask for.
///
/// Returns: 0, or -1 on failure.
/// Errors:
/// - `EINVAL`: the handshake is running or over.
///
/// States: created and negotiating.
/// Since: 1.6.
/// See also: `nbd_add_meta_context`, `nbd_block_status_64`,
///   `nbd_can_meta_context`, `nbd_get_meta_context`,
///   `nbd_get_nr_meta_contexts`, `nbd_set_opt_mode`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_clear_meta_contexts(h: *mut nbd_handle) -> c_int {
    call!(h, clear_meta_contexts())
}

/// Tells how many meta contexts will be asked for.
///
/// Returns: the number of names, or -1 on failure.
/// Errors: none.
/// States: any.
/// Since: 1.6.
/// See also: `nbd_add_meta_context`, `nbd_block_status_64`,
///   `nbd_can_meta_context`, `nbd_clear_meta_contexts`, `nbd_get_meta_context`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_nr_meta_contexts(h: *mut nbd_handle) -> ssize_t {
    call!(h, get_nr_meta_contexts())
}

/// Tells the name of a meta context that will be asked for.
///
/// `i` counts from 0, in the order in which names were added.
///
/// Returns: the name, to be freed with `free`, or `NULL` on failure.
/// Errors:
/// - `EINVAL`: the list is not that long.
/// - `ENOMEM`: there is no memory for the copy.
///
/// States: any.
/// Since: 1.6.
/// See also: `nbd_add_meta_context`, `nbd_block_status_64`,
///   `nbd_can_meta_context`, `nbd_clear_meta_contexts`,
///   `nbd_get_nr_meta_contexts`.
/// cbindgen:postfix=LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1)
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_meta_context(h: *mut nbd_handle, i: size_t) -> *mut c_char {
    call!(h, get_meta_context(i))
}
