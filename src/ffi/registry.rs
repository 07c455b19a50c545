//! The pointers that C holds, and the handles behind them.
//!
//! What C calls a handle is a small ticket that is never returned to the
//! allocator.  It is only reused, and not soon.  So a closed handle can be
//! detected by reading memory that is still a ticket, not freed memory.  A
//! pointer that never was a handle is detected by its missing magic number, if
//! it can be read at all.
//!
//! A ticket counts the calls that are inside the handle.  Once the handle is
//! being closed, new calls are rejected at once, and the handle is freed when
//! the last call has left.  So it can be closed in one of its callbacks, or
//! while another thread uses it.
//!
//! Calls that come too late are counted as well, for a moment, so any of them may
//! be the last one to leave, even when the ticket is being used again.  Whoever
//! wants to end the handle therefore claims it in the same word, from which it
//! can be seen that nobody is inside and nobody else has claimed it.

use std::collections::VecDeque;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::client::Handle;
use crate::error::{Error, Result};
use crate::fork::{self, Busy, Passing};
use crate::unwind::contain;

/// The opaque handle of the C interface.
#[allow(non_camel_case_types)]
#[repr(C)]
pub struct nbd_handle {
    magic: AtomicUsize,
    /// How many calls are inside, and whether the handle is closed, and claimed.
    users: AtomicUsize,
    /// Null once the handle has ended.
    handle: AtomicPtr<Handle>,
    /// Those who use the handle for a moment without being counted as users, and
    /// so never are the last one, with whom it ends.
    passing: Passing,
}

/// ASCII `libnbd.h`, as much of it as one word holds.
const MAGIC: usize = match b"libnbd.h".first_chunk() {
    Some(word) => usize::from_be_bytes(*word),
    None => 0,
};

/// Nobody may enter any more.
const CLOSED: usize = 1 << (usize::BITS - 1);

/// Somebody ends the handle, or has done so.
const CLAIMED: usize = CLOSED >> 1;

/// So many closed tickets rest before the oldest is used again.
const RESTING: usize = 64;

static RESTING_TICKETS: Mutex<VecDeque<&'static nbd_handle>> = Mutex::new(VecDeque::new());

/// Hands a new handle out to C.
pub(super) fn open(handle: Handle) -> *mut nbd_handle {
    let handle = Box::into_raw(Box::new(handle));
    let rested = {
        let mut resting = Resting::lock();
        if resting.tickets.len() > RESTING {
            resting.tickets.pop_front()
        } else {
            None
        }
    };
    let ticket: &'static nbd_handle = rested.unwrap_or_else(|| {
        Box::leak(Box::new(nbd_handle {
            magic: AtomicUsize::new(MAGIC),
            users: AtomicUsize::new(CLOSED | CLAIMED),
            handle: AtomicPtr::new(ptr::null_mut()),
            passing: Passing::default(),
        }))
    });
    ticket.handle.store(handle, Ordering::Relaxed);
    // A caller that holds the old pointer may be checking it right now, and is
    // counted.
    ticket
        .users
        .fetch_and(!(CLOSED | CLAIMED), Ordering::Release);
    ptr::from_ref(ticket).cast_mut()
}

/// The handle behind a pointer from C, for one call.
///
/// # Safety
/// `h` must have come from `open`, closed or not, or be one of the pointers that
/// are recognised as no handle: null, not aligned, or to memory that can be read
/// and does not begin with the magic.
#[inline]
pub(super) unsafe fn enter(h: *const nbd_handle) -> Result<User> {
    // SAFETY: by the contract of this function.
    let Some(ticket) = (unsafe { ticket(h) }) else {
        return Err(foreign(h));
    };
    // Count first, then check: either the thread that closes the handle sees
    // this call, or this call sees that the handle is closed.
    let user = User(ticket);
    let before = ticket.users.fetch_add(1, Ordering::Acquire);
    if before & CLOSED != 0 {
        return Err(user.refused());
    }
    Ok(user)
}

/// Runs an operation that never waits on the handle behind a pointer from C, in
/// a signal handler perhaps: the handle does not end here, and nothing is
/// allocated, not even for an error.
///
/// # Safety
/// As for `enter`.
pub(super) unsafe fn pass(
    h: *const nbd_handle,
    operation: impl FnOnce(&Handle),
) -> std::result::Result<(), Stale> {
    // SAFETY: by the contract of this function.
    let ticket = unsafe { ticket(h) }.ok_or(Stale)?;
    ticket.passing.pass(|| {
        if ticket.users.load(Ordering::SeqCst) & CLOSED != 0 {
            return Err(Stale);
        }
        let handle = NonNull::new(ticket.handle.load(Ordering::SeqCst)).ok_or(Stale)?;
        // SAFETY: the pointer came from `Box::into_raw` in `open`.  The box is
        // freed only after the pointer has been taken away and nobody passes
        // any more who may have seen it before.
        operation(unsafe { handle.as_ref() });
        Ok(())
    })
}

/// A pointer without an open handle behind it.
#[derive(Debug)]
pub(super) struct Stale;

/// Takes the handle back from C.  It ends with the last call that is inside,
/// which may be this one.
///
/// # Safety
/// As for `enter`.
pub(super) unsafe fn close(h: *const nbd_handle) -> Result<()> {
    // SAFETY: by the contract of this function.
    let user = unsafe { enter(h) }?;
    let before = user.0.users.fetch_or(CLOSED, Ordering::AcqRel);
    if before & CLOSED != 0 {
        return Err(closed());
    }
    Ok(())
}

#[cold]
#[inline(never)]
fn closed() -> Error {
    Error::new(libc::EINVAL, "the handle has been closed")
}

/// A call that is inside a handle.
pub(super) struct User(&'static nbd_handle);

impl Deref for User {
    type Target = Handle;

    #[inline]
    fn deref(&self) -> &Handle {
        // SAFETY: the ticket was open when this user had been counted, so
        // `open` had stored a pointer from `Box::into_raw`.  The box is freed
        // only when the count is zero, and this user is still counted.
        unsafe { &*self.0.handle.load(Ordering::Relaxed) }
    }
}

impl User {
    /// Leaves a handle that has been closed.
    #[cold]
    #[inline(never)]
    fn refused(self) -> Error {
        closed()
    }
}

impl Drop for User {
    #[inline]
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl nbd_handle {
    #[inline]
    fn leave(&'static self) {
        if self.users.fetch_sub(1, Ordering::AcqRel) == CLOSED | 1 {
            self.end();
        }
    }

    /// Nobody is inside, and nobody comes.  Callbacks run meanwhile, which find
    /// the handle closed.
    #[cold]
    #[inline(never)]
    fn end(&'static self) {
        // If this fails, somebody has come meanwhile and tries it when leaving,
        // or has been here before, or the ticket is in use again.
        let claim = self.users.compare_exchange(
            CLOSED,
            CLOSED | CLAIMED,
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        if claim.is_err() {
            return;
        }
        let handle = self.handle.swap(ptr::null_mut(), Ordering::SeqCst);
        self.passing.wait_until_empty();
        // SAFETY: the pointer came from `Box::into_raw` in `open`.  Only one
        // thread has claimed the handle, and until `open` has stored another one
        // there is no further claim.
        let handle = unsafe { Box::from_raw(handle) };
        contain(|| drop(handle));
        Resting::lock().tickets.push_back(self);
    }
}

/// # Safety
/// As for `enter`.
#[inline]
unsafe fn ticket(h: *const nbd_handle) -> Option<&'static nbd_handle> {
    if h.is_null() || !h.is_aligned() {
        return None;
    }
    // SAFETY: by the contract of this function the magic can be read, and an
    // object that has it is a ticket, whose memory is never freed.
    let ticket = unsafe { &*h };
    (ticket.magic.load(Ordering::Relaxed) == MAGIC).then_some(ticket)
}

#[cold]
#[inline(never)]
fn foreign(h: *const nbd_handle) -> Error {
    if h.is_null() {
        Error::new(libc::EFAULT, "the handle is NULL")
    } else {
        Error::new(libc::EINVAL, "the pointer is not a handle")
    }
}

/// The tickets of handles that have ended, the oldest first.
struct Resting {
    tickets: MutexGuard<'static, VecDeque<&'static nbd_handle>>,
    _busy: Busy,
}

impl Resting {
    fn lock() -> Self {
        let busy = fork::busy();
        Self {
            tickets: RESTING_TICKETS
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
            _busy: busy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ticket that rests is used for the next handle while a call with the old
    /// pointer has been counted, and leaves, or has left and looks for an end.
    #[test]
    fn a_late_call_spares_the_next_handle() {
        let h = open(Handle::new());
        // SAFETY: the pointer came from `open`, and a ticket is never freed.
        let ticket: &'static nbd_handle = unsafe { &*h };
        // SAFETY: as above.
        unsafe { close(h) }.unwrap();
        {
            // Nobody else gets it from now on.
            let mut resting = Resting::lock();
            resting.tickets.retain(|other| !ptr::eq(*other, ticket));
        }
        ticket.users.fetch_add(1, Ordering::Acquire);
        let next = Box::into_raw(Box::new(Handle::new()));
        // As in `open`, which has not finished.
        ticket.handle.store(next, Ordering::Relaxed);
        ticket.leave();
        assert_eq!(ticket.handle.load(Ordering::Relaxed), next);
        ticket.end();
        assert_eq!(ticket.handle.load(Ordering::Relaxed), next);
        ticket
            .users
            .fetch_and(!(CLOSED | CLAIMED), Ordering::Release);
        // SAFETY: as above; this is the rest of `open`.
        unsafe { close(h) }.unwrap();
        assert!(ticket.handle.load(Ordering::Relaxed).is_null());
    }
}
