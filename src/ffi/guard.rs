//! The way from a C call to the method that does the work, and back.
//!
//! An entry looks up the handle behind its pointer and calls the method of the
//! same name (see `api`), which takes the lock, writes the debug lines and
//! applies the rules.  The rest is specific to C: setting the return value and
//! the thread's last error, keeping panics from crossing into C, and deferring
//! cancellation of the thread, because the library's frames cannot be unwound.
//! A cancelled thread ends here, when the call is complete and nothing is left
//! to be dropped.

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;

use super::last_error;
use super::registry::{self, nbd_handle};
use crate::client::Handle;
use crate::error::{Error, Result};
use crate::sys::Cancellation;
use crate::table;
use crate::unwind::contain;

/// A C return type that has a value for failure.
pub(super) trait CReturn {
    /// What the caller sees when the call fails.
    const FAILURE: Self;
}

macro_rules! failures {
    ($($type:ty = $value:expr;)*) => {$(
        impl CReturn for $type {
            const FAILURE: Self = $value;
        }
    )*};
}
failures! {
    c_int = -1;
    i64 = -1;
    isize = -1;
    *mut c_char = ptr::null_mut();
    *const c_char = ptr::null();
    *mut nbd_handle = ptr::null_mut();
    () = ();
}

/// What a method answers, and how C sees it.
pub(super) trait IntoC<R> {
    /// The C value; making it may fail.
    fn into_c(self) -> Result<R>;
}

macro_rules! conversions {
    ($($from:ty => $to:ty: |$value:ident| $result:expr;)*) => {$(
        impl IntoC<$to> for $from {
            fn into_c(self) -> Result<$to> {
                let $value = self;
                $result
            }
        }
    )*};
}
conversions! {
    () => c_int: |_nothing| Ok(0);
    bool => c_int: |truth| Ok(truth.into());
    c_int => c_int: |number| Ok(number);
    u32 => u32: |number| Ok(number);
    u64 => u64: |number| Ok(number);
    usize => usize: |number| Ok(number);
    i64 => i64: |number| Ok(number);
    // Cookies count from 1, and sizes have been checked: both fit.
    u64 => i64: |number| Ok(i64::try_from(number).unwrap_or(i64::MAX));
    Option<u64> => i64: |number| number.unwrap_or(0).into_c();
    usize => isize: |number| isize::try_from(number)
        .map_err(|_| Error::new(libc::EOVERFLOW, "the size is too large"));
    CString => *mut c_char: |text| malloced(&text);
    &'static CStr => *const c_char: |text| Ok(text.as_ptr());
}

impl<T: IntoC<R>, R> IntoC<R> for Result<T> {
    fn into_c(self) -> Result<R> {
        self?.into_c()
    }
}

/// A string that the caller frees.
fn malloced(text: &CStr) -> Result<*mut c_char> {
    // SAFETY: `text` is NUL-terminated.
    let copy = unsafe { libc::strdup(text.as_ptr()) };
    if copy.is_null() {
        return Err(Error::new(libc::ENOMEM, "strdup"));
    }
    Ok(copy)
}

/// Calls a method in the name of a C function.  A failure, also to find the
/// handle, becomes the error of the thread.  If the function `waits`, the C
/// library would be inside a system call then, where a thread can be cancelled;
/// here, it is afterwards.
///
/// # Safety
/// As for `registry::enter`.
pub(super) unsafe fn record<T: IntoC<R>, R: CReturn>(
    h: *const nbd_handle,
    function: &'static CStr,
    waits: bool,
    method: impl FnOnce(&Handle) -> T,
) -> R {
    let mut value = R::FAILURE;
    // SAFETY: by the contract of this function.
    unsafe { inside(h, Some(function), waits, &mut storing(&mut value, method)) };
    value
}

/// As `record`, for a function that has no way to fail: it leaves the error of
/// the thread alone, and `fallback` answers for a pointer that is no handle.
///
/// # Safety
/// As for `registry::enter`.
pub(super) unsafe fn answer<T: IntoC<R>, R>(
    h: *const nbd_handle,
    fallback: R,
    method: impl FnOnce(&Handle) -> T,
) -> R {
    let mut value = fallback;
    // SAFETY: by the contract of this function.
    unsafe { inside(h, None, false, &mut storing(&mut value, method)) };
    value
}

/// Turns a method into a step that stores the result if there is a handle.  The
/// method and its arguments are dropped in any case.
fn storing<T: IntoC<R>, R>(
    value: &mut R,
    method: impl FnOnce(&Handle) -> T,
) -> impl FnMut(Result<&Handle>) -> Result<()> {
    let mut method = Some(method);
    move |handle| {
        if let Some(method) = method.take() {
            *value = method(handle?).into_c()?;
        }
        Ok(())
    }
}

/// The way of every call.  If the handle has been closed meanwhile, in a
/// callback or by another thread, it ends before the error is set, which
/// therefore is the last one.
///
/// # Safety
/// As for `registry::enter`.
#[inline(never)]
unsafe fn inside(
    h: *const nbd_handle,
    function: Option<&'static CStr>,
    waits: bool,
    step: &mut dyn FnMut(Result<&Handle>) -> Result<()>,
) {
    let cancellation = Cancellation::hold();
    caught(
        // SAFETY: by the contract of this function.
        || match unsafe { registry::enter(h) } {
            Ok(handle) => step(Ok(&handle)),
            Err(error) => step(Err(error)),
        },
        |error| {
            if let Some(function) = function {
                last_error::set(function, &error);
            }
        },
    );
    if waits {
        cancellation.release_and_test();
    } else {
        cancellation.release();
    }
}

/// Calls the method of a function: `nbd_NAME` is `Handle::NAME`.  Arguments are
/// made from pointers, and closures taken over, before the handle is looked for.
macro_rules! call {
    ($h:expr, $method:ident($($argument:expr),* $(,)?)) => {
        $crate::ffi::guard::pass!(false, $h, $method, [$($argument),*])
    };
}

/// As `call`, for a function that waits.
macro_rules! wait {
    ($h:expr, $method:ident($($argument:expr),* $(,)?)) => {
        $crate::ffi::guard::pass!(true, $h, $method, [$($argument),*])
    };
}

/// Binds the arguments one by one, and then calls.
macro_rules! pass {
    ($waits:literal, $h:expr, $method:ident, [$($argument:expr),*]) => {
        // SAFETY: the contract of all entries, which `ffi` states, is what the
        // guard and every conversion of an argument require.
        unsafe { $crate::ffi::guard::pass!(@ $waits, $h, $method, [$($argument),*]) }
    };
    (@ $waits:literal, $h:expr, $method:ident, [] $($bound:ident)*) => {
        $crate::ffi::guard::record(
            $h,
            $crate::table::$method.name,
            $waits,
            |handle| handle.$method($($bound),*),
        )
    };
    (
        @ $waits:literal, $h:expr, $method:ident,
        [$first:expr $(, $rest:expr)*] $($bound:ident)*
    ) => {{
        // Each expansion has an `argument` of its own.
        let argument = $crate::ffi::arguments::IntoArgument::into_argument($first);
        $crate::ffi::guard::pass!(@ $waits, $h, $method, [$($rest),*] $($bound)* argument)
    }};
}

/// As `call`, for a function that has no way to fail, and no pointers to pass.
macro_rules! get {
    ($h:expr, $method:ident($($argument:expr),*), $fallback:expr) => {
        // SAFETY: by the contract of all entries, which `ffi` states.
        unsafe {
            $crate::ffi::guard::answer($h, $fallback, |handle| handle.$method($($argument),*))
        }
    };
}

/// What a function answers that needs no handle.
macro_rules! ask {
    ($name:ident, $answer:expr) => {{
        // The table has such a row.
        let _ = &$crate::table::$name;
        $answer
    }};
}

pub(super) use {ask, call, get, pass, wait};

/// Makes a handle.
pub(super) fn create() -> *mut nbd_handle {
    let cancellation = Cancellation::hold();
    let ticket = caught(
        || Ok(registry::open(Handle::new())),
        |error| {
            last_error::set(table::create.name, &error);
            ptr::null_mut()
        },
    );
    cancellation.release();
    ticket
}

/// Closes a handle.  Callbacks may run meanwhile, which find it closed already.
///
/// # Safety
/// As for `registry::enter`.
pub(super) unsafe fn close(h: *const nbd_handle) {
    if h.is_null() {
        return;
    }
    let cancellation = Cancellation::hold();
    caught(
        // SAFETY: by the contract of this function.
        || unsafe { registry::close(h) },
        |error| last_error::set(table::close.name, &error),
    );
    cancellation.release();
}

/// Runs `operation`; a panic ends here and does not cross into C.
fn caught<R>(operation: impl FnOnce() -> Result<R>, fail: impl Fn(Error) -> R) -> R {
    // Whatever a panic leaves inconsistent is protected by the handle's lock,
    // and the panic has already ended the connection there.
    let result = contain(|| operation().unwrap_or_else(&fail));
    result.unwrap_or_else(|| fail(panicked()))
}

#[cold]
#[inline(never)]
fn panicked() -> Error {
    Error::new(libc::ENOTRECOVERABLE, "internal error")
}
