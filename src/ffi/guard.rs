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
use std::mem::ManuallyDrop;
use std::ptr;
use std::time::Duration;

use super::last_error;
use super::registry::{self, nbd_handle};
use crate::client::Handle;
use crate::client::limits::in_milliseconds;
use crate::error::{Error, Result};
use crate::sys::{Cancellation, set_errno};
use crate::table::{self, Row};
use crate::unwind::contain;

/// A C return type that has a value for failure.
pub(super) trait CReturn: Copy {
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
    // A limit, and the time until one passes.  Both are rounded up.
    Option<Duration> => i64: |limit| Ok(limit.map_or(0, |limit| {
        i64::try_from(in_milliseconds(limit)).unwrap_or(i64::MAX)
    }));
    Option<Duration> => c_int: |time| Ok(time.map_or(-1, |time| {
        c_int::try_from(in_milliseconds(time)).unwrap_or(c_int::MAX)
    }));
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
    row: &Row,
    waits: bool,
    method: impl FnOnce(&Handle) -> T,
) -> R {
    let way = Way {
        function: Some(row.name),
        waits,
    };
    // SAFETY: by the contract of this function.
    unsafe { inside(h, row.often, way, R::FAILURE, method) }
}

/// As `record`, for a function that has no way to fail: it leaves the error of
/// the thread alone, and `fallback` answers for a pointer that is no handle.
///
/// # Safety
/// As for `registry::enter`.
pub(super) unsafe fn answer<T: IntoC<R>, R: Copy>(
    h: *const nbd_handle,
    row: &Row,
    fallback: R,
    method: impl FnOnce(&Handle) -> T,
) -> R {
    let way = Way {
        function: None,
        waits: false,
    };
    // SAFETY: by the contract of this function.
    unsafe { inside(h, row.often, way, fallback, method) }
}

/// How a call ends.
struct Way {
    /// Whose errors become those of the thread, if it has any.
    function: Option<&'static CStr>,
    waits: bool,
}

/// What a call does, given the handle, if there is one.
trait Work: FnMut(Option<&Handle>) -> Result<()> {}

impl<F: FnMut(Option<&Handle>) -> Result<()>> Work for F {}

/// Calls a method and returns its result, or `otherwise`.
///
/// # Safety
/// As for `registry::enter`.
#[inline]
unsafe fn inside<T: IntoC<R>, R: Copy>(
    h: *const nbd_handle,
    often: bool,
    way: Way,
    otherwise: R,
    method: impl FnOnce(&Handle) -> T,
) -> R {
    let mut value = otherwise;
    // A cancelled thread ends in `run`, where nothing may be left to be dropped.
    let mut method = ManuallyDrop::new(method);
    let mut work = |handle: Option<&Handle>| {
        // SAFETY: `run` calls this once.
        let method = unsafe { ManuallyDrop::take(&mut method) };
        if let Some(handle) = handle {
            value = method(handle).into_c()?;
        }
        Ok(())
    };
    // SAFETY: by the contract of this function.
    unsafe {
        if often {
            run(h, way, &mut work);
        } else {
            run_seldom(h, way, &mut work);
        }
    }
    value
}

/// Runs any work.  This is compiled only once, and not in every entry.
///
/// # Safety
/// As for `registry::enter`.
#[inline(never)]
unsafe fn run_seldom(h: *const nbd_handle, way: Way, work: &mut dyn Work) {
    // SAFETY: by the contract of this function.
    unsafe { run(h, way, work) }
}

/// Runs the work exactly once.  If the handle has been closed meanwhile, in a
/// callback or by another thread, it ends before the caller is told of an error,
/// which therefore is the last one.
///
/// # Safety
/// As for `registry::enter`.
#[inline]
unsafe fn run<W: Work + ?Sized>(h: *const nbd_handle, way: Way, work: &mut W) {
    let cancellation = Cancellation::hold();
    let result = caught(|| {
        // SAFETY: by the contract of this function.
        match unsafe { registry::enter(h) } {
            Ok(handle) => work(Some(&handle)),
            Err(error) => work(None).and(Err(error)),
        }
    });
    if let (Err(error), Some(function)) = (result, way.function) {
        last_error::set(function, error);
    }
    if way.waits {
        cancellation.release_and_test();
    } else {
        cancellation.release();
    }
}

/// The value of a call.  An error becomes that of the thread.
fn or_failed<R: CReturn>(result: Result<R>, function: &CStr) -> R {
    result.unwrap_or_else(|error| {
        last_error::set(function, error);
        R::FAILURE
    })
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
            &$crate::table::$method,
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
            $crate::ffi::guard::answer(
                $h,
                &$crate::table::$method,
                $fallback,
                |handle| handle.$method($($argument),*),
            )
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

/// Cancels a handle.  Nothing here takes a lock or allocates, because this may be
/// a signal handler; for the same reason a failure does not become the error of
/// the thread, but only sets errno.
///
/// # Safety
/// As for `registry::enter`.
pub(super) unsafe fn cancel(h: *const nbd_handle) -> c_int {
    // The table has such a row.
    let _ = &table::cancel;
    let cancellation = Cancellation::hold();
    // SAFETY: by the contract of this function.
    let errno = match unsafe { registry::pass(h, Handle::cancel) } {
        Ok(()) => None,
        Err(_) if h.is_null() => Some(libc::EFAULT),
        Err(_) => Some(libc::EINVAL),
    };
    cancellation.release();
    match errno {
        None => 0,
        Some(errno) => {
            set_errno(errno);
            c_int::FAILURE
        }
    }
}

/// Makes a handle.
pub(super) fn create() -> *mut nbd_handle {
    let cancellation = Cancellation::hold();
    let ticket = or_failed(
        caught(|| Ok(registry::open(Handle::new()))),
        table::create.name,
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
    // SAFETY: by the contract of this function.
    let result = caught(|| unsafe { registry::close(h) });
    or_failed(result, table::close.name);
    cancellation.release();
}

/// Runs `operation`; a panic ends here and does not cross into C.
fn caught<R>(operation: impl FnOnce() -> Result<R>) -> Result<R> {
    // Whatever a panic leaves inconsistent is protected by the handle's lock,
    // and the panic has already ended the connection there.
    contain(operation).unwrap_or_else(|| Err(Error::internal()))
}
