//! Signals of this thread and of a child.

use std::mem::MaybeUninit;
use std::ptr;

/// Keeps signals from this thread until it is dropped.
pub struct SignalsBlocked {
    before: libc::sigset_t,
}

/// Keeps signals from this thread, and from a child that it forks.
pub fn block_signals() -> SignalsBlocked {
    let mut all = no_signals();
    let mut before = no_signals();
    // SAFETY: both are sets that may be written.
    unsafe {
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
    }
    SignalsBlocked { before }
}

impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        // SAFETY: `before` is the set of the signals that were blocked.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, ptr::null_mut())
        };
    }
}

/// Lets every signal reach this thread.
fn unblock_signals() {
    let none = no_signals();
    // SAFETY: `none` is a set.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut()) };
}

fn no_signals() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: initialises the set.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: the call before has initialised it.
    unsafe { set.assume_init() }
}

/// Sets signals as a new program expects them: none is blocked, whatever the
/// caller had blocked, and SIGPIPE is not ignored, even if the caller ignores
/// it.  Exec resets handlers, but a signal that is pending now must not reach
/// one.
///
/// # Safety
/// Only for a child between fork and exec.
pub unsafe fn default_signals() {
    #[cfg(target_os = "linux")]
    let last = libc::SIGRTMAX();
    // At least the last; there is no harm in asking for signals that do not exist.
    #[cfg(not(target_os = "linux"))]
    let last = 128;
    for signal in 1..=last {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: `action` may be written; async-signal-safe.  Zeroes are a
        // valid action, if there is no such signal.
        let handler = unsafe {
            libc::sigaction(signal, ptr::null(), action.as_mut_ptr());
            action.assume_init().sa_sigaction
        };
        let is_ignored = handler == libc::SIG_IGN && signal != libc::SIGPIPE;
        if handler != libc::SIG_DFL && !is_ignored {
            // SAFETY: no memory is involved; async-signal-safe.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
    }
    unblock_signals();
}
