//! Threads: waiting for each other, being forked, being cancelled.

use std::ffi::c_int;
use std::sync::atomic::AtomicU32;

/// Waits until another thread wakes those that wait for `word`, unless it is no
/// longer `expected`.  It may return early.
#[cfg(target_os = "linux")]
pub fn wait_while(word: &AtomicU32, expected: u32) {
    // SAFETY: the word lives through the call; without a time the call waits
    // for as long as it takes.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
            expected,
            std::ptr::null::<libc::timespec>(),
        )
    };
}

/// As above.  Other systems have nothing of the kind that a fork could not
/// disturb.  Who waits here waits for code that does not wait.
#[cfg(not(target_os = "linux"))]
pub fn wait_while(_word: &AtomicU32, _expected: u32) {
    std::thread::yield_now();
}

/// As below.  The threads look for themselves.
#[cfg(not(target_os = "linux"))]
pub fn wake_all(_word: &AtomicU32) {}

/// Wakes every thread that waits for `word`.
#[cfg(target_os = "linux")]
pub fn wake_all(word: &AtomicU32) {
    // SAFETY: the call only uses the address of the word.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
            libc::c_int::MAX,
        )
    };
}

/// Registers functions that `fork` calls: before it, and afterwards in the
/// parent and in the child.  This fails only if there is not enough memory.
pub fn at_fork(before: extern "C" fn(), parent: extern "C" fn(), child: extern "C" fn()) -> bool {
    // SAFETY: the functions take and return nothing, and the library is never
    // unloaded.
    let status = unsafe { libc::pthread_atfork(Some(before), Some(parent), Some(child)) };
    status == 0
}

unsafe extern "C-unwind" {
    // Part of POSIX, but not of the crate.  A thread that has been cancelled
    // ends inside these.
    fn pthread_setcancelstate(state: c_int, old: *mut c_int) -> c_int;
    fn pthread_setcanceltype(kind: c_int, old: *mut c_int) -> c_int;
    fn pthread_testcancel();
}

const CANCEL_DISABLE: c_int = if cfg!(target_vendor = "apple") { 0 } else { 1 };
const CANCEL_DEFERRED: c_int = if cfg!(target_vendor = "apple") { 2 } else { 0 };

/// Whether this thread could be cancelled before.
#[derive(Debug)]
#[must_use]
pub struct Cancellation(c_int);

impl Cancellation {
    /// Keeps this thread from being cancelled, because it is inside code that
    /// must not be left half way.
    #[inline]
    pub fn hold() -> Self {
        let mut old = CANCEL_DISABLE;
        // SAFETY: `old` has room for the result.
        unsafe { pthread_setcancelstate(CANCEL_DISABLE, &mut old) };
        Self(old)
    }

    /// Lets it be cancelled again.  A thread that has been cancelled meanwhile
    /// continues to its next cancellation point, unless its cancellation is
    /// asynchronous: then it ends now.  In that case this does not return, but
    /// unwinds the callers, which must not have anything left to drop, up to
    /// the program.
    #[inline]
    pub fn release(self) {
        // SAFETY: this is a state that the call has returned; the result can
        // be left out.
        unsafe { pthread_setcancelstate(self.0, std::ptr::null_mut()) };
    }

    /// Lets it be cancelled again, and is a cancellation point: a thread that
    /// has been cancelled ends now, as above.
    #[inline]
    pub fn release_and_test(self) {
        if self.0 == CANCEL_DISABLE {
            return;
        }
        // With glibc 2.36, a thread with asynchronous cancellation would end as
        // soon as it can be cancelled, and forget that it was.
        let mut kind = CANCEL_DEFERRED;
        // SAFETY: `kind` has room for the result, and so it is a type, as
        // `self.0` is a state.
        unsafe {
            pthread_setcanceltype(CANCEL_DEFERRED, &mut kind);
            pthread_setcancelstate(self.0, std::ptr::null_mut());
            pthread_testcancel();
            if kind != CANCEL_DEFERRED {
                pthread_setcanceltype(kind, std::ptr::null_mut());
            }
        }
    }
}
