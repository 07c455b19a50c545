//! The buffers that the public functions take, and how they are converted to
//! memory that is lent to a command.
//!
//! A function that waits borrows its buffer, and does not return before the
//! command has been retired.  A function that does not wait takes ownership:
//! the buffer moves into the completion closure, which hands it back when the
//! command no longer needs it.

#![allow(unsafe_code, reason = "buffers become memory without a lifetime")]

use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::callbacks::CompletionCallback;
use crate::callback::Completion;
use crate::memory::{Lent, LentMut};

/// The buffer of a read as the caller passes it; a C caller may pass null.
#[derive(Debug)]
pub struct Target {
    start: Option<NonNull<u8>>,
    count: usize,
}

/// The data of a write as the caller passes it; a C caller may pass null.
#[derive(Debug)]
pub struct Source {
    start: Option<NonNull<u8>>,
    count: usize,
}

impl Target {
    /// # Safety
    /// Unless null, `start` must be valid for writes of `count` bytes until the
    /// command is retired.
    pub unsafe fn new(start: Option<NonNull<u8>>, count: usize) -> Self {
        Self { start, count }
    }

    /// Length in bytes.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The memory, or `None` if the pointer is null.
    pub fn lend(self) -> Option<LentMut> {
        let start = self.start?;
        // SAFETY: by the contract of `new`.
        Some(unsafe { LentMut::new(start, possible(self.count)) })
    }
}

impl Source {
    /// # Safety
    /// Unless null, `start` must be valid for reads of `count` bytes until the
    /// command is retired.
    pub unsafe fn new(start: Option<NonNull<u8>>, count: usize) -> Self {
        Self { start, count }
    }

    /// The memory, or `None` if the pointer is null.
    pub fn lend(&self) -> Option<Lent> {
        let start = self.start?;
        // SAFETY: by the contract of `new`.
        Some(unsafe { Lent::new(start, possible(self.count)) })
    }
}

/// Proves that the caller is this crate, which passes memory and completion to
/// the same command.  No other crate can turn a buffer into memory that
/// outlives it.
#[derive(Debug, Clone, Copy)]
pub struct Inside(());

/// The only value of this type.
pub(crate) const INSIDE: Inside = Inside(());

/// No buffer is longer than this, and all commands already reject much shorter
/// ones.
fn possible(count: usize) -> usize {
    count.min(usize::MAX >> 1)
}

/// A buffer that a function fills while its caller waits: a slice, an array or
/// a vector.  Its length determines how much is read.
pub trait ReadInto {
    /// Lends the memory to a call that waits.  The completion signals that the
    /// command has been retired.
    #[doc(hidden)]
    fn while_waiting<R>(self, inside: Inside, wait: impl FnOnce(Target, Completion) -> R) -> R;
}

/// Data that a function sends while its caller waits: a slice, an array or a
/// vector.
pub trait WriteFrom {
    /// Like [`ReadInto::while_waiting`].
    #[doc(hidden)]
    fn while_waiting<R>(self, inside: Inside, wait: impl FnOnce(Source, Completion) -> R) -> R;
}

/// Guards the end of a call that waits: records whether its command has been
/// retired.
struct End(AtomicBool);

impl End {
    const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// A completion that only sets this flag.
    fn completion(&self) -> Completion {
        unsafe extern "C" fn retired(end: *mut c_void) {
            // SAFETY: `end` is the flag below, which lives as long as the
            // completion, because the scope of an `End` is not left before.
            unsafe { &*end.cast::<AtomicBool>() }.store(true, Ordering::Release);
        }
        let flag = ptr::from_ref(&self.0).cast_mut().cast();
        // SAFETY: `retired` uses its argument as the flag that it is, and can
        // be called from any thread.
        unsafe { Completion::new(None, flag, Some(retired)) }
    }
}

impl Drop for End {
    /// Aborts if the command still exists, because the caller will drop the
    /// memory.
    fn drop(&mut self) {
        if !self.0.load(Ordering::Acquire) {
            std::process::abort();
        }
    }
}

impl ReadInto for &mut [u8] {
    fn while_waiting<R>(self, _inside: Inside, wait: impl FnOnce(Target, Completion) -> R) -> R {
        let end = End::new();
        let (start, count) = (NonNull::from(&mut *self).cast(), self.len());
        // SAFETY: this function is not left, not even by a panic, before the
        // command has been retired: `end` ensures that.  Until then the slice
        // is borrowed exclusively by this function.
        let target = unsafe { Target::new(Some(start), count) };
        wait(target, end.completion())
    }
}

impl WriteFrom for &[u8] {
    fn while_waiting<R>(self, _inside: Inside, wait: impl FnOnce(Source, Completion) -> R) -> R {
        let end = End::new();
        // SAFETY: as for `ReadInto`; a shared slice is never written to.
        let source = unsafe { Source::new(Some(NonNull::from(self).cast()), self.len()) };
        wait(source, end.completion())
    }
}

macro_rules! like_slices {
    ($([$($generics:tt)*] $type:ty;)*) => {$(
        impl<$($generics)*> ReadInto for &mut $type {
            fn while_waiting<R>(self, inside: Inside, wait: impl FnOnce(Target, Completion) -> R) -> R {
                self.as_mut_slice().while_waiting(inside, wait)
            }
        }

        impl<$($generics)*> WriteFrom for &$type {
            fn while_waiting<R>(self, inside: Inside, wait: impl FnOnce(Source, Completion) -> R) -> R {
                self.as_slice().while_waiting(inside, wait)
            }
        }
    )*};
}

like_slices! {
    [const N: usize] [u8; N];
    [] Vec<u8>;
}

/// A buffer that a command fills while its caller continues: a vector.  Its
/// length determines how much is read.
pub trait AioReadInto: Sized {
    /// Returns the memory and a completion that owns it.
    #[doc(hidden)]
    fn lend(self, completion: CompletionCallback<Self>, inside: Inside) -> (Target, Completion);
}

/// Data that a command sends while its caller continues: a vector, a shared
/// slice, or a `'static` slice.
pub trait AioWriteFrom: Sized {
    /// Like [`AioReadInto::lend`].
    #[doc(hidden)]
    fn lend(self, completion: CompletionCallback<Self>, inside: Inside) -> (Source, Completion);
}

impl AioReadInto for Vec<u8> {
    fn lend(
        mut self,
        completion: CompletionCallback<Self>,
        _inside: Inside,
    ) -> (Target, Completion) {
        let bytes = self.as_mut_slice();
        let (start, count) = (NonNull::from(&mut *bytes).cast(), bytes.len());
        // SAFETY: the completion of the same command owns the vector until the
        // command no longer uses it.  Moving a vector does not move its bytes.
        let target = unsafe { Target::new(Some(start), count) };
        (target, completion.keeping(self))
    }
}

macro_rules! sources {
    ($($type:ty)*) => {$(
        impl AioWriteFrom for $type {
            fn lend(
                self,
                completion: CompletionCallback<Self>,
                _inside: Inside,
            ) -> (Source, Completion) {
                let bytes: &[u8] = &self;
                // SAFETY: as for `AioReadInto`; a shared slice also keeps its
                // bytes on the heap.
                let source = unsafe { Source::new(Some(NonNull::from(bytes).cast()), bytes.len()) };
                (source, completion.keeping(self))
            }
        }
    )*};
}

sources! { Vec<u8> Arc<[u8]> &'static [u8] }

// C callers manage the lifetime of their buffers themselves.

impl ReadInto for Target {
    fn while_waiting<R>(self, _inside: Inside, wait: impl FnOnce(Target, Completion) -> R) -> R {
        wait(self, Completion::none())
    }
}

impl WriteFrom for Source {
    fn while_waiting<R>(self, _inside: Inside, wait: impl FnOnce(Source, Completion) -> R) -> R {
        wait(self, Completion::none())
    }
}

impl AioReadInto for Target {
    fn lend(self, completion: CompletionCallback<Self>, _inside: Inside) -> (Target, Completion) {
        (self, completion.alone())
    }
}

impl AioWriteFrom for Source {
    fn lend(self, completion: CompletionCallback<Self>, _inside: Inside) -> (Source, Completion) {
        (self, completion.alone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::aborts;

    #[test]
    fn a_lent_buffer_comes_back() {
        let mut buf = [1, 2];
        buf.as_mut_slice().while_waiting(INSIDE, |target, done| {
            let mut memory = target.lend().unwrap();
            memory.zero(1, 1);
            drop(done);
        });
        assert_eq!(buf, [1, 0]);
        let count = (&buf).while_waiting(INSIDE, |source: Source, _done| source.count);
        assert_eq!(count, 2);
    }

    #[test]
    fn a_command_that_keeps_a_lent_buffer_ends_the_program() {
        let test = "api::buffers::tests::a_command_that_keeps_a_lent_buffer_ends_the_program";
        aborts(test, || {
            let _kept = (&[0]).while_waiting(INSIDE, |_: Source, done| done);
        });
    }
}
