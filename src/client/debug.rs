//! Debug messages: whether, where to, and on behalf of which function.
//!
//! The sink has its own small lock, apart from the handle's, so that the calls
//! that take no handle lock can write a message too.

use std::cell::Cell;
use std::ffi::{CStr, CString};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::lock::Lock;
use crate::callback;
use crate::sys;

thread_local! {
    /// The public function that this thread is in.
    static CONTEXT: Cell<&'static CStr> = const { Cell::new(c"unknown") };

    /// Whether this thread is inside a debug callback.
    static DELIVERING: Cell<bool> = const { Cell::new(false) };
}

/// Names the public function that this thread has entered, until the result is
/// dropped.  A callback may call the library again, with another handle; then
/// the outer function's name counts again afterwards.
#[must_use]
pub fn enter(function: &'static CStr) -> Context {
    Context {
        outer: CONTEXT.replace(function),
    }
}

/// A thread is inside a public function.
#[derive(Debug)]
pub struct Context {
    outer: &'static CStr,
}

impl Drop for Context {
    fn drop(&mut self) {
        CONTEXT.set(self.outer);
    }
}

/// The public function that this thread entered last.
pub fn context() -> &'static CStr {
    CONTEXT.get()
}

/// Where the debug messages of one handle go.
#[derive(Debug)]
pub struct DebugSink {
    enabled: AtomicBool,
    target: Mutex<Target>,
}

#[derive(Debug)]
struct Target {
    handle_name: CString,
    /// With a lock of its own, so that one message at a time is delivered, but
    /// the callback may ask for the handle's name.
    callback: Option<Arc<Lock<callback::Debug>>>,
}

impl DebugSink {
    /// A sink that writes to standard error.
    pub fn new(handle_name: CString, enabled: bool) -> Self {
        Self {
            enabled: AtomicBool::new(enabled),
            target: Mutex::new(Target {
                handle_name,
                callback: None,
            }),
        }
    }

    /// Whether messages are wanted.  Everything that would format one asks
    /// this first.
    pub fn enabled(&self) -> bool {
        self.enabled.load(Ordering::Relaxed)
    }

    /// Switches messages on or off.
    pub fn set_enabled(&self, enabled: bool) {
        self.enabled.store(enabled, Ordering::Relaxed);
    }

    /// The name that standard error shows for this handle.
    pub fn handle_name(&self) -> CString {
        self.target().handle_name.clone()
    }

    /// Renames the handle.
    pub fn set_handle_name(&self, name: CString) {
        self.target().handle_name = name;
    }

    /// Replaces the callback.  The old one is freed before this returns,
    /// unless another thread is delivering a message to it.
    pub fn set_callback(&self, callback: Option<callback::Debug>) {
        // The old closure's free function runs outside the lock.
        let callback = callback.map(|callback| Arc::new(Lock::new(callback)));
        let old = std::mem::replace(&mut self.target().callback, callback);
        drop(old);
    }

    /// Delivers one message.  errno stays as it was: a message must not change
    /// what the program sees.  What a debug callback does itself is not told:
    /// that would never end.  Nor is a message delivered to a callback that
    /// another thread is inside, and that waits there for this one.
    pub fn message(&self, context: &CStr, text: &str) {
        if DELIVERING.get() {
            return;
        }
        let errno = crate::sys::errno();
        let (name, callback) = {
            let target = self.target();
            (target.handle_name.clone(), target.callback.clone())
        };
        match callback {
            Some(callback) => {
                let message = without_nul(text);
                if let Ok(mut callback) = callback.lock() {
                    DELIVERING.set(true);
                    callback.message(context, &message);
                    DELIVERING.set(false);
                }
            }
            None => {
                let line = format!(
                    "libnbd: debug: {}: {}: {text}\n",
                    name.to_string_lossy(),
                    context.to_string_lossy(),
                );
                sys::write_to_stderr(line.as_bytes());
            }
        }
        crate::sys::set_errno(errno);
    }

    fn target(&self) -> MutexGuard<'_, Target> {
        self.target.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The text as a C string; a NUL inside would end it early, so it is shown.
pub fn without_nul(text: &str) -> CString {
    CString::new(text)
        .unwrap_or_else(|_| CString::new(text.replace('\0', "\\x00")).unwrap_or_default())
}

/// Writes a debug message, and formats it only if somebody wants it.
macro_rules! debug {
    ($sink:expr, $($format:tt)*) => {
        if $sink.enabled() {
            $sink.message($crate::client::debug::context(), &format!($($format)*));
        }
    };
}
pub(crate) use debug;
