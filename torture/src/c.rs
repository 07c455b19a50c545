//! The part of the C interface that the harness uses, declared as the header
//! has it.

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::marker::{PhantomData, PhantomPinned};

// The library is linked because of this.
use nbd as _;

/// The opaque handle.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Handle {
    opaque: [u8; 0],
    pinned: PhantomData<(*mut u8, PhantomPinned)>,
}

/// A closure: a function, what it is called with, and a function that frees it.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Closure<F> {
    pub(crate) function: Option<F>,
    pub(crate) user_data: *mut c_void,
    pub(crate) free: Option<unsafe extern "C" fn(*mut c_void)>,
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    pub(crate) length: u64,
    pub(crate) flags: u64,
}

type Data = *mut c_void;
pub(crate) type Completion = Closure<unsafe extern "C" fn(Data, *mut c_int) -> c_int>;
pub(crate) type Chunk =
    Closure<unsafe extern "C" fn(Data, *const c_void, usize, u64, c_uint, *mut c_int) -> c_int>;
pub(crate) type Extents =
    Closure<unsafe extern "C" fn(Data, *const c_char, u64, *mut u32, usize, *mut c_int) -> c_int>;
pub(crate) type Extents64 = Closure<
    unsafe extern "C" fn(Data, *const c_char, u64, *mut Extent, usize, *mut c_int) -> c_int,
>;
pub(crate) type List = Closure<unsafe extern "C" fn(Data, *const c_char, *const c_char) -> c_int>;
pub(crate) type Context = Closure<unsafe extern "C" fn(Data, *const c_char) -> c_int>;

type H = *mut Handle;

unsafe extern "C-unwind" {
    pub(crate) fn nbd_create() -> H;
    pub(crate) fn nbd_close(h: H);
    pub(crate) fn nbd_get_error() -> *const c_char;
    pub(crate) fn nbd_get_errno() -> c_int;

    pub(crate) fn nbd_set_export_name(h: H, name: *const c_char) -> c_int;
    pub(crate) fn nbd_set_opt_mode(h: H, on: bool) -> c_int;
    pub(crate) fn nbd_set_request_structured_replies(h: H, on: bool) -> c_int;
    pub(crate) fn nbd_set_request_extended_headers(h: H, on: bool) -> c_int;
    pub(crate) fn nbd_set_request_meta_context(h: H, on: bool) -> c_int;
    pub(crate) fn nbd_set_request_block_size(h: H, on: bool) -> c_int;
    pub(crate) fn nbd_set_full_info(h: H, on: bool) -> c_int;
    pub(crate) fn nbd_set_pread_initialize(h: H, on: bool) -> c_int;
    pub(crate) fn nbd_set_handshake_flags(h: H, flags: u32) -> c_int;
    pub(crate) fn nbd_set_strict_mode(h: H, flags: u32) -> c_int;
    pub(crate) fn nbd_set_tls(h: H, tls: c_int) -> c_int;
    pub(crate) fn nbd_add_meta_context(h: H, name: *const c_char) -> c_int;

    pub(crate) fn nbd_aio_connect_socket(h: H, socket: c_int) -> c_int;
    pub(crate) fn nbd_aio_disconnect(h: H, flags: u32) -> c_int;

    pub(crate) fn nbd_aio_opt_go(h: H, done: Completion) -> c_int;
    pub(crate) fn nbd_aio_opt_info(h: H, done: Completion) -> c_int;
    pub(crate) fn nbd_aio_opt_abort(h: H) -> c_int;
    pub(crate) fn nbd_aio_opt_list(h: H, list: List, done: Completion) -> c_int;
    pub(crate) fn nbd_aio_opt_starttls(h: H, done: Completion) -> c_int;
    pub(crate) fn nbd_aio_opt_extended_headers(h: H, done: Completion) -> c_int;
    pub(crate) fn nbd_aio_opt_structured_reply(h: H, done: Completion) -> c_int;
    pub(crate) fn nbd_aio_opt_list_meta_context(h: H, each: Context, done: Completion) -> c_int;
    pub(crate) fn nbd_aio_opt_set_meta_context(h: H, each: Context, done: Completion) -> c_int;

    pub(crate) fn nbd_aio_pread(
        h: H,
        into: *mut c_void,
        count: usize,
        offset: u64,
        done: Completion,
        flags: u32,
    ) -> i64;
    pub(crate) fn nbd_aio_pread_structured(
        h: H,
        into: *mut c_void,
        count: usize,
        offset: u64,
        chunk: Chunk,
        done: Completion,
        flags: u32,
    ) -> i64;
    pub(crate) fn nbd_aio_pwrite(
        h: H,
        from: *const c_void,
        count: usize,
        offset: u64,
        done: Completion,
        flags: u32,
    ) -> i64;
    pub(crate) fn nbd_aio_flush(h: H, done: Completion, flags: u32) -> i64;
    pub(crate) fn nbd_aio_trim(h: H, count: u64, offset: u64, done: Completion, flags: u32) -> i64;
    pub(crate) fn nbd_aio_cache(h: H, count: u64, offset: u64, done: Completion, flags: u32)
    -> i64;
    pub(crate) fn nbd_aio_zero(h: H, count: u64, offset: u64, done: Completion, flags: u32) -> i64;
    pub(crate) fn nbd_aio_block_status(
        h: H,
        count: u64,
        offset: u64,
        extents: Extents,
        done: Completion,
        flags: u32,
    ) -> i64;
    pub(crate) fn nbd_aio_block_status_64(
        h: H,
        count: u64,
        offset: u64,
        extents: Extents64,
        done: Completion,
        flags: u32,
    ) -> i64;
    pub(crate) fn nbd_aio_block_status_filter(
        h: H,
        count: u64,
        offset: u64,
        contexts: *const *const c_char,
        extents: Extents64,
        done: Completion,
        flags: u32,
    ) -> i64;

    pub(crate) fn nbd_poll(h: H, timeout: c_int) -> c_int;
    pub(crate) fn nbd_aio_in_flight(h: H) -> c_int;
    pub(crate) fn nbd_aio_is_connecting(h: H) -> c_int;
    pub(crate) fn nbd_get_size(h: H) -> i64;
    pub(crate) fn nbd_get_block_size(h: H, which: c_int) -> i64;
    pub(crate) fn nbd_connection_state(h: H) -> *const c_char;

    pub(crate) fn nbdx_set_timeout(h: H, which: c_int, milliseconds: i64) -> c_int;
    pub(crate) fn nbdx_aio_get_timeout(h: H) -> c_int;
    pub(crate) fn nbdx_aio_notify_timeout(h: H) -> c_int;
    pub(crate) fn nbdx_aio_cancel_command(h: H, cookie: i64) -> c_int;
    pub(crate) fn nbdx_cancel(h: H) -> c_int;
}
