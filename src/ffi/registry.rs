//! The pointers that C holds, and the handles behind them.
//!
//! What C calls a handle is a small ticket that is never given back to the
//! allocator, only reused, and not soon.  So a pointer that was closed can be
//! recognised by reading memory that is still a ticket, instead of reading
//! freed memory.  A pointer that never was a handle is recognised by its magic
//! if it can be read at all.

use std::collections::VecDeque;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::fork::{self, Busy};
use crate::handle::Handle;

/// The opaque handle of the C interface.
#[allow(non_camel_case_types)]
#[repr(C)]
pub struct nbd_handle {
    magic: AtomicU64,
    /// Null once the handle is closed.
    handle: AtomicPtr<Handle>,
}

/// ASCII `libnbd.h`.
const MAGIC: u64 = 0x6c69_626e_6264_2e68;

/// So many closed tickets rest before the oldest is used again.
const RESTING: usize = 64;

static CLOSED: Mutex<VecDeque<&'static nbd_handle>> = Mutex::new(VecDeque::new());

/// Hands a new handle out to C.
pub(super) fn open(handle: Handle) -> *mut nbd_handle {
    let handle = Box::into_raw(Box::new(handle));
    let rested = {
        let mut closed = closed();
        if closed.list.len() > RESTING {
            closed.list.pop_front()
        } else {
            None
        }
    };
    let ticket: &'static nbd_handle = rested.unwrap_or_else(|| {
        Box::leak(Box::new(nbd_handle {
            magic: AtomicU64::new(MAGIC),
            handle: AtomicPtr::new(ptr::null_mut()),
        }))
    });
    ticket.handle.store(handle, Ordering::Release);
    ptr::from_ref(ticket).cast_mut()
}

/// The handle behind a pointer from C.
pub(super) fn find<'a>(h: *const nbd_handle) -> Result<&'a Handle> {
    let ticket = ticket(h)?;
    let handle = NonNull::new(ticket.handle.load(Ordering::Acquire))
        .ok_or_else(|| Error::new(libc::EINVAL, "the handle has been closed"))?;
    // SAFETY: `open` stored a pointer from `Box::into_raw`, and `close` clears
    // it before it drops the box.  The interface forbids closing a handle
    // while another call uses it, so the box outlives this call.
    Ok(unsafe { handle.as_ref() })
}

/// Takes the handle back from C.
pub(super) fn close(h: *const nbd_handle) -> Result<Box<Handle>> {
    let ticket = ticket(h)?;
    let handle = ticket.handle.swap(ptr::null_mut(), Ordering::AcqRel);
    if handle.is_null() {
        return Err(Error::new(libc::EINVAL, "the handle has been closed"));
    }
    closed().list.push_back(ticket);
    // SAFETY: the pointer came from `Box::into_raw` in `open`, and the swap
    // gives it to one caller only.
    Ok(unsafe { Box::from_raw(handle) })
}

fn ticket(h: *const nbd_handle) -> Result<&'static nbd_handle> {
    if h.is_null() {
        return Err(Error::new(libc::EFAULT, "the handle is NULL"));
    }
    let foreign = || Error::new(libc::EINVAL, "the pointer is not a handle");
    if !h.is_aligned() {
        return Err(foreign());
    }
    // SAFETY: the caller passes a pointer from `nbd_create`, whose memory is
    // never freed.  Anything else cannot be told apart without reading it.
    let ticket = unsafe { &*h };
    if ticket.magic.load(Ordering::Relaxed) != MAGIC {
        return Err(foreign());
    }
    Ok(ticket)
}

/// The list of closed tickets, locked, which no fork can happen in.
struct Closed {
    list: MutexGuard<'static, VecDeque<&'static nbd_handle>>,
    _busy: Busy,
}

fn closed() -> Closed {
    let busy = fork::busy();
    Closed {
        list: CLOSED.lock().unwrap_or_else(PoisonError::into_inner),
        _busy: busy,
    }
}
