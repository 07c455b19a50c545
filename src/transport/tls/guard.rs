//! Entering OpenSSL, in a process that may be forked meanwhile.
//!
//! OpenSSL takes locks that all its users share: for algorithms, random
//! numbers, texts of errors, threads.  So whatever is done with it is done
//! between `enter` and the end of what that returns.  Nothing in there waits:
//! files have been read before, and sockets do not block.

use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

use super::ffi;
use crate::fork::{self, Busy};

thread_local! {
    static THREAD: Thread = const { Thread };
}

/// A thread that has used OpenSSL.
struct Thread;

impl Drop for Thread {
    /// When the thread ends, OpenSSL would take its locks by itself.
    fn drop(&mut self) {
        let _busy = fork::busy();
        ffi::stop_thread();
    }
}

/// This thread uses OpenSSL until the result is dropped.
pub fn enter() -> Busy {
    let busy = fork::busy();
    // A thread that is ending may have no such variables any more.
    let _ = THREAD.try_with(|_| ());
    busy
}

/// One of OpenSSL's objects, whose end takes locks like any other use of it.
pub struct Guarded<T>(ManuallyDrop<T>);

impl<T> Guarded<T> {
    pub fn new(object: T) -> Self {
        Self(ManuallyDrop::new(object))
    }

    /// The object, for who has entered OpenSSL.
    pub fn into_inner(self) -> T {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: what it is taken from is neither dropped nor seen any more.
        unsafe { ManuallyDrop::take(&mut this.0) }
    }
}

impl<T> Deref for Guarded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Guarded<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        let _busy = enter();
        // SAFETY: the object goes with this, so nobody sees it afterwards.
        unsafe { ManuallyDrop::drop(&mut self.0) }
    }
}
