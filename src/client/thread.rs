//! What the library knows about a thread: which function it runs, and how many
//! locks it holds.
//!
//! In a shared library, finding a variable of the thread is a function call.  So
//! what every call needs is in one variable, which a call looks up once.

use std::cell::Cell;
use std::ffi::CStr;
use std::ptr;

/// A thread, as it sees itself.
#[derive(Debug)]
pub struct Thread {
    /// How many locks it holds.
    pub(super) held: Cell<u32>,
    /// The public function that it is running.
    pub(super) function: Cell<&'static CStr>,
}

thread_local! {
    static THREAD: Thread = const {
        Thread {
            held: Cell::new(0),
            function: Cell::new(c"unknown"),
        }
    };
}

/// Runs `operation` with the thread that it runs in.
#[inline]
pub fn with<R>(operation: impl FnOnce(&Thread) -> R) -> R {
    THREAD.with(operation)
}

impl Thread {
    /// A number that no other thread has at the same time, and that is not 0.
    #[inline]
    pub(super) fn name(&self) -> usize {
        ptr::from_ref(self).addr()
    }
}
