//! The buffers that the public functions take, and how they become memory that
//! is lent to a command.
//!
//! A function that waits borrows its buffer; one that does not wait owns it
//! meanwhile: the buffer moves into the completion closure, which gives it back
//! when the command has done with it.

use std::ptr::NonNull;
use std::sync::Arc;

use super::{Lent, LentMut};
use crate::callback::{Completion, CompletionCallback};

/// The buffer of a read as a caller passes it; in C it may be missing.
#[derive(Debug)]
pub struct Target {
    start: Option<NonNull<u8>>,
    count: usize,
}

/// The data of a write as a caller passes it; in C it may be missing.
#[derive(Debug)]
pub struct Source {
    start: Option<NonNull<u8>>,
    count: usize,
}

impl Target {
    /// # Safety
    /// Unless missing, `start` must be valid for writes of `count` bytes until
    /// the command retires.
    pub unsafe fn new(start: Option<NonNull<u8>>, count: usize) -> Self {
        Self { start, count }
    }

    /// Length in bytes.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The memory, unless it is missing.
    pub fn lend(self) -> Option<LentMut> {
        let start = self.start?;
        // SAFETY: by the contract of `new`.
        Some(unsafe { LentMut::new(start, possible(self.count)) })
    }
}

impl Source {
    /// # Safety
    /// Unless missing, `start` must be valid for reads of `count` bytes until
    /// the command retires.
    pub unsafe fn new(start: Option<NonNull<u8>>, count: usize) -> Self {
        Self { start, count }
    }

    /// The memory, unless it is missing.
    pub fn lend(&self) -> Option<Lent> {
        let start = self.start?;
        // SAFETY: by the contract of `new`.
        Some(unsafe { Lent::new(start, possible(self.count)) })
    }
}

/// Shows that the caller is this crate: nobody else can turn a buffer into
/// memory that outlives it.
#[derive(Debug, Clone, Copy)]
pub struct Inside(());

/// The only one.
pub(crate) const INSIDE: Inside = Inside(());

/// No memory is longer than this, and every command refuses far less.
fn possible(count: usize) -> usize {
    count.min(usize::MAX >> 1)
}

/// A buffer that a function fills while its caller waits: a slice, an array or
/// a vector, whose length says how much to read.
pub trait ReadInto {
    /// The memory, without its lifetime: a command that waits ends before its
    /// function returns.
    #[doc(hidden)]
    fn target(self, inside: Inside) -> Target;
}

/// Data that a function sends while its caller waits: a slice, an array or a
/// vector.
pub trait WriteFrom {
    /// As [`ReadInto::target`].
    #[doc(hidden)]
    fn source(self, inside: Inside) -> Source;
}

impl ReadInto for &mut [u8] {
    fn target(self, _inside: Inside) -> Target {
        let count = self.len();
        Target {
            start: Some(NonNull::from(self).cast()),
            count,
        }
    }
}

impl<const N: usize> ReadInto for &mut [u8; N] {
    fn target(self, inside: Inside) -> Target {
        self.as_mut_slice().target(inside)
    }
}

impl ReadInto for &mut Vec<u8> {
    fn target(self, inside: Inside) -> Target {
        self.as_mut_slice().target(inside)
    }
}

impl WriteFrom for &[u8] {
    fn source(self, _inside: Inside) -> Source {
        Source {
            start: Some(NonNull::from(self).cast()),
            count: self.len(),
        }
    }
}

impl<const N: usize> WriteFrom for &[u8; N] {
    fn source(self, inside: Inside) -> Source {
        self.as_slice().source(inside)
    }
}

impl WriteFrom for &Vec<u8> {
    fn source(self, inside: Inside) -> Source {
        self.as_slice().source(inside)
    }
}

/// A buffer that a command fills while its caller does something else: a
/// vector, whose length says how much to read.
pub trait AioReadInto: Sized {
    /// The memory, and a completion that owns it.
    #[doc(hidden)]
    fn lend(self, completion: CompletionCallback<Self>, inside: Inside) -> (Target, Completion);
}

/// Data that a command sends while its caller does something else: a vector, a
/// shared slice, or one that lives for ever.
pub trait AioWriteFrom: Sized {
    /// As [`AioReadInto::lend`].
    #[doc(hidden)]
    fn lend(self, completion: CompletionCallback<Self>, inside: Inside) -> (Source, Completion);
}

// Moving a vector or a shared slice does not move its bytes, so what `target`
// and `source` tell stays true in the completion.  That gives the buffer back
// when the command has done with it, or frees it when the command retires.

impl AioReadInto for Vec<u8> {
    fn lend(
        mut self,
        completion: CompletionCallback<Self>,
        inside: Inside,
    ) -> (Target, Completion) {
        let target = self.as_mut_slice().target(inside);
        (target, completion.keeping(self))
    }
}

macro_rules! sources {
    ($($type:ty)*) => {$(
        impl AioWriteFrom for $type {
            fn lend(
                self,
                completion: CompletionCallback<Self>,
                inside: Inside,
            ) -> (Source, Completion) {
                let bytes: &[u8] = &self;
                (bytes.source(inside), completion.keeping(self))
            }
        }
    )*};
}

sources! { Vec<u8> Arc<[u8]> &'static [u8] }

// C sees to its buffers itself.

impl ReadInto for Target {
    fn target(self, _inside: Inside) -> Target {
        self
    }
}

impl WriteFrom for Source {
    fn source(self, _inside: Inside) -> Source {
        self
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
