//! The last error of each thread: message and errno.
//!
//! It can be read until the very end of a thread, even in the destructors of
//! the program's own thread-specific data and in exit handlers.  So it is
//! stored in memory that needs no destructor.  A message that is too long for
//! that memory is stored on the heap, as long as there is still a way to have
//! it freed.

use std::cell::{Cell, UnsafeCell};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::client::debug;
use crate::error::Error;
use crate::unwind::contain;

/// Nearly every message is shorter.
const ROOM: usize = 512;

struct LastError {
    /// What `message` returns: null, the text below, or a string on the heap.
    message: Cell<*mut c_char>,
    text: UnsafeCell<[u8; ROOM]>,
    errno: Cell<c_int>,
    /// The thread ends, so nothing on the heap would be freed.
    ends: Cell<bool>,
}

thread_local! {
    static LAST: LastError = const {
        LastError {
            message: Cell::new(ptr::null_mut()),
            text: UnsafeCell::new([0; ROOM]),
            errno: Cell::new(0),
            ends: Cell::new(false),
        }
    };
}

/// Records the error of a public function.
#[cold]
#[inline(never)]
pub(super) fn set(function: &CStr, error: Error) {
    // Formatting does not panic; if it did, the panic would end here.
    contain(|| {
        let message = debug::without_nul(&error.in_function(function));
        LAST.with(|last| last.set(message, error.errno()));
    });
}

/// The message, owned by the thread until its next error; null if it never
/// had one.
pub(super) fn message() -> *const c_char {
    LAST.with(|last| last.message.get())
}

/// The errno; zero if the thread never had an error or no errno describes it.
pub(super) fn errno() -> c_int {
    LAST.with(|last| last.errno.get())
}

impl LastError {
    fn set(&self, message: CString, errno: c_int) {
        self.free();
        self.errno.set(errno);
        let is_short = message.as_bytes_with_nul().len() <= ROOM;
        if is_short || self.ends.get() || !free_at_the_end() {
            self.keep_short(&message);
        } else {
            self.message.set(message.into_raw());
        }
    }

    /// Keeps as much of the message as there is room for.
    fn keep_short(&self, message: &CStr) {
        let start: *mut u8 = self.text.get().cast();
        let bytes = message.to_bytes();
        let len = bytes.len().min(ROOM.saturating_sub(1));
        // SAFETY: `len` bytes and the NUL fit into the text.  Only this thread
        // has access to it, and the message is not part of it.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), start, len);
            start.add(len).write(0);
        }
        self.message.set(start.cast());
    }

    /// Frees the message if it is on the heap.
    fn free(&self) {
        let message = self.message.replace(ptr::null_mut());
        if !message.is_null() && message != self.text.get().cast() {
            // SAFETY: the message came from `CString::into_raw` in `set`, and
            // no reference to it is left.
            drop(unsafe { CString::from_raw(message) });
        }
    }

    /// Puts a message on the heap where it needs not be freed.
    fn end(&self) {
        self.ends.set(true);
        let message = self.message.get();
        if !message.is_null() && message != self.text.get().cast() {
            // SAFETY: the message came from `CString::into_raw` in `set`; it is
            // freed here and replaced by the text.
            let message = unsafe { CString::from_raw(message) };
            self.keep_short(&message);
        }
    }
}

/// Has `at_the_end` called when this thread ends, and tells whether it will be.
/// (It will not if this is the last of the rounds in which the system calls
/// destructors until none has stored anything new.  For that a destructor of
/// the program must have stored something in every round, and have had no long
/// error before: then one message is lost.)
fn free_at_the_end() -> bool {
    // Destructors are called only for values that are not null.
    let anything = ptr::from_ref(&KEY).cast();
    // SAFETY: the key exists; the value is not used.
    key().is_some_and(|key| unsafe { libc::pthread_setspecific(key, anything) } == 0)
}

extern "C" fn at_the_end(_anything: *mut c_void) {
    LAST.with(LastError::end);
}

/// The key whose destructor is `at_the_end`, plus one.
static KEY: AtomicUsize = AtomicUsize::new(0);

/// Threads that come first at the same time make a key each, and one of them
/// stays.  A lock could be caught by a fork.
fn key() -> Option<libc::pthread_key_t> {
    let of = |stored: usize| libc::pthread_key_t::try_from(stored.checked_sub(1)?).ok();
    if let Some(key) = of(KEY.load(Ordering::Acquire)) {
        return Some(key);
    }
    let mut key = 0;
    // SAFETY: `key` has room for the result, and the library is never unloaded.
    if unsafe { libc::pthread_key_create(&mut key, Some(at_the_end)) } != 0 {
        return None;
    }
    let stored = usize::try_from(key).ok()?.checked_add(1)?;
    match KEY.compare_exchange(0, stored, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Some(key),
        Err(other) => {
            // SAFETY: no other thread has seen this key.
            unsafe { libc::pthread_key_delete(key) };
            of(other)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> String {
        // SAFETY: `message` is not null after an error, and stays valid until
        // the next one.
        unsafe { CStr::from_ptr(message()) }
            .to_string_lossy()
            .into_owned()
    }

    #[test]
    fn each_thread_has_its_own_error() {
        std::thread::spawn(|| {
            assert!(message().is_null());
            assert_eq!(errno(), 0);
            set(c"nbd_pread", Error::new(libc::ENOSPC, "no\0room"));
            assert_eq!(errno(), libc::ENOSPC);
            assert!(text().starts_with("nbd_pread: no\\x00room: "));
            std::thread::spawn(|| assert!(message().is_null()))
                .join()
                .unwrap();
            set(c"nbd_pread", Error::without_errno("no server"));
            assert_eq!(errno(), 0);
            assert_eq!(text(), "nbd_pread: no server");
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_message_can_be_of_any_length() {
        for len in [1, ROOM - 1, ROOM, ROOM + 1, 10 * ROOM] {
            for _ in 0..2 {
                // Counted after "f: ".
                set(c"f", Error::without_errno("x".repeat(len)));
                assert_eq!(text().len(), len + 3);
            }
        }
    }

    #[test]
    fn at_the_end_of_a_thread_a_message_is_cut() {
        std::thread::spawn(|| {
            let long = Error::without_errno("x".repeat(2 * ROOM));
            set(c"f", long.clone());
            LAST.with(LastError::end);
            assert_eq!(text().len(), ROOM - 1);
            set(c"f", Error::without_errno("short"));
            assert_eq!(text(), "f: short");
            set(c"f", long.clone());
            assert_eq!(text().len(), ROOM - 1);
            LAST.with(LastError::end);
            assert!(text().starts_with("f: xxx"));
        })
        .join()
        .unwrap();
    }
}
