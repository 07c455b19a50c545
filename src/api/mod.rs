//! The Rust skin: the public functions as methods of [`Handle`], with the same
//! names and the same rules as in C, but with slices, strings and closures.
//!
//! Like the C skin it is thin: a method passes the table of permitted states
//! and calls the method of the same name behind the lock.  So the two skins
//! cannot come to differ.

mod aio;
mod blocking;
mod connect;
mod info;
mod options;
mod settings;

use std::ffi::{CStr, CString};

use crate::error::{Error, Result};
use crate::handle::entry::Entry;
use crate::handle::{Client, Handle, debug};

impl Handle {
    /// Enters, in the name of a public function.
    fn call<R>(
        &self,
        entry: &'static Entry,
        operation: impl FnOnce(&mut Client) -> Result<R>,
    ) -> Result<R> {
        let outer = debug::context();
        debug::enter(entry.name);
        let mut client = self.lock();
        let result = client.permit(entry).and_then(|()| operation(&mut client));
        drop(client);
        debug::enter(outer);
        result
    }
}

/// A string for the wire or the system, neither of which can carry a NUL.
fn c_string(text: impl AsRef<[u8]>) -> Result<CString> {
    CString::new(text.as_ref()).map_err(|_| Error::new(libc::EINVAL, "the string contains a NUL"))
}

/// A string from a server, which need not be UTF-8.
fn text(string: &CStr) -> String {
    string.to_string_lossy().into_owned()
}

/// Refuses unknown bits of a word of flags.
fn known_flags(flags: u32, known: u32) -> Result<u32> {
    if flags & !known != 0 {
        return Err(Error::new(
            libc::EINVAL,
            format!("unknown flags in {flags:#x}"),
        ));
    }
    Ok(flags)
}

/// Writes methods that only pass on what they are given.
macro_rules! forward {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) -> $result:ty = $entry:ident, $method:ident;)*) => {
        impl $crate::handle::Handle {$(
            $(#[$doc])*
            pub fn $name(&self $(, $arg: $type)*) -> $crate::error::Result<$result> {
                self.call(&$crate::handle::entry::$entry, |client| client.$method($($arg),*))
            }
        )*}
    };
}

/// Writes getters that always have an answer.
macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident() -> $result:ty = $method:ident;)*) => {
        impl $crate::handle::Handle {$(
            $(#[$doc])*
            pub fn $name(&self) -> $result {
                self.lock().$method()
            }
        )*}
    };
}

use {forward, getters};
