//! An allocator that counts what the library allocates, in each thread.
//!
//! The harness allocates memory as well, so only allocations inside
//! [`library`] count, except while a callback of the harness runs in
//! [`callback`].  The C interface never passes ownership of memory across its
//! border, so what the library allocates it also frees, inside.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// What the library has allocated since the last [`reset`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Bytes allocated and not freed.
    pub live: isize,
    /// The maximum of `live`.
    pub peak: isize,
    /// Calls of the allocator.
    pub allocations: usize,
}

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    static TALLY: Cell<Tally> = const { Cell::new(Tally { live: 0, peak: 0, allocations: 0 }) };
}

/// Runs a call of the library.
pub fn library<R>(call: impl FnOnce() -> R) -> R {
    within(true, call)
}

/// Runs a callback of the harness.
pub fn callback<R>(call: impl FnOnce() -> R) -> R {
    within(false, call)
}

fn within<R>(inside: bool, call: impl FnOnce() -> R) -> R {
    let before = INSIDE.replace(inside);
    let result = call();
    INSIDE.set(before);
    result
}

/// Whether this thread is inside the library.
pub(crate) fn is_inside() -> bool {
    // A thread that is ending is not.
    INSIDE.try_with(Cell::get).unwrap_or(false)
}

/// What has been counted.
pub fn tally() -> Tally {
    TALLY.get()
}

/// Begins to count.
pub fn reset() {
    TALLY.take();
}

fn count(freed: usize, allocated: usize) {
    if !is_inside() {
        return;
    }
    let mut tally = TALLY.get();
    tally.live += signed(allocated) - signed(freed);
    tally.peak = tally.peak.max(tally.live);
    tally.allocations += usize::from(allocated > 0);
    TALLY.set(tally);
}

/// No allocation is larger than the largest number of this type.
fn signed(size: usize) -> isize {
    isize::try_from(size).unwrap_or(isize::MAX)
}

/// The system's allocator with a count.
#[derive(Debug)]
struct Counting;

// SAFETY: all memory comes from the system's allocator, which gets every call
// unchanged; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(0, layout.size());
        // SAFETY: by the contract of this function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(0, layout.size());
        // SAFETY: by the contract of this function.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(layout.size(), size);
        // SAFETY: by the contract of this function.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(layout.size(), 0);
        // SAFETY: by the contract of this function.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static MEMORY: Counting = Counting;
