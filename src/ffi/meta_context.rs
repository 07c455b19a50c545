//! The list of meta contexts to request from the server. A meta context is a
//! kind of status that block status commands report, such as
//! `LIBNBD_CONTEXT_BASE_ALLOCATION`.
//!
//! The list is what will be requested; `nbd_can_meta_context` reports which of
//! them the server has selected. Changing the list does not change the
//! selection.

use std::ffi::{c_char, c_int};

use libc::{size_t, ssize_t};

use super::guard::call;
use super::registry::nbd_handle;

/// Adds a meta context to the list of those to request.
///
/// `name` consists of a namespace, a colon, and a name within it, which is not
/// checked, and is at most 4096 bytes long. `LIBNBD_CONTEXT_BASE_ALLOCATION` is
/// such a name, and `LIBNBD_CONTEXT_QEMU_DIRTY_BITMAP "b0"` is that of the bitmap
/// b0. The same name can be added again, and is then requested twice.
///
/// If the server does not have a context, connecting still succeeds;
/// `nbd_can_meta_context` reports which contexts it has selected.
///
/// Errors:
/// - `ENAMETOOLONG`: the name is longer than 4096 bytes.
///
/// See also: `nbd_block_status_64`, `nbd_can_meta_context`,
///   `nbd_clear_meta_contexts`, `nbd_get_meta_context`,
///   `nbd_get_nr_meta_contexts`.
/// Source: NBD protocol, metadata querying.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_add_meta_context(
    h: *mut nbd_handle,
    name: *const c_char,
) -> c_int {
    call!(h, add_meta_context(name))
}

/// Empties the list of meta contexts to request.
///
/// See also: `nbd_add_meta_context`, `nbd_block_status_64`,
///   `nbd_can_meta_context`, `nbd_get_meta_context`,
///   `nbd_get_nr_meta_contexts`, `nbd_set_opt_mode`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_clear_meta_contexts(h: *mut nbd_handle) -> c_int {
    call!(h, clear_meta_contexts())
}

/// Returns the number of meta contexts that will be requested.
///
/// Returns: the number of names, or -1 on failure.
/// See also: `nbd_add_meta_context`, `nbd_block_status_64`,
///   `nbd_can_meta_context`, `nbd_clear_meta_contexts`, `nbd_get_meta_context`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_nr_meta_contexts(h: *mut nbd_handle) -> ssize_t {
    call!(h, get_nr_meta_contexts())
}

/// Returns the name of a meta context that will be requested.
///
/// `i` counts from 0, in the order in which names were added.
///
/// Errors:
/// - `EINVAL`: `i` is not less than the number of names.
///
/// See also: `nbd_add_meta_context`, `nbd_block_status_64`,
///   `nbd_can_meta_context`, `nbd_clear_meta_contexts`,
///   `nbd_get_nr_meta_contexts`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbd_get_meta_context(h: *mut nbd_handle, i: size_t) -> *mut c_char {
    call!(h, get_meta_context(i))
}
