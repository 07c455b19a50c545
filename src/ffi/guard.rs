//! The guard that every public function passes through.
//!
//! It finds the handle behind the pointer, takes its lock, writes the debug
//! lines, applies the table of permitted states, keeps panics from crossing
//! into C, records the error of the thread, and turns the result into the C
//! return value.  The order of its steps is part of the interface: a call in
//! the wrong state reports the state even if its arguments are wrong as well.

use std::ffi::{c_char, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use super::arguments::{Arguments, required};
use super::last_error;
use super::registry::{self, nbd_handle};
use crate::error::{Error, Result};
use crate::handle::debug;
use crate::handle::entry::{self, Entry};
use crate::handle::{Client, Handle, ReadBuffer};
use crate::memory::LentMut;

/// A C return type that has a value for failure and a form for debug lines.
pub(super) trait CReturn: Copy {
    /// What the caller sees when the call fails.
    const FAILURE: Self;
    /// The value as the debug line at the end of a call shows it.
    fn show(self) -> String;
}

macro_rules! numbers {
    ($failure:literal: $($type:ty)*) => {$(
        impl CReturn for $type {
            const FAILURE: Self = $failure;
            fn show(self) -> String {
                self.to_string()
            }
        }
    )*};
}
numbers! { -1: c_int i64 isize }
numbers! { 0: u32 u64 usize }

impl CReturn for *mut c_char {
    const FAILURE: Self = ptr::null_mut();
    fn show(self) -> String {
        self.cast_const().show()
    }
}

impl CReturn for *const c_char {
    const FAILURE: Self = ptr::null();
    fn show(self) -> String {
        // SAFETY: a function returns null or a string of the library.
        super::arguments::quoted(unsafe { super::arguments::string(self) })
    }
}

/// A function that works on the locked handle and may fail.
pub(super) fn locked<R: CReturn>(
    h: *const nbd_handle,
    entry: &'static Entry,
    arguments: impl for<'a> FnOnce(&'a mut Arguments) -> &'a mut Arguments,
    operation: impl FnOnce(&mut Client) -> Result<R>,
) -> R {
    owning(
        h,
        entry,
        (),
        |a, ()| arguments(a),
        |client, ()| operation(client),
    )
}

/// As `locked`, for a call that takes something over from its caller: closures
/// in the first place, which are freed if any step fails.
pub(super) fn owning<O, R: CReturn>(
    h: *const nbd_handle,
    entry: &'static Entry,
    owned: O,
    arguments: impl for<'a> FnOnce(&'a mut Arguments, &O) -> &'a mut Arguments,
    operation: impl FnOnce(&mut Client, O) -> Result<R>,
) -> R {
    call(h, entry, owned, arguments, |_, owned| owned, operation)
}

/// As `owning`, for a call that fills `buf`: the buffer is sanitised under the
/// lock even if its state forbids the rest.
pub(super) fn reading<O, R: CReturn>(
    h: *const nbd_handle,
    entry: &'static Entry,
    buf: Option<LentMut>,
    owned: O,
    arguments: impl for<'a> FnOnce(&'a mut Arguments, &O) -> &'a mut Arguments,
    operation: impl FnOnce(&mut Client, ReadBuffer, O) -> Result<R>,
) -> R {
    call(
        h,
        entry,
        (buf, owned),
        |a, (_, owned)| arguments(a, owned),
        |client, (buf, owned)| (buf.map(|buf| client.read_buffer(buf)), owned),
        |client, (buf, owned)| operation(client, required("buf", buf)?, owned),
    )
}

fn call<O, P, R: CReturn>(
    h: *const nbd_handle,
    entry: &'static Entry,
    owned: O,
    arguments: impl for<'a> FnOnce(&'a mut Arguments, &O) -> &'a mut Arguments,
    prepare: impl FnOnce(&Client, O) -> P,
    operation: impl FnOnce(&mut Client, P) -> Result<R>,
) -> R {
    within(entry, || {
        report(registry::find(h).and_then(|handle| {
            let mut client = handle.lock();
            let debug = handle.debug();
            if debug.enabled() {
                let line = Arguments::line(|a| arguments(a, &owned));
                debug.message(entry.name, &line);
            }
            let result = caught(|| {
                let prepared = prepare(&client, owned);
                client.permit(entry)?;
                operation(&mut client, prepared)
            })
            .unwrap_or_else(|Panicked| Err(client.panicked()));
            if debug.enabled() {
                let line = match &result {
                    Ok(value) => format!("leave: ret={}", value.show()),
                    Err(error) => format!("leave: error=\"{}\"", last_error::full_text(error)),
                };
                debug.message(entry.name, &line);
            }
            result
        }))
    })
}

/// A getter that cannot fail: it takes the lock, but leaves the thread's error
/// and context alone.
pub(super) fn get<R: CReturn>(
    h: *const nbd_handle,
    entry: &'static Entry,
    fallback: R,
    operation: impl FnOnce(&Client) -> R,
) -> R {
    unlocked(h, entry, fallback, |handle| operation(&handle.lock()))
}

/// A call whose answer never changes; it does not even need a handle.
pub(super) fn constant<R: CReturn>(h: *const nbd_handle, entry: &'static Entry, value: R) -> R {
    unlocked(h, entry, value, |_| value)
}

/// A call that takes no lock, cannot fail, and reads the handle atomically.
/// `fallback` answers for a pointer that is no handle.
pub(super) fn unlocked<R: CReturn>(
    h: *const nbd_handle,
    entry: &'static Entry,
    fallback: R,
    operation: impl FnOnce(&Handle) -> R,
) -> R {
    let Ok(handle) = registry::find(h) else {
        return fallback;
    };
    let debug = handle.debug();
    if debug.enabled() {
        debug.message(entry.name, "enter:");
    }
    let result = caught(|| operation(handle)).unwrap_or(fallback);
    if debug.enabled() {
        debug.message(entry.name, &format!("leave: ret={}", result.show()));
    }
    result
}

/// Makes a handle.
pub(super) fn create() -> *mut nbd_handle {
    let entry = &entry::CREATE;
    within(entry, || match caught(Handle::new) {
        Ok(handle) => {
            let debug = handle.debug();
            if debug.enabled() {
                debug.message(entry.name, "opening handle");
            }
            registry::open(handle)
        }
        Err(Panicked) => {
            last_error::set(&Error::new(libc::ENOTRECOVERABLE, "internal error"));
            ptr::null_mut()
        }
    })
}

/// Ends a handle.  Callbacks run meanwhile, which find it closed already.
pub(super) fn close(h: *const nbd_handle) {
    if h.is_null() {
        return;
    }
    within(&entry::CLOSE, || match registry::close(h) {
        Ok(handle) => {
            // There is nobody left to tell of a panic.
            let _ = caught(|| drop(handle));
        }
        Err(error) => last_error::set(&error),
    });
}

/// Runs `operation` in the name of `entry`.  A callback may call the library
/// again, with another handle; afterwards the outer function's name counts.
fn within<R>(entry: &'static Entry, operation: impl FnOnce() -> R) -> R {
    let outer = debug::context();
    debug::enter(entry.name);
    let result = operation();
    debug::enter(outer);
    result
}

/// A panic was stopped at the boundary.
struct Panicked;

/// Runs `operation`; a panic ends here and does not cross into C.
fn caught<R>(operation: impl FnOnce() -> R) -> std::result::Result<R, Panicked> {
    // Whatever the panic left half done is behind the handle's lock, and the
    // guard ends that handle's connection.
    catch_unwind(AssertUnwindSafe(operation)).map_err(|_| Panicked)
}

/// Turns a result into what C sees, and records an error for the thread.
fn report<R: CReturn>(result: Result<R>) -> R {
    result.unwrap_or_else(|error| {
        last_error::set(&error);
        R::FAILURE
    })
}
