//! The arguments of the public functions: how debug lines show them, when they
//! are rejected, and what they become once the handle is locked.
//!
//! An unusable argument, one that is missing or contains a NUL, is rejected
//! after the state of the handle has been checked, in the order of the
//! parameters.  Until then it is passed along as it is.

use std::ffi::{CStr, CString, OsStr, OsString};
use std::net::TcpStream;
use std::os::fd::{AsRawFd, OwnedFd};
#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::buffers::Source;
use super::callbacks::{
    ChunkCallback, CompletionCallback, ContextCallback, DebugCallback, Extent64Callback,
    ExtentCallback, ListCallback,
};
use super::trace::Trace;
use crate::callback;
use crate::connect::Socket;
use crate::error::{Error, Result};
use crate::memory::Lent;
use crate::sys::address::SocketAddress;

/// An argument of a public function.
pub trait Argument {
    /// The type that the operation on the locked handle takes.
    type Value;

    /// Adds the argument to a debug line.
    #[doc(hidden)]
    fn show(&self, name: &str, line: &mut Trace);

    /// Returns the value, or an error if the argument is unusable.
    #[doc(hidden)]
    fn take(self, name: &str) -> Result<Self::Value>;
}

/// The arguments of a function, in order.
pub trait Arguments {
    /// Their values.
    type Values;

    /// Adds them to a debug line.
    fn show(&self, names: &[&str], line: &mut Trace);

    /// Returns the values, or the error of the first unusable argument.  In
    /// that case all others are dropped in order, so closures are freed in the
    /// order of the parameters.
    fn take(self, names: &[&str]) -> Result<Self::Values>;
}

macro_rules! tuples {
    ($(($($type:ident $index:tt)*))*) => {$(
        impl<$($type: Argument),*> Arguments for ($($type,)*) {
            type Values = ($($type::Value,)*);

            fn show(&self, _names: &[&str], _line: &mut Trace) {
                $(self.$index.show(_names.get($index).copied().unwrap_or_default(), _line);)*
            }

            fn take(self, _names: &[&str]) -> Result<Self::Values> {
                let _taken = (
                    $(self.$index.take(_names.get($index).copied().unwrap_or_default()),)*
                );
                $(if let Err(error) = &_taken.$index {
                    return Err(refused(error));
                })*
                Ok(($(_taken.$index?,)*))
            }
        }
    )*};
}
tuples! {
    ()
    (A 0)
    (A 0 B 1)
    (A 0 B 1 C 2)
    (A 0 B 1 C 2 D 3)
    (A 0 B 1 C 2 D 3 E 4)
}

/// A string: a `str`, a C string, bytes, or a file name.  It may contain any
/// byte except NUL.
pub trait ToText: Argument<Value: AsRef<CStr>> {
    /// The bytes.
    #[doc(hidden)]
    fn as_text(&self) -> &[u8];
}

/// A secret: bytes, or a string.  Debug lines show only its length.
#[derive(Clone, Copy)]
pub struct Confidential<'a>(Option<&'a [u8]>);

/// What can be passed as a secret: bytes, or a string.
pub trait ToSecret<'a> {
    /// The bytes.
    #[doc(hidden)]
    fn to_secret(self) -> Confidential<'a>;
}

macro_rules! secrets {
    ($([$($generics:tt)*] $type:ty;)*) => {$(
        impl<'a, $($generics)*> ToSecret<'a> for &'a $type {
            fn to_secret(self) -> Confidential<'a> {
                Confidential(Some(self.as_ref()))
            }
        }
    )*};
}
secrets! {
    [] [u8];
    [const N: usize] [u8; N];
    [] Vec<u8>;
    [] str;
    [] String;
}

/// From C it may be missing.
impl<'a> ToSecret<'a> for Option<&'a [u8]> {
    fn to_secret(self) -> Confidential<'a> {
        Confidential(self)
    }
}

impl<'a> Argument for Confidential<'a> {
    type Value = &'a [u8];

    fn show(&self, name: &str, line: &mut Trace) {
        match self.0 {
            None => line.value(name, "NULL"),
            Some(bytes) => line.value(name, "<secret>").value("length", bytes.len()),
        };
    }

    fn take(self, name: &str) -> Result<&'a [u8]> {
        self.0.ok_or_else(|| missing(name))
    }
}

/// A list of such strings: a borrowed slice, array or vector.
pub trait ToTexts: Argument<Value = Vec<CString>> {}

macro_rules! plain {
    ($($type:ty)*) => {$(
        impl Argument for $type {
            type Value = Self;

            fn show(&self, name: &str, line: &mut Trace) {
                line.value(name, self);
            }

            fn take(self, _name: &str) -> Result<Self> {
                Ok(self)
            }
        }
    )*};
}
plain! { bool i32 u32 u64 usize }

macro_rules! texts {
    ($($type:ty: |$text:ident| $bytes:expr;)*) => {$(
        impl ToText for $type {
            fn as_text(&self) -> &[u8] {
                let $text = self;
                $bytes
            }
        }

        impl Argument for $type {
            type Value = CString;

            fn show(&self, name: &str, line: &mut Trace) {
                line.string(name, Some(self.as_text()));
            }

            fn take(self, _name: &str) -> Result<CString> {
                without_nul(self.as_text())
            }
        }
    )*};
}
texts! {
    &str: |text| text.as_bytes();
    String: |text| text.as_bytes();
    &String: |text| text.as_bytes();
    &[u8]: |text| text;
    Vec<u8>: |text| text;
    &OsStr: |text| text.as_bytes();
    OsString: |text| text.as_bytes();
    &OsString: |text| text.as_bytes();
    &Path: |text| text.as_os_str().as_bytes();
    PathBuf: |text| text.as_os_str().as_bytes();
    &PathBuf: |text| text.as_os_str().as_bytes();
}

macro_rules! c_texts {
    ($($type:ty)*) => {$(
        impl ToText for $type {
            fn as_text(&self) -> &[u8] {
                self.to_bytes()
            }
        }

        impl Argument for $type {
            type Value = Self;

            fn show(&self, name: &str, line: &mut Trace) {
                line.string(name, Some(self.as_text()));
            }

            fn take(self, _name: &str) -> Result<Self> {
                Ok(self)
            }
        }
    )*};
}
c_texts! { &CStr CString &CString }

macro_rules! lists {
    ($([$($generics:tt)*] $type:ty;)*) => {$(
        impl<$($generics)*> ToTexts for $type {}

        impl<$($generics)*> Argument for $type {
            type Value = Vec<CString>;

            fn show(&self, name: &str, line: &mut Trace) {
                line.strings(name, Some(self.iter().map(ToText::as_text)));
            }

            fn take(self, _name: &str) -> Result<Vec<CString>> {
                self.iter().map(|text| without_nul(text.as_text())).collect()
            }
        }
    )*};
}
lists! {
    [T: ToText] &[T];
    [T: ToText, const N: usize] &[T; N];
    [T: ToText] &Vec<T>;
}

/// A socket address, of the types of the standard library.
pub trait ToAddress: Argument<Value = SocketAddress> {}

impl ToAddress for std::net::SocketAddr {}

impl Argument for std::net::SocketAddr {
    type Value = SocketAddress;

    fn show(&self, name: &str, line: &mut Trace) {
        line.value(name, self);
    }

    fn take(self, _name: &str) -> Result<SocketAddress> {
        SocketAddress::internet(self)
    }
}

impl ToAddress for &std::os::unix::net::SocketAddr {}

impl Argument for &std::os::unix::net::SocketAddr {
    type Value = SocketAddress;

    fn show(&self, name: &str, line: &mut Trace) {
        line.value(name, format_args!("{self:?}"));
    }

    fn take(self, _name: &str) -> Result<SocketAddress> {
        if let Some(path) = self.as_pathname() {
            return SocketAddress::unix(path.as_os_str().as_bytes());
        }
        #[cfg(target_os = "linux")]
        let name = self.as_abstract_name().unwrap_or_default();
        #[cfg(not(target_os = "linux"))]
        let name: &[u8] = b"";
        SocketAddress::unix(&[b"\0", name].concat())
    }
}

/// How long something may take or lasts: a duration longer than zero, or `None`
/// for no limit, or for not at all.
pub trait ToTime: Argument<Value = Option<Duration>> {}

impl ToTime for Option<Duration> {}

impl Argument for Option<Duration> {
    type Value = Self;

    fn show(&self, name: &str, line: &mut Trace) {
        match self {
            None => line.value(name, "none"),
            Some(time) => line.value(name, format_args!("{time:?}")),
        };
    }

    fn take(self, name: &str) -> Result<Self> {
        // As for the timeouts of the standard library.
        if self.is_some_and(|time| time.is_zero()) {
            let wrong = format!("{name}: the duration is zero");
            return Err(Error::new(libc::EINVAL, wrong));
        }
        Ok(self)
    }
}

/// A connected socket of which the handle takes ownership.
pub trait ToSocket: Argument<Value = Socket> {}

macro_rules! sockets {
    ($($type:ty)*) => {$(
        impl ToSocket for $type {}

        impl Argument for $type {
            type Value = Socket;

            fn show(&self, name: &str, line: &mut Trace) {
                line.value(name, self.as_raw_fd());
            }

            fn take(self, _name: &str) -> Result<Socket> {
                Ok(Socket::Owned(self.into()))
            }
        }
    )*};
}
sockets! { OwnedFd UnixStream TcpStream }

/// A mandatory callback.  Commands have no lifetime parameters, so a callback
/// that borrows has to be lent to a call that waits (`while_waiting`).
macro_rules! callbacks {
    ($($type:ident => $closure:ident;)*) => {$(
        impl Argument for $type<'static> {
            type Value = callback::$closure;

            fn show(&self, name: &str, line: &mut Trace) {
                line.closure(name, self.closure().is_null());
            }

            fn take(self, name: &str) -> Result<callback::$closure> {
                if self.closure().is_null() {
                    return Err(missing(name));
                }
                Ok(self.into_closure())
            }
        }
    )*};
}
callbacks! {
    ChunkCallback => Chunk;
    ExtentCallback => Extents32;
    Extent64Callback => Extents64;
    ListCallback => List;
    ContextCallback => Context;
    DebugCallback => Debug;
}

impl Argument for CompletionCallback {
    type Value = callback::Completion;

    fn show(&self, name: &str, line: &mut Trace) {
        line.closure(name, self.is_null());
    }

    fn take(self, _name: &str) -> Result<callback::Completion> {
        Ok(self.into_closure())
    }
}

impl Argument for Source {
    type Value = Lent;

    fn show(&self, name: &str, line: &mut Trace) {
        line.in_buffer(name, self.lend().as_ref());
    }

    fn take(self, name: &str) -> Result<Lent> {
        self.lend().ok_or_else(|| missing(name))
    }
}

/// Kept out of `Arguments::take`, of which many functions have a copy.
#[cold]
#[inline(never)]
fn refused(error: &Error) -> Error {
    error.clone()
}

/// The error for a missing mandatory argument.
#[cold]
#[inline(never)]
pub fn missing(name: &str) -> Error {
    Error::new(libc::EFAULT, format!("{name} cannot be NULL"))
}

/// A string for the wire or the system, where a NUL cannot be represented.
fn without_nul(text: &[u8]) -> Result<CString> {
    CString::new(text).map_err(|_| Error::new(libc::EINVAL, "the string contains a NUL"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_holds_every_byte_but_nul() {
        let name = OsStr::from_bytes(b"\xff\n");
        assert_eq!(name.take("name").unwrap().as_c_str(), c"\xff\n");
        assert_eq!("a\0".take("name").unwrap_err().errno(), libc::EINVAL);
        let list = &["a", "b\0"];
        assert_eq!(list.take("list").unwrap_err().errno(), libc::EINVAL);
    }

    #[test]
    fn of_a_secret_only_the_length_shows() {
        let line = Trace::of(|line| {
            b"key".to_secret().show("key", line);
            "word".to_secret().show("password", line);
            None.to_secret().show("pem", line);
        });
        let expected = "enter: key=<secret> length=3 password=<secret> length=4 pem=NULL";
        assert_eq!(line, expected);
        assert_eq!(
            None.to_secret().take("pem").unwrap_err().errno(),
            libc::EFAULT
        );
    }

    #[test]
    fn addresses_of_the_standard_library_are_those_of_the_system() {
        let meaning = |address: &str| {
            let address: std::net::SocketAddr = address.parse().unwrap();
            format!("{:?}", address.take("addr").unwrap().meaning())
        };
        assert!(meaning("127.0.0.1:10809").contains("10809"));
        assert!(meaning("[::1]:10809").contains("::1"));
        let unix = std::os::unix::net::SocketAddr::from_pathname("/run/nbd").unwrap();
        let meaning = format!("{:?}", (&unix).take("addr").unwrap().meaning());
        assert!(!meaning.is_empty());
    }
}
