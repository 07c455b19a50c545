//! Closures in the form of the C interface: a function, its data, and a
//! function that frees the data.
//!
//! A closure owns its data from the moment the library has accepted it, and
//! frees it exactly once, when it is dropped.  Commands store their closures in
//! this form, so that no call allocates memory.
//!
//! The public functions take these closures in wrappers, which can also be
//! created from Rust closures (see `api::callbacks`).

#![allow(unsafe_code, reason = "closures of C are a function and a pointer")]

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};

use crate::error::Result;

/// Frees the data of a closure.
pub type FreeFunction = unsafe extern "C" fn(user_data: *mut c_void);

/// A function with the data it is called with.
#[derive(Debug)]
pub struct Closure<F> {
    function: Option<F>,
    user_data: *mut c_void,
    free: Option<FreeFunction>,
}

// SAFETY: the contract of `Closure::new` lets the library call the function
// from whichever thread is inside a call on the handle.
unsafe impl<F> Send for Closure<F> {}

impl<F> Closure<F> {
    /// Takes ownership of a closure.
    ///
    /// # Safety
    /// `function` and `free`, where given, must be callable with `user_data`
    /// from any thread, one at a time, until the closure is dropped; `free`
    /// ends the life of `user_data`.
    pub unsafe fn new(
        function: Option<F>,
        user_data: *mut c_void,
        free: Option<FreeFunction>,
    ) -> Self {
        Self {
            function,
            user_data,
            free,
        }
    }

    /// No function to call and no data to free.
    pub fn none() -> Self {
        Self {
            function: None,
            user_data: std::ptr::null_mut(),
            free: None,
        }
    }

    /// Whether there is neither a function to call nor data to free.
    #[inline]
    pub fn is_null(&self) -> bool {
        self.function.is_none() && self.free.is_none()
    }
}

impl<F> Drop for Closure<F> {
    #[inline]
    fn drop(&mut self) {
        if let Some(free) = self.free.take() {
            // SAFETY: by the contract of `new`, and only once: `free` is taken.
            unsafe { free(self.user_data) }
        }
    }
}

/// Called when a command or an option has completed.
pub type Completion = Closure<unsafe extern "C" fn(*mut c_void, *mut c_int) -> c_int>;

impl Completion {
    /// Runs the function; a closure without one returns 0.
    #[inline]
    pub fn call(&mut self, error: &mut c_int) -> c_int {
        match self.function {
            // SAFETY: by the contract of `new`; `error` outlives the call.
            Some(function) => unsafe { function(self.user_data, error) },
            None => 0,
        }
    }
}

/// Called for each chunk of a structured read.
pub type Chunk = Closure<
    unsafe extern "C" fn(*mut c_void, *const c_void, usize, u64, c_uint, *mut c_int) -> c_int,
>;

impl Chunk {
    /// Runs the function; a closure without one returns 0.  `data` is the
    /// caller's own buffer, and is passed on unchanged.
    #[inline]
    pub fn call(
        &mut self,
        (data, count): (*const u8, usize),
        offset: u64,
        status: c_uint,
        error: &mut c_int,
    ) -> c_int {
        match self.function {
            // SAFETY: by the contract of `new`; `data` points into the buffer
            // that the caller lent for the command that owns this closure.
            Some(function) => unsafe {
                function(self.user_data, data.cast(), count, offset, status, error)
            },
            None => 0,
        }
    }
}

/// Called for each meta context of a block status reply.
pub type Extents<T> = Closure<
    unsafe extern "C" fn(*mut c_void, *const c_char, u64, *mut T, usize, *mut c_int) -> c_int,
>;

/// The 32-bit form: two words for each extent.
pub type Extents32 = Extents<u32>;

/// The 64-bit form.
pub type Extents64 = Extents<Extent>;

/// One extent as the 64-bit block status callback receives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Extent {
    /// Length in bytes, at most `INT64_MAX`.
    pub length: u64,
    /// Status flags, as the meta context defines them.
    pub flags: u64,
}

impl<T> Extents<T> {
    /// Runs the function; a closure without one returns 0.
    #[inline]
    pub fn call(
        &mut self,
        context: &CStr,
        offset: u64,
        extents: &mut [T],
        error: &mut c_int,
    ) -> c_int {
        let Some(function) = self.function else {
            return 0;
        };
        let (context, count) = (context.as_ptr(), extents.len());
        // SAFETY: by the contract of `new`; name, extents and error outlive the
        // call, and the function may change the extents.
        unsafe {
            function(
                self.user_data,
                context,
                offset,
                extents.as_mut_ptr(),
                count,
                error,
            )
        }
    }
}

/// A function that receives names.  The return value of a C function has no
/// meaning, but a Rust function can panic, in which case its command must fail.
#[derive(Debug, Clone, Copy)]
pub enum Listener<C, R> {
    C(C),
    Rust(R),
}

impl<C, R> From<C> for Listener<C, R> {
    fn from(function: C) -> Self {
        Self::C(function)
    }
}

/// Called for each export that the server lists.
pub type List = Closure<
    Listener<
        unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char) -> c_int,
        unsafe fn(*mut c_void, &CStr, &CStr) -> Result<()>,
    >,
>;

impl List {
    /// Runs the function.
    #[inline]
    pub fn call(&mut self, name: &CStr, description: &CStr) -> Result<()> {
        match self.function {
            Some(Listener::C(function)) => {
                // SAFETY: by the contract of `new`; both strings outlive the
                // call.
                unsafe { function(self.user_data, name.as_ptr(), description.as_ptr()) };
                Ok(())
            }
            // SAFETY: by the contract of `new`.
            Some(Listener::Rust(function)) => unsafe {
                function(self.user_data, name, description)
            },
            None => Ok(()),
        }
    }
}

/// Called for each meta context that the server lists or selects.
pub type Context = Closure<
    Listener<
        unsafe extern "C" fn(*mut c_void, *const c_char) -> c_int,
        unsafe fn(*mut c_void, &CStr) -> Result<()>,
    >,
>;

impl Context {
    /// Runs the function.
    #[inline]
    pub fn call(&mut self, name: &CStr) -> Result<()> {
        match self.function {
            Some(Listener::C(function)) => {
                // SAFETY: by the contract of `new`; the string outlives the
                // call.
                unsafe { function(self.user_data, name.as_ptr()) };
                Ok(())
            }
            // SAFETY: by the contract of `new`.
            Some(Listener::Rust(function)) => unsafe { function(self.user_data, name) },
            None => Ok(()),
        }
    }
}

/// Called for each debug message.
pub type Debug = Closure<unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char) -> c_int>;

impl Debug {
    /// Runs the function with the name of the public function and the message.
    pub fn message(&mut self, function_name: &CStr, message: &CStr) {
        if let Some(function) = self.function {
            // SAFETY: by the contract of `new`; both strings outlive the call.
            unsafe { function(self.user_data, function_name.as_ptr(), message.as_ptr()) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    unsafe extern "C" fn count(data: *mut c_void, _error: *mut c_int) -> c_int {
        // SAFETY: the test passes a pointer to a live counter.
        unsafe { *data.cast::<i32>() += 1 };
        7
    }

    unsafe extern "C" fn freed(data: *mut c_void) {
        // SAFETY: as above.
        unsafe { *data.cast::<i32>() += 100 };
    }

    #[test]
    fn a_closure_is_called_with_its_data_and_freed_once() {
        let mut counter = 0;
        let data: *mut i32 = &mut counter;
        // SAFETY: `counter` outlives the closure.
        let mut closure = unsafe { Completion::new(Some(count as _), data.cast(), Some(freed)) };
        assert_eq!(closure.call(&mut 0), 7);
        assert_eq!(closure.call(&mut 0), 7);
        drop(closure);
        assert_eq!(counter, 102);
    }

    #[test]
    fn a_null_closure_does_nothing() {
        let mut closure = Completion::none();
        assert!(closure.is_null());
        assert_eq!(closure.call(&mut 0), 0);
    }
}
