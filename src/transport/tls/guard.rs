//! Entering OpenSSL, in a process that may be forked meanwhile.
//!
//! OpenSSL takes locks that all its users share: for algorithms, random
//! numbers, texts of errors, threads.  So whatever is done with it is done
//! between `enter` and the end of what that returns.  Nothing in there waits:
//! files have been read before, and sockets do not block.

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

    /// The object, for who has entered OpenSSL.
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
