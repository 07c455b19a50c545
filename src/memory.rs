//! Memory that the caller lends to a command until the command is retired.
//!
//! An asynchronous command outlives the call that started it, so its buffer
//! cannot be a borrowed slice.  These two types represent such memory.  They
//! keep pointer and length together, check every range, and never form a
//! reference to the memory: a C program may share it with other threads or
//! other commands, and it may not be initialised.

#![allow(unsafe_code, reason = "commands work on memory that callers lend")]

use std::marker::PhantomData;
use std::mem::offset_of;
use std::ptr::NonNull;

/// Memory the library reads from: the data of a write.
#[derive(Debug)]
pub struct Lent {
    start: NonNull<u8>,
    len: usize,
}

/// Memory the library writes to: the buffer of a read.
#[derive(Debug)]
pub struct LentMut {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the contract of `new` makes the memory usable from every thread that
// is inside a call on the handle, and the handle's lock admits one at a time.
unsafe impl Send for Lent {}
// SAFETY: as for `Lent`.
unsafe impl Send for LentMut {}

impl Lent {
    /// # Safety
    /// `start` must be valid for reads of `len` bytes until this value is
    /// dropped, and `len` must not exceed `isize::MAX`.
    pub unsafe fn new(start: NonNull<u8>, len: usize) -> Self {
        Self { start, len }
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Everything from `at` on, as a vector for sending.
    #[inline]
    pub fn tail(&self, at: usize) -> SendVector<'_> {
        let at = at.min(self.len);
        SendVector {
            // SAFETY: `at` is within the memory, or one past its end.
            start: unsafe { self.start.add(at) },
            len: self.len.saturating_sub(at),
            memory: PhantomData,
        }
    }
}

impl LentMut {
    /// # Safety
    /// `start` must be valid for writes of `len` bytes until this value is
    /// dropped, and `len` must not exceed `isize::MAX`.
    pub unsafe fn new(start: NonNull<u8>, len: usize) -> Self {
        Self { start, len }
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Address of byte `at`, to pass to the caller's callback.
    #[inline]
    pub fn address(&self, at: usize) -> *const u8 {
        // SAFETY: clamped to the memory, or one past its end.
        unsafe { self.start.add(at.min(self.len)) }.as_ptr()
    }

    /// Up to `count` bytes from `at` on, as a vector for receiving.
    #[inline]
    pub fn range(&mut self, at: usize, count: usize) -> ReceiveVector<'_> {
        let at = at.min(self.len);
        ReceiveVector {
            // SAFETY: `at` is within the memory, or one past its end.
            start: unsafe { self.start.add(at) },
            len: count.min(self.len.saturating_sub(at)),
            memory: PhantomData,
        }
    }

    /// Copies `data` to `at`; bytes that do not fit are omitted.
    #[inline]
    pub fn copy_in(&mut self, at: usize, data: &[u8]) {
        let target = self.range(at, data.len());
        // SAFETY: `target` is valid for writes of `target.len` bytes, and
        // `data` holds at least as many.  `copy` tolerates overlap.
        unsafe { std::ptr::copy(data.as_ptr(), target.start.as_ptr(), target.len) }
    }

    /// Zeroes up to `count` bytes from `at` on.
    #[inline]
    pub fn zero(&mut self, at: usize, count: usize) {
        let target = self.range(at, count);
        // SAFETY: `target` is valid for writes of `target.len` bytes.
        unsafe { target.start.as_ptr().write_bytes(0, target.len) }
    }
}

/// A piece of memory to send, in the form that system calls take.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct SendVector<'a> {
    start: NonNull<u8>,
    len: usize,
    memory: PhantomData<&'a [u8]>,
}

/// A piece of memory to receive into, in the form that system calls take.
#[derive(Debug)]
#[repr(C)]
pub struct ReceiveVector<'a> {
    start: NonNull<u8>,
    len: usize,
    memory: PhantomData<&'a mut [u8]>,
}

/// The vectors have the layout of an `iovec`, so that a slice of them can be
/// passed to a system call as it is.
macro_rules! as_iovec {
    ($($vector:ident)*) => {$(
        const _: () = assert!(
            size_of::<$vector<'_>>() == size_of::<libc::iovec>()
                && align_of::<$vector<'_>>() == align_of::<libc::iovec>()
                && offset_of!($vector<'_>, start) == offset_of!(libc::iovec, iov_base)
                && offset_of!($vector<'_>, len) == offset_of!(libc::iovec, iov_len)
        );
    )*};
}
as_iovec! { SendVector ReceiveVector }

impl<'a> SendVector<'a> {
    /// Nothing to send.
    pub const EMPTY: Self = Self {
        start: NonNull::dangling(),
        len: 0,
        memory: PhantomData,
    };

    /// Where the memory starts and how long it is.
    #[inline]
    pub fn parts(&self) -> (*const u8, usize) {
        (self.start.as_ptr(), self.len)
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Splits off the first `count` bytes, or all if there are fewer.  Returns
    /// them and the rest.
    #[inline]
    pub fn split(&self, count: usize) -> (Self, Self) {
        let count = count.min(self.len);
        let rest = Self {
            // SAFETY: `count` is within the memory, or one past its end.
            start: unsafe { self.start.add(count) },
            len: self.len.saturating_sub(count),
            memory: PhantomData,
        };
        (
            Self {
                len: count,
                ..*self
            },
            rest,
        )
    }

    /// Copies the bytes to the end of `target`.
    pub fn append_to(&self, target: &mut Vec<u8>) {
        target.reserve(self.len);
        // SAFETY: the memory is valid for reads of `len` bytes; `target` has
        // reserved as many after its contents, and the two cannot overlap,
        // because only `target` has access to the reserved part.
        unsafe {
            let room = target.as_mut_ptr().add(target.len());
            std::ptr::copy_nonoverlapping(self.start.as_ptr(), room, self.len);
            target.set_len(target.len().saturating_add(self.len));
        }
    }
}

impl<'a> From<&'a [u8]> for SendVector<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self {
            start: NonNull::from(bytes).cast(),
            len: bytes.len(),
            memory: PhantomData,
        }
    }
}

impl<'a> ReceiveVector<'a> {
    /// No room at all.
    pub const EMPTY: Self = Self {
        start: NonNull::dangling(),
        len: 0,
        memory: PhantomData,
    };

    /// Where the memory starts and how long it is.
    #[inline]
    pub fn parts(&mut self) -> (*mut u8, usize) {
        (self.start.as_ptr(), self.len)
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Skips the first `count` bytes, which have been filled.
    pub fn advance(&mut self, count: usize) {
        let count = count.min(self.len);
        // SAFETY: `count` is within the memory, or one past its end.
        self.start = unsafe { self.start.add(count) };
        self.len = self.len.saturating_sub(count);
    }
}

impl<'a> From<&'a mut [u8]> for ReceiveVector<'a> {
    fn from(bytes: &'a mut [u8]) -> Self {
        let len = bytes.len();
        Self {
            start: NonNull::from(bytes).cast(),
            len,
            memory: PhantomData,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_never_leave_the_memory() {
        let mut bytes = [0xaau8; 8];
        // SAFETY: `bytes` outlives `lent`; only its first six bytes are lent.
        let mut lent = unsafe { LentMut::new(NonNull::from(&mut bytes).cast(), 6) };
        assert_eq!(lent.len(), 6);
        assert_eq!(lent.address(5), bytes.as_ptr().wrapping_add(5));
        assert_eq!(lent.address(7), bytes.as_ptr().wrapping_add(6));
        lent.copy_in(4, &[1, 2, 3, 4]);
        lent.zero(0, 2);
        lent.zero(usize::MAX, usize::MAX);
        assert_eq!(lent.range(5, 100).len(), 1);
        assert_eq!(lent.range(100, 1).len(), 0);
        assert_eq!(bytes, [0, 0, 0xaa, 0xaa, 1, 2, 0xaa, 0xaa]);
    }

    #[test]
    fn the_tail_of_lent_memory_shrinks_to_nothing() {
        let bytes = [1u8, 2, 3];
        // SAFETY: `bytes` outlives `lent`.
        let lent = unsafe { Lent::new(NonNull::from(&bytes).cast(), 3) };
        assert_eq!(lent.len(), 3);
        assert_eq!(lent.tail(1).len(), 2);
        assert_eq!(lent.tail(3).len(), 0);
        assert_eq!(lent.tail(9).len(), 0);
    }

    #[test]
    fn what_is_sent_can_be_cut_and_gathered() {
        let bytes = [1u8, 2, 3];
        let vector = SendVector::from(&bytes[..]);
        let mut gathered = vec![0];
        let (first, rest) = vector.split(2);
        rest.append_to(&mut gathered);
        first.append_to(&mut gathered);
        assert_eq!(gathered, [0, 3, 1, 2]);
        let (all, nothing) = vector.split(9);
        assert_eq!((all.len(), nothing.len()), (3, 0));
    }

    #[test]
    fn room_that_is_filled_is_left_behind() {
        let mut bytes = [0u8; 3];
        let mut vector = ReceiveVector::from(&mut bytes[..]);
        vector.advance(2);
        assert_eq!(vector.len(), 1);
        vector.advance(2);
        assert_eq!(vector.len(), 0);
    }
}
