//! Entering OpenSSL in a process that may fork at the same time.
//!
//! OpenSSL takes locks that all its users share: for algorithms, random
//! numbers, texts of errors, threads.  So everything that uses it happens
//! between `enter` and the drop of the result.  Nothing in between waits: files
//! have been read before, and sockets do not block.

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
    /// Otherwise OpenSSL would take its locks when the thread ends.
    fn drop(&mut self) {
        let _busy = fork::busy();
        ffi::stop_thread();
    }
}

/// Lets this thread use OpenSSL until the result is dropped.
pub fn enter() -> Busy {
    let busy = fork::busy();
    // A thread that is ending may no longer have such variables.
    let _ = THREAD.try_with(|_| ());
    busy
}

/// One of OpenSSL's objects; freeing it takes locks, like any other use.
pub struct Guarded<T>(ManuallyDrop<T>);

impl<T> Guarded<T> {
    pub fn new(object: T) -> Self {
        Self(ManuallyDrop::new(object))
    }

    /// The object, for a thread that has entered OpenSSL.
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
