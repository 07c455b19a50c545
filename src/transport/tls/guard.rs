//! Entering OpenSSL in a process that may fork at the same time.
//!
//! OpenSSL takes locks that all its users share: for algorithms, random
//! numbers, texts of errors, threads.  So everything that uses it happens
//! between `enter` and the drop of the result.  Nothing in between waits: files
//! have been read before, and sockets do not block.

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
pub struct Guarded<T> {
    // They end in this order.
    _begin: Begin,
    object: T,
    _end: End,
}

/// When this ends, the thread enters OpenSSL, and stays there.
struct Begin;

impl Drop for Begin {
    fn drop(&mut self) {
        enter().keep();
    }
}

/// When this ends, the thread leaves OpenSSL.
struct End;

impl Drop for End {
    fn drop(&mut self) {
        drop(Busy::kept());
    }
}

impl<T> Guarded<T> {
    pub fn new(object: T) -> Self {
        Self {
            _begin: Begin,
            object,
            _end: End,
        }
    }

    /// The object, for a thread that has entered OpenSSL.
    pub fn into_inner(self) -> T {
        self.object
    }
}

impl<T> Deref for Guarded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.object
    }
}

impl<T> DerefMut for Guarded<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Object;

    impl Drop for Object {
        fn drop(&mut self) {
            assert!(fork::is_busy());
        }
    }

    #[test]
    fn an_object_ends_inside() {
        drop(Guarded::new(Object));
        assert!(!fork::is_busy());
        let busy = enter();
        let object = Guarded::new(Object).into_inner();
        assert!(fork::is_busy());
        drop(object);
        drop(busy);
        assert!(!fork::is_busy());
    }
}
