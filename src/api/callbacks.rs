//! The callbacks that the public functions take: Rust closures or C closures.
//!
//! A Rust closure is boxed, and from then on has the form of a C closure: a
//! function, a pointer and a free function.  The lifetime limits what the
//! closure may borrow.  A function that waits accepts any lifetime, because it
//! no longer needs the closure when it returns; the others require `'static`.
//!
//! Commands have no lifetime parameters.  So only a `'static` callback can
//! become a closure of a command.  Any other callback is made `'static` while a
//! function waits (`while_waiting`), and its closure must have been dropped
//! when that function returns.

#![allow(unsafe_code, reason = "closures of Rust become closures of C")]

use std::convert;
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

/// A chunk of a structured read, as passed to its callback.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ReadChunk<'a> {
    /// The part of the buffer that the server has filled; empty if the chunk
    /// reports an error that does not apply to a range.
    pub data: &'a [u8],
    /// The position in the export, in bytes.
    pub offset: u64,
    /// [`READ_DATA`](crate::READ_DATA), [`READ_HOLE`](crate::READ_HOLE) or
    /// [`READ_ERROR`](crate::READ_ERROR).
    pub status: u32,
    /// The errno of the chunk or of an earlier one, or 0.
    pub errno: i32,
}

/// What the closure of a callback may borrow.  The callback owns the closure as
/// a box would and drops it, so whatever the closure borrows must still be
/// valid when the callback is dropped.  A mere reference would not express
/// this.
type Borrowed<'a> = PhantomData<Box<dyn FnMut() + Send + 'a>>;

macro_rules! wrappers {
    ($($(#[$doc:meta])* $name:ident($closure:ident);)*) => {$(
        $(#[$doc])*
        pub struct $name<'a> {
            parts: ($closure, Life),
            borrowed: Borrowed<'a>,
        }

        impl $name<'static> {
            /// A callback passed by C, which is responsible for its lifetime.
            pub(crate) fn from_closure(closure: $closure) -> Self {
                Self::from_parts((closure, Life::default()))
            }

            /// The closure in the form that commands store.
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

            /// A reference to the closure.
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
    /// Called for each chunk of a structured read, in the order in which the
    /// server sends them.
    ChunkCallback(Chunk);
    /// Called for each meta context of a block status reply, with 32-bit
    /// extents.
    ExtentCallback(Extents32);
    /// Called for each meta context of a block status reply, with 64-bit
    /// extents.
    Extent64Callback(Extents64);
    /// Called for each export that the server lists.
    ListCallback(List);
    /// Called for each meta context that the server lists or selects.
    ContextCallback(Context);
    /// Called for each debug message.
    DebugCallback(Debug);
}

/// Callbacks that commands store, some of them only while the caller waits.
macro_rules! lent {
    ($($name:ident)*) => {$(
        impl $name<'_> {
            /// Lends the callback to a call that waits.
            pub(crate) fn while_waiting<R>(self, wait: impl FnOnce($name<'static>) -> R) -> R {
                let _end = End(self.parts.1.clone());
                // SAFETY: this function is not left, not even by a panic, while
                // the closure exists: `_end` ensures that.  Until then whatever
                // the closure borrows is valid, because `self` borrows it.
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

/// How a closure of Rust is made, and called with the arguments of its C form.
/// `$kept` is the closure in its box.
macro_rules! constructors {
    ($(
        $(#[$doc:meta])*
        $name:ident(FnMut($($type:ty),*) $(-> $answer:ty)?) $wrap:path =>
            $([$($abi:tt)*])? fn($($argument:ident: $c_type:ty),*) -> $c_answer:ty,
            |$kept:ident| $body:expr;
    )*) => {$(
        impl<'a> $name<'a> {
            $(#[$doc])*
            pub fn new<F: FnMut($($type),*) $(-> $answer)? + Send + 'a>(function: F) -> Self {
                unsafe $($($abi)*)? fn call<F: FnMut($($type),*) $(-> $answer)?>(
                    data: *mut c_void,
                    $($argument: $c_type),*
                ) -> $c_answer {
                    // SAFETY: `data` is the box that `new` has made.
                    let $kept = unsafe { &mut *data.cast::<Kept<F>>() };
                    $body
                }
                // SAFETY: `call` expects this type of box, and `Self` borrows
                // what the closure borrows.
                Self::from_parts(unsafe { kept(function, $wrap(call::<F>)) })
            }
        }
    )*};
}

constructors! {
    /// Creates a callback from a closure.  If the closure returns an error, the
    /// command continues, but fails in the end with the errno of that error, or
    /// with `EPROTO` if that errno is 0.
    ChunkCallback(FnMut(ReadChunk<'_>) -> Result<()>) convert::identity => [extern "C"] fn(
        part: *const c_void, count: usize, offset: u64, status: c_uint, error: *mut c_int
    ) -> c_int, |kept| {
        // SAFETY: a Rust closure is only ever passed with a Rust buffer, of
        // which these bytes are part; nothing writes to it meanwhile.
        let data = unsafe { slice(part.cast(), count) };
        // SAFETY: the library passes the address of an errno.
        let error = unsafe { &mut *error };
        let chunk = ReadChunk { data, offset, status, errno: *error };
        verdict(error, kept.call(|function| function(chunk)))
    };
    /// Creates a callback from a closure.  The closure receives the name of the
    /// meta context, the offset of the request, and for each extent two words:
    /// its length in bytes and its status flags.  If it returns an error, the
    /// command fails with the errno of that error, or with `EPROTO` if that
    /// errno is 0.
    ExtentCallback(FnMut(&CStr, u64, &[u32]) -> Result<()>) convert::identity => [extern "C"] fn(
        context: *const c_char, offset: u64, words: *mut u32, count: usize, error: *mut c_int
    ) -> c_int, |kept| {
        // SAFETY: the library passes a string, `count` words and an errno.
        let (context, words, error) = unsafe { extents(context, words, count, error) };
        verdict(error, kept.call(|function| function(context, offset, words)))
    };
    /// Creates a callback from a closure.  The closure receives the name of the
    /// meta context, the offset of the request, and the extents.  If it returns
    /// an error, the command fails with the errno of that error, or with
    /// `EPROTO` if that errno is 0.
    Extent64Callback(FnMut(&CStr, u64, &[Extent]) -> Result<()>) convert::identity => [extern "C"] fn(
        context: *const c_char, offset: u64, list: *mut Extent, count: usize, error: *mut c_int
    ) -> c_int, |kept| {
        // SAFETY: the library passes a string, `count` extents and an errno.
        let (context, list, error) = unsafe { extents(context, list, count, error) };
        verdict(error, kept.call(|function| function(context, offset, list)))
    };
    /// Creates a callback from a closure, which receives the name of an export
    /// and its description, which is empty if the server gave none.
    ListCallback(FnMut(&CStr, &CStr)) Listener::Rust =>
        fn(name: &CStr, description: &CStr) -> Result<()>,
        |kept| kept.call(|function| { function(name, description); Ok(()) });
    /// Creates a callback from a closure, which receives the name of a meta
    /// context.
    ContextCallback(FnMut(&CStr)) Listener::Rust =>
        fn(name: &CStr) -> Result<()>,
        |kept| kept.call(|function| { function(name); Ok(()) });
    /// Creates a callback from a closure, which receives the name of the public
    /// function that is running, as in C, and the message.
    DebugCallback(FnMut(&CStr, &CStr)) convert::identity => [extern "C"] fn(
        context: *const c_char, message: *const c_char
    ) -> c_int, |kept| {
        // SAFETY: the library passes strings that outlive the call.
        let (context, message) = unsafe { (CStr::from_ptr(context), CStr::from_ptr(message)) };
        // No command is involved that could fail.
        let _ = kept.call(|function| { function(context, message); Ok(()) });
        0
    };
}

/// Elements behind a pointer, which may be null if there are none.
///
/// # Safety
/// Otherwise they must be there, and stay unchanged, for as long as the call
/// takes.
unsafe fn slice<'a, T>(start: *const T, count: usize) -> &'a [T] {
    match count {
        0 => &[],
        // SAFETY: by the contract of this function.
        _ => unsafe { std::slice::from_raw_parts(start, count) },
    }
}

/// The arguments of a callback for extents.
///
/// # Safety
/// They must be a string, as many extents, and an errno, for as long as the call
/// takes.
unsafe fn extents<'a, T>(
    context: *const c_char,
    list: *mut T,
    count: usize,
    error: *mut c_int,
) -> (&'a CStr, &'a [T], &'a mut c_int) {
    // SAFETY: by the contract of this function.
    unsafe { (CStr::from_ptr(context), slice(list, count), &mut *error) }
}

/// Called once, when a command or an option has completed.
///
/// `T` is what it receives on success: the buffer that the command owned, or
/// nothing.
///
/// A command with a closure is retired when the closure has run.  A command
/// without one ([`CompletionCallback::none`]) is retired by
/// [`Handle::aio_command_completed`](crate::Handle::aio_command_completed).
pub struct CompletionCallback<T = ()>(Told<T>);

enum Told<T> {
    Closure(Completion),
    Function(Box<dyn FnOnce(Result<T>) + Send>),
}

impl<T> CompletionCallback<T> {
    /// Creates a callback from a closure.  The closure runs inside a call on
    /// the handle, while the handle is locked: calls that it makes on this
    /// handle fail with `EDEADLK`.
    pub fn new(function: impl FnOnce(Result<T>) + Send + 'static) -> Self {
        Self(Told::Function(Box::new(function)))
    }

    /// No callback.
    pub fn none() -> Self {
        Self::from_closure(Completion::none())
    }

    /// A callback passed by C.
    pub(crate) fn from_closure(closure: Completion) -> Self {
        Self(Told::Closure(closure))
    }

    /// Whether there is neither a function to call nor data to free.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.0, Told::Closure(closure) if closure.is_null())
    }
}

impl CompletionCallback {
    /// The closure in the form that commands and options store.
    pub(crate) fn into_closure(self) -> Completion {
        match self.0 {
            Told::Closure(closure) => closure,
            Told::Function(function) => told_once(move |errno| function(outcome(errno))),
        }
    }
}

impl<T: Send + 'static> CompletionCallback<T> {
    /// The closure in the form that commands store; it owns the buffer of the
    /// command.
    pub(crate) fn keeping(self, buffer: T) -> Completion {
        match self.0 {
            Told::Closure(_) => {
                // It is empty, because C has no such buffers.  SAFETY: there is
                // no function, and the buffer borrows nothing.
                unsafe { boxed(buffer, None) }
            }
            Told::Function(function) => {
                told_once(move |errno| function(outcome(errno).map(|()| buffer)))
            }
        }
    }
}

impl<T> CompletionCallback<T> {
    /// The C closure, which need not keep a buffer alive.
    pub(crate) fn alone(self) -> Completion {
        match self.0 {
            Told::Closure(closure) => closure,
            // Not reached: Rust code has no buffer of a C type.
            Told::Function(_) => Completion::none(),
        }
    }
}

impl<T> fmt::Debug for CompletionCallback<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompletionCallback").finish_non_exhaustive()
    }
}

/// A Rust closure that is called once, with the errno or 0; the command is then
/// retired.
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
    // SAFETY: `call` expects this type of box.
    unsafe { boxed(Some(function), Some(call::<F>)) }
}

/// A Rust closure that can be called many times, as stored in its box.
struct Kept<F> {
    /// `None` after a panic, which may have left the closure in an inconsistent
    /// state.
    function: Option<F>,
    /// Declared after the closure, so that it is dropped after it.
    _life: Arc<()>,
}

/// Tracks whether a closure still exists; not available for C closures.
type Life = Weak<()>;

/// Boxes a closure.
///
/// # Safety
/// `call` must expect a pointer to a `Kept<F>` as its first argument, and the
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
    /// Calls the closure.  A panic is reported by the panic hook and caught
    /// here; the closure is not called again, because its command has failed
    /// already.
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

/// Guards the end of a call that waits.
struct End(Life);

impl Drop for End {
    /// Aborts if the closure still exists, because the caller will drop what it
    /// borrows.
    fn drop(&mut self) {
        if self.0.strong_count() > 0 {
            std::process::abort();
        }
        // Synchronises with what the closure did in another thread.
        fence(Ordering::Acquire);
    }
}

/// Boxes the data of a closure; the closure frees the box.
///
/// # Safety
/// `call`, if any, must expect a pointer to a `T` as its first argument, and
/// the result must be dropped before what `contents` borrows.
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

/// Converts the result of a closure to what its command expects.
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
