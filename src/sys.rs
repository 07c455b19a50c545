//! The system calls that belong to no socket and no subprocess, each in a safe
//! function.

use std::sync::atomic::AtomicU32;

/// Waits until somebody wakes those who wait for `word`, unless it is not
/// `expected` any more.  It may return early.
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

/// Wakes every thread that waits for `word`.
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

/// Has functions called by `fork`: before it, and afterwards in the parent and
/// in the child.  This fails only for want of memory.
pub fn at_fork(before: extern "C" fn(), parent: extern "C" fn(), child: extern "C" fn()) -> bool {
    // SAFETY: the functions take and return nothing, and the library is never
    // unloaded.
    let status = unsafe { libc::pthread_atfork(Some(before), Some(parent), Some(child)) };
    status == 0
}
