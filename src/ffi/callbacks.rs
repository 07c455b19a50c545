//! The callback types of the C interface, passed by value.
//!
//! Each is a function, the data it is called with, and a function that frees
//! the data, which may be absent.  The library calls `free` exactly once, when
//! it will not call `callback` again, also if the call that took the callback
//! fails.

#![allow(
    non_camel_case_types,
    reason = "the names are those of the C interface"
)]

use std::ffi::{c_char, c_int, c_uint, c_void};

use libc::size_t;

use super::arguments::IntoArgument;

use crate::api::callbacks::{
    ChunkCallback, CompletionCallback, ContextCallback, DebugCallback, Extent64Callback,
    ExtentCallback, ListCallback,
};
use crate::callback::Closure;
pub use crate::callback::Extent as nbd_extent;

/// Called for each part of a structured read; see `nbd_pread_structured`.
#[repr(C)]
pub struct nbd_chunk_callback {
    /// `subbuf` points into the buffer of the read, `count` is the length in
    /// bytes, `offset` the place in the export, `status` one of
    /// `LIBNBD_READ_DATA`, `_HOLE` and `_ERROR`. `*error` is the errno of the
    /// command so far.
    pub callback: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            subbuf: *const c_void,
            count: size_t,
            offset: u64,
            status: c_uint,
            error: *mut c_int,
        ) -> c_int,
    >,
    /// Passed to both functions.
    pub user_data: *mut c_void,
    /// Frees `user_data`; may be `NULL`.
    pub free: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

/// Called when an asynchronous command or option completes.
#[repr(C)]
pub struct nbd_completion_callback {
    /// `*error` is 0 or the errno of the failure. Returning 1 retires the
    /// command.
    pub callback: Option<unsafe extern "C" fn(user_data: *mut c_void, error: *mut c_int) -> c_int>,
    /// Passed to both functions.
    pub user_data: *mut c_void,
    /// Frees `user_data`; may be `NULL`.
    pub free: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

/// Called for each debug message; see `nbd_set_debug_callback`.
#[repr(C)]
pub struct nbd_debug_callback {
    /// `context` is the public function that is running, `msg` the message
    /// without a newline. The return value is ignored.
    pub callback: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            context: *const c_char,
            msg: *const c_char,
        ) -> c_int,
    >,
    /// Passed to both functions.
    pub user_data: *mut c_void,
    /// Frees `user_data`; may be `NULL`.
    pub free: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

/// Called for each meta context of a block status reply, with 32-bit extents;
/// see `nbd_block_status`.
#[repr(C)]
pub struct nbd_extent_callback {
    /// `entries` holds pairs of length in bytes and status flags, `nr_entries`
    /// counts the words, two for each extent. `offset` is where the request
    /// began.
    pub callback: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            metacontext: *const c_char,
            offset: u64,
            entries: *mut u32,
            nr_entries: size_t,
            error: *mut c_int,
        ) -> c_int,
    >,
    /// Passed to both functions.
    pub user_data: *mut c_void,
    /// Frees `user_data`; may be `NULL`.
    pub free: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

/// Called for each meta context of a block status reply, with 64-bit extents;
/// see `nbd_block_status_64`.
#[repr(C)]
pub struct nbd_extent64_callback {
    /// `entries` holds `nr_entries` extents. `offset` is where the request
    /// began.
    pub callback: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            metacontext: *const c_char,
            offset: u64,
            entries: *mut nbd_extent,
            nr_entries: size_t,
            error: *mut c_int,
        ) -> c_int,
    >,
    /// Passed to both functions.
    pub user_data: *mut c_void,
    /// Frees `user_data`; may be `NULL`.
    pub free: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

/// Called for each export that a server lists; see `nbd_opt_list`.
#[repr(C)]
pub struct nbd_list_callback {
    /// `description` is empty if the server gave none. The return value is
    /// ignored.
    pub callback: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            name: *const c_char,
            description: *const c_char,
        ) -> c_int,
    >,
    /// Passed to both functions.
    pub user_data: *mut c_void,
    /// Frees `user_data`; may be `NULL`.
    pub free: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

/// Called for each meta context that a server lists or selects; see
/// `nbd_opt_list_meta_context` and `nbd_opt_set_meta_context`.
#[repr(C)]
pub struct nbd_context_callback {
    /// The return value is ignored.
    pub callback:
        Option<unsafe extern "C" fn(user_data: *mut c_void, name: *const c_char) -> c_int>,
    /// Passed to both functions.
    pub user_data: *mut c_void,
    /// Frees `user_data`; may be `NULL`.
    pub free: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

// Taken over, a closure is freed exactly once from here on.

impl<T> IntoArgument<CompletionCallback<T>> for nbd_completion_callback {
    /// As for `Closure::new`.
    unsafe fn into_argument(self) -> CompletionCallback<T> {
        // SAFETY: by the contract of this function.
        let closure = unsafe { Closure::new(self.callback, self.user_data, self.free) };
        CompletionCallback::from_closure(closure)
    }
}

macro_rules! closures {
    ($($c_type:ident => $callback:ident;)*) => {$(
        impl IntoArgument<$callback<'static>> for $c_type {
            /// As for `Closure::new`.
            unsafe fn into_argument(self) -> $callback<'static> {
                let function = self.callback.map(Into::into);
                // SAFETY: by the contract of this function.
                let closure = unsafe { Closure::new(function, self.user_data, self.free) };
                $callback::from_closure(closure)
            }
        }
    )*};
}

closures! {
    nbd_chunk_callback => ChunkCallback;
    nbd_debug_callback => DebugCallback;
    nbd_extent_callback => ExtentCallback;
    nbd_extent64_callback => Extent64Callback;
    nbd_list_callback => ListCallback;
    nbd_context_callback => ContextCallback;
}
