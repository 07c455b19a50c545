//! The callbacks that the public functions take: Rust closures, or those of C.
//!
//! A Rust closure goes into a box, and from there it is like one of C: a
//! function, a pointer and a function that frees.  The lifetime says how long
//! the closure may be needed.  A function that waits takes any, for it has
//! done with the closure when it returns; the others take `'static` ones.
//!
//! Commands know no lifetimes.  So only a `'static` callback can become a
//! closure of a command, and another becomes `'static` while a function waits
//! (`while_waiting`), at the end of which the closure must be gone.

#![allow(unsafe_code, reason = "closures of Rust become closures of C")]

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, Weak};

use crate::callback::{
    Chunk, Closure, Completion, Context, Debug, Extent, Extents32, Extents64, List, Listener,
};
use crate::error::{Error, Result};
use crate::unwind::contain;

/// A part of a structured read, as its callback receives it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ReadChunk<'a> {
    /// The part of the read's buffer that the server has filled; empty if the
    /// chunk tells of an error and not of a range.
    pub data: &'a [u8],
    /// Where in the export it is, in bytes.
    pub offset: u64,
    /// [`READ_DATA`](crate::READ_DATA), [`READ_HOLE`](crate::READ_HOLE) or
    /// [`READ_ERROR`](crate::READ_ERROR).
    pub status: u32,
    /// The errno of the chunk or of an earlier one, or 0.
    pub errno: i32,
}

/// What the closure behind a callback may borrow.  The callback contains that
/// closure as a box would, and frees it, so whatever it borrows must still be
/// there when the callback is dropped: a mere reference would not say so.
type Borrowed<'a> = PhantomData<Box<dyn FnMut() + Send + 'a>>;

macro_rules! wrappers {
    ($($(#[$doc:meta])* $name:ident($closure:ident);)*) => {$(
        $(#[$doc])*
        pub struct $name<'a> {
            parts: ($closure, Life),
            borrowed: Borrowed<'a>,
        }

        impl $name<'static> {
            /// What C has passed, which knows how long it lives.
            pub(crate) fn from_closure(closure: $closure) -> Self {
                Self::from_parts((closure, Life::default()))
            }

            /// The closure, as the commands keep it.
            pub(crate) fn into_closure(self) -> $closure {
                self.parts.0
            }
        }

        impl $name<'_> {
            fn from_parts(parts: ($closure, Life)) -> Self {
                Self {
                    parts,
                    borrowed: PhantomData,
                }
            }

            /// The closure, for a look at it.
            pub(crate) fn closure(&self) -> &$closure {
                &self.parts.0
            }
        }

        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

wrappers! {
    /// Called for each part of a structured read, in the order of the server.
    ChunkCallback(Chunk);
    /// Called for each meta context of a block status reply, with 32-bit
    /// extents.
    ExtentCallback(Extents32);
    /// Called for each meta context of a block status reply, with 64-bit
    /// extents.
    Extent64Callback(Extents64);
    /// Called for each export that a server lists.
    ListCallback(List);
    /// Called for each meta context that a server lists or selects.
    ContextCallback(Context);
    /// Called for each debug message.
    DebugCallback(Debug);
}

/// Callbacks that commands keep, some no longer than their caller waits.
macro_rules! lent {
    ($($name:ident)*) => {$(
        impl $name<'_> {
            /// Lends the callback to a call that waits.
            pub(crate) fn while_waiting<R>(self, wait: impl FnOnce($name<'static>) -> R) -> R {
                let _end = End(self.parts.1.clone());
                // SAFETY: this function is not left, by a panic neither, while
                // the closure exists: `_end` sees to that.  Until then what the
                // closure borrows is there, for `self` has borrowed it.
                wait(unsafe { self.forever() })
            }

            /// The callback without its lifetime.
            ///
            /// # Safety
            /// The closure must be dropped before what it borrows.
            unsafe fn forever(self) -> $name<'static> {
                $name::from_parts(self.parts)
            }
        }
    )*};
}
lent! { ChunkCallback ExtentCallback Extent64Callback ListCallback ContextCallback }

impl<'a> ChunkCallback<'a> {
    /// From a closure.  If it answers with an error, the command goes on, and
    /// fails in the end with the errno of that error, `EPROTO` in place of 0.
    pub fn new<F: FnMut(ReadChunk<'_>) -> Result<()> + Send + 'a>(function: F) -> Self {
        unsafe extern "C" fn call<F: FnMut(ReadChunk<'_>) -> Result<()>>(
            data: *mut c_void,
            part: *const c_void,
            count: usize,
            offset: u64,
            status: c_uint,
            error: *mut c_int,
        ) -> c_int {
            // SAFETY: `data` is the box that `new` has made.
            let kept = unsafe { &mut *data.cast::<Kept<F>>() };
            let part: &[u8] = match count {
                0 => &[],
                // SAFETY: a Rust closure is passed with a Rust buffer only, of
                // which these bytes are part; nobody writes to it meanwhile.
                _ => unsafe { std::slice::from_raw_parts(part.cast(), count) },
            };
            // SAFETY: the library passes the address of an errno.
            let error = unsafe { &mut *error };
            let chunk = ReadChunk {
                data: part,
                offset,
                status,
                errno: *error,
            };
            verdict(error, kept.call(|function| function(chunk)))
        }
        // SAFETY: `call` takes the box for what it is, and `Self` borrows what the
        // closure borrows.
        Self::from_parts(unsafe { kept(function, call::<F>) })
    }
}

impl<'a> ExtentCallback<'a> {
    /// From a closure.  It receives the name of the meta context, the offset of
    /// the request, and for each extent two words: its length in bytes and its
    /// status flags.  If it answers with an error, the command fails with the
    /// errno of that error, `EPROTO` in place of 0.
    pub fn new<F: FnMut(&CStr, u64, &[u32]) -> Result<()> + Send + 'a>(function: F) -> Self {
        unsafe extern "C" fn call<F: FnMut(&CStr, u64, &[u32]) -> Result<()>>(
            data: *mut c_void,
            context: *const c_char,
            offset: u64,
            words: *mut u32,
            count: usize,
            error: *mut c_int,
        ) -> c_int {
            // SAFETY: `data` is the box that `new` has made.
            let kept = unsafe { &mut *data.cast::<Kept<F>>() };
            // SAFETY: the library passes a string that outlives the call.
            let context = unsafe { CStr::from_ptr(context) };
            // SAFETY: the library passes `count` words.
            let words = unsafe { std::slice::from_raw_parts(words, count) };
            // SAFETY: the library passes the address of an errno.
            let error = unsafe { &mut *error };
            verdict(
                error,
                kept.call(|function| function(context, offset, words)),
            )
        }
        // SAFETY: `call` takes the box for what it is, and `Self` borrows what the
        // closure borrows.
        Self::from_parts(unsafe { kept(function, call::<F>) })
    }
}

impl<'a> Extent64Callback<'a> {
    /// From a closure.  It receives the name of the meta context, the offset of
    /// the request, and the extents.  If it answers with an error, the command
    /// fails with the errno of that error, `EPROTO` in place of 0.
    pub fn new<F: FnMut(&CStr, u64, &[Extent]) -> Result<()> + Send + 'a>(function: F) -> Self {
        unsafe extern "C" fn call<F: FnMut(&CStr, u64, &[Extent]) -> Result<()>>(
            data: *mut c_void,
            context: *const c_char,
            offset: u64,
            extents: *mut Extent,
            count: usize,
            error: *mut c_int,
        ) -> c_int {
            // SAFETY: `data` is the box that `new` has made.
            let kept = unsafe { &mut *data.cast::<Kept<F>>() };
            // SAFETY: the library passes a string that outlives the call.
            let context = unsafe { CStr::from_ptr(context) };
            // SAFETY: the library passes `count` extents.
            let extents = unsafe { std::slice::from_raw_parts(extents, count) };
            // SAFETY: the library passes the address of an errno.
            let error = unsafe { &mut *error };
            verdict(
                error,
                kept.call(|function| function(context, offset, extents)),
            )
        }
        // SAFETY: `call` takes the box for what it is, and `Self` borrows what the
        // closure borrows.
        Self::from_parts(unsafe { kept(function, call::<F>) })
    }
}

impl<'a> ListCallback<'a> {
    /// From a closure.  It receives the name of an export and its description,
    /// which is empty if the server gave none.
    pub fn new<F: FnMut(&CStr, &CStr) + Send + 'a>(function: F) -> Self {
        unsafe fn call<F: FnMut(&CStr, &CStr)>(
            data: *mut c_void,
            name: &CStr,
            description: &CStr,
        ) -> Result<()> {
            // SAFETY: `data` is the box that `new` has made.
            let kept = unsafe { &mut *data.cast::<Kept<F>>() };
            kept.call(|function| {
                function(name, description);
                Ok(())
            })
        }
        // SAFETY: `call` takes the box for what it is, and `Self` borrows what the
        // closure borrows.
        Self::from_parts(unsafe { kept(function, Listener::Rust(call::<F>)) })
    }
}

impl<'a> ContextCallback<'a> {
    /// From a closure.  It receives the name of a meta context.
    pub fn new<F: FnMut(&CStr) + Send + 'a>(function: F) -> Self {
        unsafe fn call<F: FnMut(&CStr)>(data: *mut c_void, name: &CStr) -> Result<()> {
            // SAFETY: `data` is the box that `new` has made.
            let kept = unsafe { &mut *data.cast::<Kept<F>>() };
            kept.call(|function| {
                function(name);
                Ok(())
            })
        }
        // SAFETY: `call` takes the box for what it is, and `Self` borrows what the
        // closure borrows.
        Self::from_parts(unsafe { kept(function, Listener::Rust(call::<F>)) })
    }
}

impl<'a> DebugCallback<'a> {
    /// From a closure.  It receives the name of the public function that is
    /// running, as in C, and the message.
    pub fn new<F: FnMut(&CStr, &CStr) + Send + 'a>(function: F) -> Self {
        unsafe extern "C" fn call<F: FnMut(&CStr, &CStr)>(
            data: *mut c_void,
            context: *const c_char,
            message: *const c_char,
        ) -> c_int {
            // SAFETY: `data` is the box that `new` has made.
            let kept = unsafe { &mut *data.cast::<Kept<F>>() };
            // SAFETY: the library passes strings that outlive the call.
            let context = unsafe { CStr::from_ptr(context) };
            // SAFETY: as above.
            let message = unsafe { CStr::from_ptr(message) };
            // There is no command that could fail.
            let _ = kept.call(|function| {
                function(context, message);
                Ok(())
            });
            0
        }
        // SAFETY: `call` takes the box for what it is, and `Self` borrows what the
        // closure borrows.
        Self::from_parts(unsafe { kept(function, call::<F>) })
    }
}

/// Told when a command or an option has ended, once.
///
/// `T` is what comes back then: the buffer that the command owned, or nothing.
///
/// A command with a closure retires when the closure has run.  Without one
/// ([`CompletionCallback::none`]) it waits for
/// [`Handle::aio_command_completed`](crate::Handle::aio_command_completed).
pub struct CompletionCallback<T = ()>(Told<T>);

enum Told<T> {
    Closure(Completion),
    Function(Box<dyn FnOnce(Result<T>) + Send>),
}

impl<T> CompletionCallback<T> {
    /// From a closure.  It runs inside a call on the handle, which is locked:
    /// calls on this handle fail there with `EDEADLK`.
    pub fn new(function: impl FnOnce(Result<T>) + Send + 'static) -> Self {
        Self(Told::Function(Box::new(function)))
    }

    /// Nobody is told.
    pub fn none() -> Self {
        Self::from_closure(Completion::none())
    }

    /// What C has passed.
    pub(crate) fn from_closure(closure: Completion) -> Self {
        Self(Told::Closure(closure))
    }

    /// Whether there is nothing to call and nothing to free.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.0, Told::Closure(closure) if closure.is_null())
    }
}

impl CompletionCallback {
    /// The closure, as commands and options keep it.
    pub(crate) fn into_closure(self) -> Completion {
        match self.0 {
            Told::Closure(closure) => closure,
            Told::Function(function) => told_once(move |errno| function(outcome(errno))),
        }
    }
}

impl<T: Send + 'static> CompletionCallback<T> {
    /// The closure, as commands keep it, which owns the buffer of the command.
    pub(crate) fn keeping(self, buffer: T) -> Completion {
        match self.0 {
            Told::Closure(_) => {
                // It is empty: C knows nothing of such buffers.
                // SAFETY: there is no function, and the buffer borrows nothing.
                unsafe { boxed(buffer, None) }
            }
            Told::Function(function) => {
                told_once(move |errno| function(outcome(errno).map(|()| buffer)))
            }
        }
    }
}

impl<T> CompletionCallback<T> {
    /// The closure of C, which needs no buffer to be kept.
    pub(crate) fn alone(self) -> Completion {
        match self.0 {
            Told::Closure(closure) => closure,
            // Rust has no buffer of a type that comes from C.
            Told::Function(_) => Completion::none(),
        }
    }
}

impl<T> fmt::Debug for CompletionCallback<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompletionCallback").finish_non_exhaustive()
    }
}

/// A Rust closure that is called once, with the errno or 0; the command then
/// retires.
fn told_once<F: FnOnce(c_int) + Send + 'static>(function: F) -> Completion {
    unsafe extern "C" fn call<F: FnOnce(c_int)>(data: *mut c_void, error: *mut c_int) -> c_int {
        // SAFETY: `data` is the box below.
        let function = unsafe { &mut *data.cast::<Option<F>>() };
        // SAFETY: the library passes the address of an errno.
        let error = unsafe { *error };
        if let Some(function) = function.take() {
            contain(|| function(error));
        }
        1
    }
    // SAFETY: `call` takes the box for what it is.
    unsafe { boxed(Some(function), Some(call::<F>)) }
}

/// A Rust closure that can be called many times, as it is in its box.
struct Kept<F> {
    /// Gone once it has panicked: it may be half way in what it does.
    function: Option<F>,
    /// Behind the closure, so that it goes after it.
    _life: Arc<()>,
}

/// Whether a closure still exists; one of C does not tell.
type Life = Weak<()>;

/// Puts a closure into its box.
///
/// # Safety
/// `call` must take its first argument for a pointer to a `Kept<F>`, and the
/// result must be dropped before what `function` borrows.
unsafe fn kept<F: Send, C>(function: F, call: C) -> (Closure<C>, Life) {
    let existing = Arc::new(());
    let life = Arc::downgrade(&existing);
    let kept = Kept {
        function: Some(function),
        _life: existing,
    };
    // SAFETY: by the contract of this function.
    (unsafe { boxed(kept, Some(call)) }, life)
}

impl<F> Kept<F> {
    /// Calls the closure.  A panic is reported by its hook and ends here; the
    /// closure is not called again, and its command has failed already.
    fn call(&mut self, call: impl FnOnce(&mut F) -> Result<()>) -> Result<()> {
        let Some(function) = &mut self.function else {
            return Ok(());
        };
        contain(|| call(function)).unwrap_or_else(|| {
            contain(|| self.function = None);
            Err(Error::new(libc::ENOTRECOVERABLE, "a callback panicked"))
        })
    }
}

/// The end of a call that waits.
struct End(Life);

impl Drop for End {
    /// Goes no further with a closure whose caller will drop what it borrows.
    fn drop(&mut self) {
        if self.0.strong_count() > 0 {
            std::process::abort();
        }
        // Whatever the closure did in another thread has happened before.
        fence(Ordering::Acquire);
    }
}

/// What the functions of a closure work on, in a box that the closure frees.
///
/// # Safety
/// `call`, if any, must take its first argument for a pointer to a `T`, and the
/// result
/// must be dropped before what `contents` borrows.
unsafe fn boxed<T: Send, C>(contents: T, call: Option<C>) -> Closure<C> {
    unsafe extern "C" fn free<T>(data: *mut c_void) {
        // SAFETY: `data` is the box below, and it is freed once.
        let contents = unsafe { Box::from_raw(data.cast::<T>()) };
        contain(|| drop(contents));
    }
    let data = Box::into_raw(Box::new(contents));
    // SAFETY: by the contract of this function; a closure that is `Send` can be
    // called from any thread, one at a time.
    unsafe { Closure::new(call, data.cast(), Some(free::<T>)) }
}

/// What a closure's answer means to the command it belongs to.
fn verdict(error: &mut c_int, answer: Result<()>) -> c_int {
    match answer {
        Ok(()) => 0,
        Err(reason) => {
            *error = reason.errno();
            -1
        }
    }
}

fn outcome(errno: c_int) -> Result<()> {
    match errno {
        0 => Ok(()),
        errno => Err(Error::new(errno, "the command failed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::aborts;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn a_command_without_a_closure_keeps_its_buffer() {
        let buffer = Arc::new([1u8, 2]);
        let mut completion = CompletionCallback::none().keeping(Arc::clone(&buffer));
        assert_eq!(completion.call(&mut 0), 0);
        assert_eq!(Arc::strong_count(&buffer), 2);
        drop(completion);
        assert_eq!(Arc::strong_count(&buffer), 1);
    }

    #[test]
    fn a_closure_that_panics_fails_its_command() {
        let callback = ExtentCallback::new(|_, _, _| panic!("on purpose"));
        let mut error = 0;
        let verdict = callback
            .into_closure()
            .call(c"context", 0, &mut [1, 2], &mut error);
        assert_eq!((verdict, error), (-1, libc::ENOTRECOVERABLE));
    }

    #[test]
    fn a_closure_that_panics_is_dropped_and_not_called_again() {
        let captured = Arc::new(());
        let seen = Arc::clone(&captured);
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let callback = ChunkCallback::new(move |_| {
            let _ = &seen;
            counted.fetch_add(1, Ordering::Relaxed);
            panic!("on purpose")
        });
        let mut closure = callback.into_closure();
        let nothing = (std::ptr::null(), 0);
        let mut error = 0;
        assert_eq!(closure.call(nothing, 0, 0, &mut error), -1);
        assert_eq!(Arc::strong_count(&captured), 1);
        assert_eq!(closure.call(nothing, 0, 0, &mut error), 0);
        drop(closure);
        assert_eq!(
            (calls.load(Ordering::Relaxed), error),
            (1, libc::ENOTRECOVERABLE)
        );
    }

    #[test]
    fn a_debug_closure_that_panics_is_not_called_again() {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let callback = DebugCallback::new(move |_, _| {
            counted.fetch_add(1, Ordering::Relaxed);
            panic!("on purpose")
        });
        let mut closure = callback.into_closure();
        closure.message(c"nbd_poll", c"one");
        closure.message(c"nbd_poll", c"two");
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn an_error_without_errno_leaves_the_choice_to_the_command() {
        let callback = Extent64Callback::new(|_, _, _| Err(Error::without_errno("no")));
        let mut error = libc::EIO;
        let verdict = callback
            .into_closure()
            .call(c"context", 0, &mut [], &mut error);
        assert_eq!((verdict, error), (-1, 0));
    }

    #[test]
    fn a_lent_closure_is_gone_in_the_end() {
        let mut calls = 0;
        let callback = ContextCallback::new(|_| calls += 1);
        callback.while_waiting(|lent| lent.into_closure().call(c"context").unwrap());
        assert_eq!(calls, 1);
    }

    #[test]
    fn a_lent_closure_that_stays_ends_the_program() {
        let test = "api::callbacks::tests::a_lent_closure_that_stays_ends_the_program";
        aborts(test, || {
            let callback = ContextCallback::new(|_| ());
            let _kept = callback.while_waiting(|lent| lent);
        });
    }
}
