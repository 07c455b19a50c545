//! The callbacks that the public functions take: Rust closures, or those of C.
//!
//! A Rust closure goes into a box, and from there it is like one of C: a
//! function, a pointer and a function that frees.  The lifetime says how long
//! the closure may be needed.  A function that waits takes any, for it has
//! done with the closure when it returns; the others take `'static` ones.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Chunk, Closure, Completion, Context, Debug, Extent, Extents32, Extents64, List};
use crate::error::{Error, Result};

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
            closure: $closure,
            borrowed: Borrowed<'a>,
        }

        impl $name<'_> {
            /// What C has passed.
            pub(crate) fn from_closure(closure: $closure) -> Self {
                Self {
                    closure,
                    borrowed: PhantomData,
                }
            }

            /// The closure, as the commands keep it.
            pub(crate) fn closure(&self) -> &$closure {
                &self.closure
            }

            /// The closure, without its lifetime: whoever takes it sees to it
            /// that it is dropped before what it borrows.
            pub(crate) fn into_closure(self) -> $closure {
                self.closure
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
            let function = unsafe { &mut *data.cast::<F>() };
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
            verdict(error, || function(chunk))
        }
        // SAFETY: `call` takes the box for what it is.
        Self::from_closure(unsafe { boxed(function, call::<F>) })
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
            let function = unsafe { &mut *data.cast::<F>() };
            // SAFETY: the library passes a string that outlives the call.
            let context = unsafe { CStr::from_ptr(context) };
            // SAFETY: the library passes `count` words.
            let words = unsafe { std::slice::from_raw_parts(words, count) };
            // SAFETY: the library passes the address of an errno.
            let error = unsafe { &mut *error };
            verdict(error, || function(context, offset, words))
        }
        // SAFETY: `call` takes the box for what it is.
        Self::from_closure(unsafe { boxed(function, call::<F>) })
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
            let function = unsafe { &mut *data.cast::<F>() };
            // SAFETY: the library passes a string that outlives the call.
            let context = unsafe { CStr::from_ptr(context) };
            // SAFETY: the library passes `count` extents.
            let extents = unsafe { std::slice::from_raw_parts(extents, count) };
            // SAFETY: the library passes the address of an errno.
            let error = unsafe { &mut *error };
            verdict(error, || function(context, offset, extents))
        }
        // SAFETY: `call` takes the box for what it is.
        Self::from_closure(unsafe { boxed(function, call::<F>) })
    }
}

/// The function behind every closure that receives two strings.
unsafe extern "C" fn two_strings<F: FnMut(&CStr, &CStr)>(
    data: *mut c_void,
    first: *const c_char,
    second: *const c_char,
) -> c_int {
    // SAFETY: `data` is the box that `new` has made.
    let function = unsafe { &mut *data.cast::<F>() };
    // SAFETY: the library passes strings that outlive the call.
    let first = unsafe { CStr::from_ptr(first) };
    // SAFETY: as above.
    let second = unsafe { CStr::from_ptr(second) };
    no_panic(|| function(first, second));
    0
}

impl<'a> ListCallback<'a> {
    /// From a closure.  It receives the name of an export and its description,
    /// which is empty if the server gave none.
    pub fn new<F: FnMut(&CStr, &CStr) + Send + 'a>(function: F) -> Self {
        // SAFETY: the function takes the box for what it is.
        Self::from_closure(unsafe { boxed(function, two_strings::<F>) })
    }
}

impl<'a> DebugCallback<'a> {
    /// From a closure.  It receives the name of the public function that is
    /// running, as in C, and the message.
    pub fn new<F: FnMut(&CStr, &CStr) + Send + 'a>(function: F) -> Self {
        // SAFETY: the function takes the box for what it is.
        Self::from_closure(unsafe { boxed(function, two_strings::<F>) })
    }
}

impl<'a> ContextCallback<'a> {
    /// From a closure.  It receives the name of a meta context.
    pub fn new<F: FnMut(&CStr) + Send + 'a>(function: F) -> Self {
        unsafe extern "C" fn call<F: FnMut(&CStr)>(
            data: *mut c_void,
            name: *const c_char,
        ) -> c_int {
            // SAFETY: `data` is the box that `new` has made.
            let function = unsafe { &mut *data.cast::<F>() };
            // SAFETY: the library passes a string that outlives the call.
            let name = unsafe { CStr::from_ptr(name) };
            no_panic(|| function(name));
            0
        }
        // SAFETY: `call` takes the box for what it is.
        Self::from_closure(unsafe { boxed(function, call::<F>) })
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
    /// it must not call the handle itself.
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
            Told::Function(function) => Completion::from_fn(move |errno| function(outcome(errno))),
        }
    }
}

impl<T: Send + 'static> CompletionCallback<T> {
    /// The closure, as commands keep it, which owns the buffer of the command.
    pub(crate) fn keeping(self, buffer: T) -> Completion {
        match self.0 {
            Told::Closure(_) => {
                // It is empty: C knows nothing of such buffers.
                let mut keeper = Completion::from_fn(move |_| drop(buffer));
                keeper.function = None;
                keeper
            }
            Told::Function(function) => {
                Completion::from_fn(move |errno| function(outcome(errno).map(|()| buffer)))
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

impl Completion {
    /// A Rust closure that is called once, with the errno or 0; the command
    /// then retires.
    fn from_fn<F: FnOnce(c_int) + Send + 'static>(function: F) -> Self {
        unsafe extern "C" fn call<F: FnOnce(c_int)>(data: *mut c_void, error: *mut c_int) -> c_int {
            // SAFETY: `data` is the box below.
            let function = unsafe { &mut *data.cast::<Option<F>>() };
            // SAFETY: the library passes the address of an errno.
            let error = unsafe { *error };
            if let Some(function) = function.take() {
                no_panic(|| function(error));
            }
            1
        }
        // SAFETY: `call` takes the box for what it is.
        unsafe { boxed(Some(function), call::<F>) }
    }
}

/// A Rust closure, or what contains it, in a box that the closure frees.
///
/// # Safety
/// `call` must take its first argument for a pointer to an `F`, and the result
/// must be dropped before what `function` borrows.
unsafe fn boxed<F: Send, C>(function: F, call: C) -> Closure<C> {
    unsafe extern "C" fn free<F>(data: *mut c_void) {
        // SAFETY: `data` is the box below, and it is freed once.
        let function = unsafe { Box::from_raw(data.cast::<F>()) };
        no_panic(|| drop(function));
    }
    let data = Box::into_raw(Box::new(function));
    // SAFETY: by the contract of this function; a closure that is `Send` can be
    // called from any thread, one at a time.
    unsafe { Closure::new(Some(call), data.cast(), Some(free::<F>)) }
}

/// What a closure's answer means to the command it belongs to.
fn verdict(error: &mut c_int, function: impl FnOnce() -> Result<()>) -> c_int {
    let answer = catch_unwind(AssertUnwindSafe(function));
    match answer.unwrap_or_else(|_| Err(Error::new(libc::ENOTRECOVERABLE, "a callback panicked"))) {
        Ok(()) => 0,
        Err(reason) => {
            *error = reason.errno();
            -1
        }
    }
}

/// Runs a Rust closure on behalf of C, into which no panic may cross.  The
/// panic has been reported by its hook, and the closure has ended.
fn no_panic(function: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(function));
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
    use std::sync::Arc;

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
    fn an_error_without_errno_leaves_the_choice_to_the_command() {
        let callback = Extent64Callback::new(|_, _, _| Err(Error::without_errno("no")));
        let mut error = libc::EIO;
        let verdict = callback
            .into_closure()
            .call(c"context", 0, &mut [], &mut error);
        assert_eq!((verdict, error), (-1, 0));
    }
}
