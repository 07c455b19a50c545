//! The caller's side of a command: the memory it lends, the closures it passes,
//! and what they receive.

#![allow(unsafe_code, reason = "callers lend memory and closures of C")]

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::fmt;
use std::ptr::NonNull;
use std::rc::Rc;

use crate::callback::{Chunk, Completion, Extent, Extents32, Extents64};
use crate::memory::{Lent, LentMut, ReceiveVector, SendVector};

/// What surrounds the memory, and must not change.
const GUARD: [u8; 64] = [0x5b; 64];

/// What the export contains at an offset: never zero and never stale.
pub fn disk(offset: u64) -> u8 {
    u8::try_from(1 + offset % 61).unwrap()
}

/// A part of what the export contains.
pub fn disk_range(offset: u64, count: usize) -> Vec<u8> {
    let count = u64::try_from(count).unwrap();
    (0..count).map(|at| disk(offset.wrapping_add(at))).collect()
}

/// Memory that a command uses, between guards.
pub struct Memory {
    whole: NonNull<u8>,
    len: usize,
}

impl Memory {
    pub fn holding(bytes: &[u8]) -> Self {
        let whole = [&GUARD, bytes, &GUARD].concat().into_boxed_slice();
        let whole: *mut [u8] = Box::into_raw(whole);
        Self {
            whole: NonNull::new(whole.cast()).unwrap(),
            len: bytes.len(),
        }
    }

    fn start(&self) -> NonNull<u8> {
        // SAFETY: the guard is part of the allocation.
        unsafe { self.whole.add(GUARD.len()) }
    }

    /// Lends the memory for a write.  It must outlive the command.
    pub fn lend(&self) -> Lent {
        // SAFETY: the memory is `len` bytes long and, by the contract of the
        // caller, outlives the command; nobody changes it meanwhile.
        unsafe { Lent::new(self.start(), self.len) }
    }

    /// Lends the memory for a read.  It must outlive the command.
    pub fn lend_mut(&self) -> LentMut {
        // SAFETY: as above, and nobody looks at it meanwhile.
        unsafe { LentMut::new(self.start(), self.len) }
    }

    /// The contents of the memory; fails if a guard was touched.
    pub fn bytes(&self) -> Vec<u8> {
        let len = self.len + 2 * GUARD.len();
        // SAFETY: the allocation is that long; no command is writing now.
        let whole = unsafe { std::slice::from_raw_parts(self.whole.as_ptr(), len) };
        let (before, rest) = whole.split_at(GUARD.len());
        let (bytes, behind) = rest.split_at(self.len);
        assert_eq!(before, GUARD, "written before the buffer");
        assert_eq!(behind, GUARD, "written behind the buffer");
        bytes.to_vec()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let len = self.len + 2 * GUARD.len();
        let whole = std::ptr::slice_from_raw_parts_mut(self.whole.as_ptr(), len);
        // SAFETY: it came from `Box::into_raw`, with this length.
        drop(unsafe { Box::from_raw(whole) });
    }
}

/// Plays the socket that takes bytes: what `vectors` hold, `most` at most.
pub fn take(vectors: &[SendVector<'_>], most: usize) -> Vec<u8> {
    let mut taken = Vec::new();
    for vector in vectors {
        let (start, len) = vector.parts();
        let len = len.min(most - taken.len());
        // SAFETY: a vector names memory that is valid for as long as it lives.
        taken.extend_from_slice(unsafe { std::slice::from_raw_parts(start, len) });
    }
    taken
}

/// Plays the socket that has bytes: fills the vectors in order, and returns how
/// many bytes fitted.
pub fn fill(vectors: &mut [ReceiveVector<'_>], bytes: &[u8]) -> usize {
    let mut rest = bytes;
    for vector in vectors {
        let (start, len) = vector.parts();
        let (now, later) = rest.split_at(len.min(rest.len()));
        // SAFETY: as above; `now` is no longer than the vector.
        unsafe { std::ptr::copy_nonoverlapping(now.as_ptr(), start, now.len()) };
        rest = later;
    }
    bytes.len() - rest.len()
}

/// Something that happened to a command.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    pub cookie: u64,
    pub what: What,
}

#[derive(Clone, PartialEq, Eq)]
pub enum What {
    /// A part of a read: where it is in the caller's memory, what it contained
    /// at that moment, its offset in the export.
    Part {
        at: isize,
        bytes: Vec<u8>,
        offset: u64,
        status: c_uint,
        error: c_int,
    },
    Extents {
        context: String,
        offset: u64,
        entries: Vec<u64>,
        error: c_int,
    },
    /// The error, and what the memory contained at that moment.
    Completed(c_int, Vec<u8>),
    AlongFreed,
    CompletionFreed,
}

/// The name of an errno, for the tables of the tests.
pub fn errno_name(errno: c_int) -> String {
    match errno {
        libc::EPERM => "EPERM".into(),
        libc::EIO => "EIO".into(),
        libc::ENOMEM => "ENOMEM".into(),
        libc::EINVAL => "EINVAL".into(),
        libc::ENOSPC => "ENOSPC".into(),
        libc::EPROTO => "EPROTO".into(),
        libc::EOVERFLOW => "EOVERFLOW".into(),
        libc::ENOTSUP => "ENOTSUP".into(),
        libc::ENOTCONN => "ENOTCONN".into(),
        libc::ETIMEDOUT => "ETIMEDOUT".into(),
        libc::ESHUTDOWN => "ESHUTDOWN".into(),
        other => other.to_string(),
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let earlier = |error| match error {
            0 => String::new(),
            errno => format!(" after {}", errno_name(errno)),
        };
        match self {
            Self::Part {
                bytes,
                offset,
                status,
                error,
                ..
            } => {
                let status = match status {
                    1 if *bytes == disk_range(*offset, bytes.len()) => "data",
                    1 => "spoiled data",
                    2 if bytes.iter().all(|byte| *byte == 0) => "hole",
                    2 => "hole without zeroes",
                    3 => "error",
                    _ => "nonsense",
                };
                let error = earlier(*error);
                write!(f, "{status} {offset}+{}{error}", bytes.len())
            }
            Self::Extents {
                context,
                offset,
                entries,
                error,
            } => {
                let error = earlier(*error);
                write!(f, "{context} {offset}: {entries:?}{error}")
            }
            Self::Completed(0, _) => write!(f, "completed"),
            Self::Completed(error, _) => write!(f, "failed {}", errno_name(*error)),
            Self::AlongFreed => write!(f, "first closure freed"),
            Self::CompletionFreed => write!(f, "freed"),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.cookie, self.what)
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Everything that happened, in order.
pub type Log = Rc<RefCell<Vec<Event>>>;

/// What a closure returns, and what it leaves in its error argument.
#[derive(Debug, Clone, Copy)]
pub struct Verdict {
    pub answer: c_int,
    pub error: Option<c_int>,
}

impl Verdict {
    pub const ACCEPT: Self = Self {
        answer: 0,
        error: None,
    };
    pub const RETIRE: Self = Self {
        answer: 1,
        error: None,
    };

    pub fn fail(errno: c_int) -> Self {
        Self {
            answer: -1,
            error: Some(errno),
        }
    }
}

/// The user data of a closure.
pub struct Told {
    pub cookie: u64,
    pub log: Log,
    /// The memory of the command, to see where a part lies.
    pub memory: Option<Rc<Memory>>,
    /// Return values of the first calls; all later ones accept.
    pub verdicts: Vec<Verdict>,
    pub calls: Cell<usize>,
}

impl Told {
    fn note(&self, what: What) {
        self.log.borrow_mut().push(Event {
            cookie: self.cookie,
            what,
        });
    }

    fn answer(&self, error: &mut c_int) -> c_int {
        let call = self.calls.replace(self.calls.get() + 1);
        let verdict = self.verdicts.get(call).unwrap_or(&Verdict::ACCEPT);
        if let Some(value) = verdict.error {
            *error = value;
        }
        verdict.answer
    }

    fn user_data(self: &Rc<Self>) -> *mut c_void {
        Rc::as_ptr(self).cast_mut().cast()
    }

    // The rig that made `told` keeps it until every command is gone.

    pub fn chunk(told: &Rc<Self>) -> Chunk {
        // SAFETY: `told` outlives the closure.
        unsafe { Chunk::new(Some(on_chunk), told.user_data(), Some(free_along)) }
    }

    pub fn extents32(told: &Rc<Self>) -> Extents32 {
        // SAFETY: as above.
        unsafe { Extents32::new(Some(on_extents32), told.user_data(), Some(free_along)) }
    }

    pub fn extents64(told: &Rc<Self>) -> Extents64 {
        // SAFETY: as above.
        unsafe { Extents64::new(Some(on_extents64), told.user_data(), Some(free_along)) }
    }

    pub fn completion(told: &Rc<Self>) -> Completion {
        // SAFETY: as above.
        unsafe { Completion::new(Some(on_completion), told.user_data(), Some(free_completion)) }
    }
}

/// # Safety
/// `user_data` must come from `Told::user_data`, and the value still live.
unsafe fn told<'a>(user_data: *mut c_void) -> &'a Told {
    // SAFETY: by the contract of this function.
    unsafe { &*user_data.cast::<Told>() }
}

unsafe extern "C" fn on_chunk(
    user_data: *mut c_void,
    data: *const c_void,
    count: usize,
    offset: u64,
    status: c_uint,
    error: *mut c_int,
) -> c_int {
    // SAFETY: the library calls closures as they were passed, with a valid
    // error pointer and `count` readable bytes.
    let (told, error, bytes) = unsafe {
        let bytes = std::slice::from_raw_parts(data.cast::<u8>(), count);
        (told(user_data), &mut *error, bytes)
    };
    let start = told.memory.as_ref().unwrap().start().as_ptr().addr();
    told.note(What::Part {
        at: isize::from_ne_bytes(data.addr().wrapping_sub(start).to_ne_bytes()),
        bytes: bytes.to_vec(),
        offset,
        status,
        error: *error,
    });
    told.answer(error)
}

unsafe extern "C" fn on_extents32(
    user_data: *mut c_void,
    context: *const c_char,
    offset: u64,
    words: *mut u32,
    count: usize,
    error: *mut c_int,
) -> c_int {
    // SAFETY: as above, for the name and the `count` words.
    let (told, context, words, error) = unsafe {
        let words = std::slice::from_raw_parts_mut(words, count);
        (told(user_data), CStr::from_ptr(context), words, &mut *error)
    };
    told.note(What::Extents {
        context: context.to_str().unwrap().into(),
        offset,
        entries: words.iter().map(|&word| word.into()).collect(),
        error: *error,
    });
    // The caller may use the memory as it likes.
    words.fill(u32::MAX);
    told.answer(error)
}

unsafe extern "C" fn on_extents64(
    user_data: *mut c_void,
    context: *const c_char,
    offset: u64,
    extents: *mut Extent,
    count: usize,
    error: *mut c_int,
) -> c_int {
    // SAFETY: as above, for the name and the `count` extents.
    let (told, context, extents, error) = unsafe {
        let extents = std::slice::from_raw_parts_mut(extents, count);
        let context = CStr::from_ptr(context);
        (told(user_data), context, extents, &mut *error)
    };
    told.note(What::Extents {
        context: context.to_str().unwrap().into(),
        offset,
        entries: extents.iter().flat_map(|e| [e.length, e.flags]).collect(),
        error: *error,
    });
    extents.fill(Extent {
        length: u64::MAX,
        flags: u64::MAX,
    });
    told.answer(error)
}

unsafe extern "C" fn on_completion(user_data: *mut c_void, error: *mut c_int) -> c_int {
    // SAFETY: as above.
    let (told, error) = unsafe { (told(user_data), &mut *error) };
    let memory = told.memory.as_ref().map(|memory| memory.bytes());
    told.note(What::Completed(*error, memory.unwrap_or_default()));
    told.answer(error)
}

unsafe extern "C" fn free_along(user_data: *mut c_void) {
    // SAFETY: as above.
    unsafe { told(user_data) }.note(What::AlongFreed);
}

unsafe extern "C" fn free_completion(user_data: *mut c_void) {
    // SAFETY: as above.
    unsafe { told(user_data) }.note(What::CompletionFreed);
}
