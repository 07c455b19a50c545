//! Debug messages: whether they are enabled, where they go, and which function
//! they name.
//!
//! The sink has its own small lock, separate from the handle's, so that calls
//! that do not take the handle lock can also write messages.

use std::borrow::Cow;
use std::cell::Cell;
use std::ffi::{CStr, CString};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::lock::Lock;
use super::thread::{self, Thread};
use crate::callback;
use crate::sys;

thread_local! {
    /// Whether this thread is inside a debug callback.
    static DELIVERING: Cell<bool> = const { Cell::new(false) };
}

/// Records the public function that this thread has entered, until the result
/// is dropped.  A callback may call the library with another handle; afterwards
/// the name of the outer function applies again.
#[must_use]
#[inline]
pub fn enter<'a>(thread: &'a Thread, function: &'static CStr) -> Context<'a> {
    Context {
        thread,
        outer: thread.function.replace(function),
    }
}

/// Represents a thread inside a public function.
#[derive(Debug)]
pub struct Context<'a> {
    thread: &'a Thread,
    outer: &'static CStr,
}

impl Drop for Context<'_> {
    #[inline]
    fn drop(&mut self) {
        self.thread.function.set(self.outer);
    }
}

/// The public function that this thread entered last.
pub fn context() -> &'static CStr {
    thread::with(|thread| thread.function.get())
}

/// The destination of the debug messages of one handle.
#[derive(Debug)]
pub struct DebugSink {
    enabled: AtomicBool,
    target: Mutex<Target>,
}

#[derive(Debug)]
struct Target {
    /// The number of the handle, which is its name unless it was given one.
    number: usize,
    given_name: Option<CString>,
    /// It has its own lock, so that messages are delivered one at a time, but
    /// the callback can query the handle's name.
    callback: Option<Arc<Lock<callback::Debug>>>,
}

impl Target {
    /// The name of the handle, which is made when it is needed: usually never.
    fn name(&self) -> CString {
        let numbered = || CString::new(format!("nbd{}", self.number)).unwrap_or_default();
        self.given_name.clone().unwrap_or_else(numbered)
    }
}

impl DebugSink {
    /// A sink that writes to standard error.
    pub fn new(number: usize, enabled: bool) -> Self {
        Self {
            enabled: AtomicBool::new(enabled),
            target: Mutex::new(Target {
                number,
                given_name: None,
                callback: None,
            }),
        }
    }

    /// Whether messages are enabled.  Code that would format a message checks
    /// this first.
    #[inline]
    pub fn enabled(&self) -> bool {
        self.enabled.load(Ordering::Relaxed)
    }

    /// Enables or disables messages.
    pub fn set_enabled(&self, enabled: bool) {
        self.enabled.store(enabled, Ordering::Relaxed);
    }

    /// The name that standard error shows for this handle.
    pub fn handle_name(&self) -> CString {
        self.target().name()
    }

    /// Renames the handle.
    pub fn set_handle_name(&self, name: CString) {
        self.target().given_name = Some(name);
    }

    /// Replaces the callback.  The old one is freed before this returns,
    /// unless another thread is delivering a message to it.
    pub fn set_callback(&self, callback: Option<callback::Debug>) {
        // The old closure's free function runs outside the lock.
        let callback = callback.map(|callback| Arc::new(Lock::new(callback)));
        let old = std::mem::replace(&mut self.target().callback, callback);
        drop(old);
    }

    /// Delivers one message.  errno is preserved, because a message must not
    /// change what the program sees.  What a debug callback itself does is not
    /// reported, because that would recurse without end.  Nor is a message
    /// delivered to a callback that is running in another thread and waiting
    /// there for this thread.
    pub fn message(&self, context: &CStr, text: &str) {
        if DELIVERING.get() {
            return;
        }
        let errno = crate::sys::errno();
        let text = &one_line(text);
        let (name, callback) = {
            let target = self.target();
            (target.name(), target.callback.clone())
        };
        match callback {
            Some(callback) => {
                let message = without_nul(text);
                thread::with(|thread| {
                    if let Ok(mut callback) = callback.lock(thread) {
                        DELIVERING.set(true);
                        callback.message(context, &message);
                        DELIVERING.set(false);
                    }
                });
            }
            None => {
                let line = format!(
                    "libnbd: debug: {}: {}: {text}\n",
                    one_line(&name.to_string_lossy()),
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

/// The text without line breaks and other bytes that would confuse a terminal or
/// pass for a message of their own.
fn one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return text.into();
    }
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        match character.is_control() {
            true => line.push_str(&format!("\\x{:02x}", u32::from(character))),
            false => line.push(character),
        }
    }
    line.into()
}

/// The text as a C string.  An embedded NUL would truncate it, so it is
/// escaped.
pub fn without_nul(text: &str) -> CString {
    CString::new(text)
        .unwrap_or_else(|_| CString::new(text.replace('\0', "\\x00")).unwrap_or_default())
}

/// Writes a debug message, which is formatted only if messages are enabled.
macro_rules! debug {
    ($sink:expr, $($format:tt)*) => {
        if $sink.enabled() {
            $sink.message($crate::client::debug::context(), &format!($($format)*));
        }
    };
}
pub(crate) use debug;
