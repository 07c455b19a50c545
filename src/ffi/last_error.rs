//! The last error of each thread: message and errno.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int};

use crate::error::Error;
use crate::handle::debug;

struct LastError {
    message: CString,
    errno: c_int,
}

thread_local! {
    static LAST: RefCell<Option<LastError>> = const { RefCell::new(None) };
}

/// Records the error of a public function.
pub(super) fn set(function: &CStr, error: &Error) {
    let last = LastError {
        message: debug::without_nul(&error.in_function(function)),
        errno: error.errno(),
    };
    // A thread that is ending may have no place left for the error; then
    // nobody can ask for it any more either.
    let _ = LAST.try_with(|cell| cell.replace(Some(last)));
}

/// The message, owned by the thread until its next error; null if it never
/// had one.
pub(super) fn message() -> *const c_char {
    LAST.try_with(|cell| match &*cell.borrow() {
        Some(last) => last.message.as_ptr(),
        None => std::ptr::null(),
    })
    .unwrap_or(std::ptr::null())
}

/// The errno; zero if the thread never had an error or no errno describes it.
pub(super) fn errno() -> c_int {
    LAST.try_with(|cell| cell.borrow().as_ref().map_or(0, |last| last.errno))
        .unwrap_or(0)
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
            set(c"nbd_pread", &Error::new(libc::ENOSPC, "no\0room"));
            assert_eq!(errno(), libc::ENOSPC);
            assert!(text().starts_with("nbd_pread: no\\x00room: "));
            std::thread::spawn(|| assert!(message().is_null()))
                .join()
                .unwrap();
            set(c"nbd_pread", &Error::without_errno("no server"));
            assert_eq!(errno(), 0);
            assert_eq!(text(), "nbd_pread: no server");
        })
        .join()
        .unwrap();
    }
}
