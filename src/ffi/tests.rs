//! What the entry path guarantees for every function, through the C guard and
//! the method behind it, tested with some of them.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

use super::aio_data::nbd_aio_pread;
use super::callbacks::{nbd_chunk_callback, nbd_completion_callback, nbd_debug_callback};
use super::connect::{nbd_aio_connect, nbd_connect_unix};
use super::data::{nbd_pread, nbd_pread_structured};
use super::debug::{nbd_set_debug, nbd_set_debug_callback};
use super::guard;
use super::handshake::nbd_set_handshake_flags;
use super::library::{nbd_close, nbd_create, nbd_get_errno, nbd_get_error, nbd_get_version};
use super::meta_context::nbd_get_nr_meta_contexts;
use super::registry::nbd_handle;
use super::settings::{nbd_get_handle_name, nbd_set_export_name, nbd_set_handle_name};
use super::state::{nbd_aio_is_created, nbd_aio_is_dead};
use super::tls::{nbd_get_tls, nbd_set_tls};
use crate::client::Handle;
use crate::error::{Error, Result};
use crate::table;

/// The last error of this thread.
fn error() -> (String, c_int) {
    // SAFETY: needs nothing.
    let message = unsafe { nbd_get_error() };
    assert!(!message.is_null());
    // SAFETY: the message is a string until the next error.
    let text = unsafe { CStr::from_ptr(message) };
    // SAFETY: needs nothing.
    let errno = unsafe { nbd_get_errno() };
    (text.to_string_lossy().into_owned(), errno)
}

/// Runs `test` with a handle that is closed afterwards.
fn with_handle(test: impl FnOnce(*mut nbd_handle)) {
    // SAFETY: needs nothing.
    let h = unsafe { nbd_create() };
    assert!(!h.is_null());
    test(h);
    // SAFETY: `h` is a handle.
    unsafe { nbd_close(h) };
}

/// Counts how often it was called, and how often its data was freed.
#[derive(Default)]
struct Counter {
    calls: u32,
    frees: u32,
}

unsafe extern "C" fn freed(data: *mut c_void) {
    // SAFETY: the tests pass a live counter.
    let counter = unsafe { &mut *data.cast::<Counter>() };
    counter.frees = counter.frees.wrapping_add(1);
}

unsafe extern "C" fn completed(data: *mut c_void, _error: *mut c_int) -> c_int {
    // SAFETY: as above.
    let counter = unsafe { &mut *data.cast::<Counter>() };
    counter.calls = counter.calls.wrapping_add(1);
    0
}

fn completion(counter: &mut Counter) -> nbd_completion_callback {
    nbd_completion_callback {
        callback: Some(completed),
        user_data: ptr::from_mut(counter).cast(),
        free: Some(freed),
    }
}

#[test]
fn a_null_handle_is_an_error() {
    let mut counter = Counter::default();
    let mut byte = 0u8;
    // SAFETY: the buffer has one byte.
    let cookie = unsafe {
        let buf = ptr::from_mut(&mut byte).cast();
        nbd_aio_pread(ptr::null_mut(), buf, 1, 0, completion(&mut counter), 0)
    };
    assert_eq!(cookie, -1);
    let (text, errno) = error();
    assert!(text.starts_with("nbd_aio_pread: "), "{text}");
    assert_eq!(errno, libc::EFAULT);
    assert_eq!((counter.calls, counter.frees), (0, 1));
}

#[test]
fn functions_without_errors_answer_for_a_null_handle() {
    // SAFETY: needs nothing.
    let before = unsafe { nbd_get_error() };
    // SAFETY: null is permitted here.
    let version = unsafe { nbd_get_version(ptr::null_mut()) };
    // SAFETY: the version is a string.
    assert_eq!(unsafe { CStr::from_ptr(version) }, c"1.24.0");
    // SAFETY: as above.
    assert_eq!(unsafe { nbd_aio_is_created(ptr::null_mut()) }, 0);
    // SAFETY: as above.
    assert_eq!(unsafe { nbd_get_tls(ptr::null_mut()) }, 0);
    // SAFETY: as above.
    unsafe { nbd_close(ptr::null_mut()) };
    // SAFETY: needs nothing.
    assert_eq!(unsafe { nbd_get_error() }, before);
}

#[test]
fn a_closed_handle_is_recognised() {
    // SAFETY: needs nothing.
    let h = unsafe { nbd_create() };
    // SAFETY: `h` is a handle.
    unsafe { nbd_close(h) };
    // SAFETY: a closed handle can still be detected.
    assert_eq!(unsafe { nbd_get_nr_meta_contexts(h) }, -1);
    assert_eq!(error().1, libc::EINVAL);
    // SAFETY: as above.
    unsafe { nbd_close(h) };
    assert!(error().0.starts_with("nbd_close: "));
}

#[test]
fn the_state_is_checked_before_the_arguments() {
    with_handle(|h| {
        let mut counter = Counter::default();
        let chunk = nbd_chunk_callback {
            callback: None,
            user_data: ptr::from_mut(&mut counter).cast(),
            free: Some(freed),
        };
        // SAFETY: `h` is a handle, and null is permitted.
        let result = unsafe { nbd_pread_structured(h, ptr::null_mut(), 1, 0, chunk, !0) };
        assert_eq!(result, -1);
        assert_eq!(error().1, libc::ENOTCONN);
        assert_eq!(counter.frees, 1);
    });
}

#[test]
fn a_read_buffer_is_sanitised_in_every_state() {
    with_handle(|h| {
        let mut buf = [0xaau8; 16];
        // SAFETY: `h` is a handle, and `buf` is as long as stated.
        let result = unsafe { nbd_pread(h, buf.as_mut_ptr().cast(), 16, 0, 0) };
        assert_eq!(result, -1);
        assert_eq!(buf, [0; 16]);
    });
}

#[test]
fn null_arguments_are_errors() {
    with_handle(|h| {
        // SAFETY: `h` is a handle, and null is permitted.
        assert_eq!(unsafe { nbd_set_export_name(h, ptr::null()) }, -1);
        assert_eq!(error().1, libc::EFAULT);
        // SAFETY: as above.
        assert_eq!(unsafe { nbd_connect_unix(h, ptr::null()) }, -1);
        assert_eq!(error().1, libc::EFAULT);
        // SAFETY: as above.
        assert_eq!(unsafe { nbd_aio_connect(h, ptr::null(), 0) }, -1);
        assert_eq!(error().1, libc::EFAULT);
        let nothing = nbd_debug_callback {
            callback: None,
            user_data: ptr::null_mut(),
            free: None,
        };
        // SAFETY: as above.
        assert_eq!(unsafe { nbd_set_debug_callback(h, nothing) }, -1);
        assert_eq!(error().1, libc::EFAULT);
        // SAFETY: as above.
        assert_eq!(unsafe { nbd_aio_is_created(h) }, 1);
    });
}

#[test]
fn values_and_flags_outside_their_range_are_errors() {
    with_handle(|h| {
        // SAFETY: `h` is a handle.
        assert_eq!(unsafe { nbd_set_tls(h, 3) }, -1);
        assert_eq!(error().1, libc::EINVAL);
        // SAFETY: as above.
        assert_eq!(unsafe { nbd_set_handshake_flags(h, 4) }, -1);
        assert_eq!(error().1, libc::EINVAL);
    });
}

#[test]
fn success_leaves_the_last_error_in_place() {
    with_handle(|h| {
        // SAFETY: `h` is a handle.
        unsafe { nbd_set_tls(h, -1) };
        let before = error();
        // SAFETY: as above, and the name is a string.
        assert_eq!(unsafe { nbd_set_handle_name(h, c"disk".as_ptr()) }, 0);
        // SAFETY: as above.
        let name = unsafe { nbd_get_handle_name(h) };
        // SAFETY: the name is a string.
        assert_eq!(unsafe { CStr::from_ptr(name) }, c"disk");
        // SAFETY: the name came from malloc.
        unsafe { libc::free(name.cast()) };
        assert_eq!(error(), before);
    });
}

/// Runs an operation in place of that of `nbd_poll`.
fn inside_poll(h: *mut nbd_handle, operation: impl FnOnce() -> Result<()>) -> c_int {
    let method = |handle: &Handle| {
        handle.call(
            &table::poll,
            (),
            |(), _| {},
            |_, ()| (),
            |_, ()| operation(),
        )
    };
    // SAFETY: the tests pass a handle.
    unsafe { guard::record(h, &table::poll, false, method) }
}

#[test]
fn an_error_names_the_outer_function_after_a_nested_call() {
    with_handle(|h| {
        let result: c_int = inside_poll(h, || {
            // SAFETY: null is permitted.
            unsafe { nbd_set_tls(ptr::null_mut(), 0) };
            assert!(error().0.starts_with("nbd_set_tls: "));
            Err(Error::without_errno("outer"))
        });
        assert_eq!(result, -1);
        assert_eq!(error(), (String::from("nbd_poll: outer"), 0));
    });
}

#[test]
fn a_panic_ends_the_connection_and_not_the_program() {
    with_handle(|h| {
        let result = inside_poll(h, || panic!("on purpose"));
        assert_eq!(result, -1);
        assert!(error().0.starts_with("nbd_poll: "));
        // SAFETY: `h` is a handle.
        assert_eq!(unsafe { nbd_aio_is_dead(h) }, 1);
    });
}

unsafe extern "C" fn remember(
    data: *mut c_void,
    context: *const c_char,
    message: *const c_char,
) -> c_int {
    // SAFETY: the test passes a live vector.
    let lines = unsafe { &mut *data.cast::<Vec<String>>() };
    // SAFETY: the library passes a string.
    let context = unsafe { CStr::from_ptr(context) }.to_string_lossy();
    // SAFETY: as above.
    let message = unsafe { CStr::from_ptr(message) }.to_string_lossy();
    lines.push(format!("{context}: {message}"));
    0
}

#[test]
fn debug_lines_frame_every_call() {
    let mut lines: Vec<String> = Vec::new();
    with_handle(|h| {
        let callback = nbd_debug_callback {
            callback: Some(remember),
            user_data: ptr::from_mut(&mut lines).cast(),
            free: None,
        };
        // SAFETY: `h` is a handle, and `lines` outlives it.
        unsafe { nbd_set_debug_callback(h, callback) };
        // SAFETY: `h` is a handle.
        unsafe { nbd_set_debug(h, true) };
        // SAFETY: as above, and the name is a string.
        unsafe { nbd_set_export_name(h, c"a\"b".as_ptr()) };
        // SAFETY: as above.
        unsafe { nbd_aio_is_created(h) };
        // SAFETY: as above.
        unsafe { nbd_set_tls(h, 3) };
    });
    let expected = [
        "nbd_set_debug: leave: ret=0",
        "nbd_set_export_name: enter: export_name=\"a\\\"b\"",
        "nbd_set_export_name: leave: ret=0",
        "nbd_aio_is_created: enter:",
        "nbd_aio_is_created: leave: ret=1",
        "nbd_set_tls: enter: tls=3",
        &format!("nbd_set_tls: leave: error=\"{}\"", error().0),
    ];
    assert_eq!(
        lines.get(..expected.len()),
        Some(&expected.map(String::from)[..])
    );
}
