//! Converts the arguments of C calls to those of the methods of the handle.
//!
//! A null pointer is passed on as a missing argument, which the method rejects
//! when it checks that argument.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::os::fd::AsRawFd;
use std::ptr::NonNull;
use std::slice;
use std::time::Duration;

use crate::api::arguments::{Argument, ToAddress, ToSocket, ToText, ToTexts, ToTime, missing};
use crate::api::buffers::{Source, Target};
use crate::api::trace::Trace;
use crate::connect::Socket;
use crate::error::{Error, Result};
use crate::sys::Offered;
use crate::sys::address::SocketAddress;

/// A string, or null.
#[derive(Debug)]
pub(super) struct Text<'a>(Option<&'a CStr>);

/// A list of strings, or null.
#[derive(Debug)]
pub(super) struct Texts(Option<Vec<CString>>);

/// A socket address, or null.
#[derive(Debug)]
pub(super) struct Address {
    start: *const libc::sockaddr,
    len: libc::socklen_t,
}

/// A descriptor that should be a connected socket.
#[derive(Debug)]
pub(super) struct Descriptor(Offered);

/// A time in milliseconds, 0 for none, as C passes it.
#[derive(Debug)]
pub(super) struct Milliseconds(i64);

/// Such a descriptor, as C passes it.
pub(super) struct Fd(pub(super) c_int);

/// The bytes of a secret, and their number, as C passes them.
pub(super) struct SecretBytes(pub(super) *const c_void, pub(super) usize);

/// A secret that is a string, as C passes it.
pub(super) struct SecretText(pub(super) *const c_char);

/// What C passes, to be made an argument of a method.
pub(super) trait IntoArgument<A> {
    /// # Safety
    /// Whatever is behind the pointers must be as the C interface asks, which
    /// the implementation repeats.
    unsafe fn into_argument(self) -> A;
}

macro_rules! values {
    ($($type:ty)*) => {$(
        impl IntoArgument<Self> for $type {
            /// Nothing is behind it.
            unsafe fn into_argument(self) -> Self {
                self
            }
        }
    )*};
}
values! { bool c_int u32 u64 usize }

impl<'a> IntoArgument<Text<'a>> for *const c_char {
    /// Unless null, it must be a NUL-terminated string that lives through the
    /// call.
    unsafe fn into_argument(self) -> Text<'a> {
        if self.is_null() {
            return Text(None);
        }
        // SAFETY: by the contract of this function.
        Text(Some(unsafe { CStr::from_ptr(self) }))
    }
}

impl IntoArgument<Texts> for *mut *mut c_char {
    /// Unless null, it must be a NULL-terminated array of NUL-terminated strings.
    unsafe fn into_argument(self) -> Texts {
        if self.is_null() {
            return Texts(None);
        }
        let mut texts = Vec::new();
        let mut next = self;
        loop {
            // SAFETY: by the contract of this function; the end of the array has
            // not been seen yet.
            let element = unsafe { *next };
            if element.is_null() {
                return Texts(Some(texts));
            }
            // SAFETY: by the contract of this function.
            texts.push(unsafe { CStr::from_ptr(element) }.to_owned());
            // SAFETY: the element read was not the last one.
            next = unsafe { next.add(1) };
        }
    }
}

impl IntoArgument<Address> for (*const libc::sockaddr, libc::socklen_t) {
    /// Unless null, it must be readable for as many bytes, through the call.
    unsafe fn into_argument(self) -> Address {
        let (start, len) = self;
        Address { start, len }
    }
}

impl IntoArgument<Descriptor> for Fd {
    /// If it is an open descriptor, its owner leaves it to the handle that takes
    /// it over.
    unsafe fn into_argument(self) -> Descriptor {
        // SAFETY: by the contract of this function.
        Descriptor(unsafe { Offered::new(self.0) })
    }
}

impl IntoArgument<Milliseconds> for i64 {
    /// Nothing is behind it.
    unsafe fn into_argument(self) -> Milliseconds {
        Milliseconds(self)
    }
}

impl IntoArgument<Target> for (*mut c_void, usize) {
    /// Unless null, it must stay writable for as many bytes until the command
    /// retires.
    unsafe fn into_argument(self) -> Target {
        let (start, count) = self;
        // SAFETY: by the contract of this function.
        unsafe { Target::new(NonNull::new(start.cast()), count) }
    }
}

impl IntoArgument<Source> for (*const c_void, usize) {
    /// Unless null, it must stay readable for as many bytes until the command
    /// retires.
    unsafe fn into_argument(self) -> Source {
        let (start, count) = self;
        // SAFETY: by the contract of this function.
        unsafe { Source::new(NonNull::new(start.cast_mut().cast()), count) }
    }
}

impl<'a> IntoArgument<Option<&'a [u8]>> for SecretBytes {
    /// Unless null, it must stay readable and unchanged for as many bytes, through
    /// the call.
    unsafe fn into_argument(self) -> Option<&'a [u8]> {
        let Self(start, length) = self;
        let start = NonNull::new(start.cast_mut().cast::<u8>())?;
        // No object is longer: a caller that passes more has passed a negative
        // number, and the method refuses anything near it without looking at it.
        let length = length.min(isize::MAX.unsigned_abs());
        // SAFETY: by the contract of this function.
        Some(unsafe { slice::from_raw_parts(start.as_ptr(), length) })
    }
}

impl<'a> IntoArgument<Option<&'a [u8]>> for SecretText {
    /// As for a string that is not secret.
    unsafe fn into_argument(self) -> Option<&'a [u8]> {
        // SAFETY: by the contract of this function.
        let text: Text<'a> = unsafe { self.0.into_argument() };
        text.0.map(CStr::to_bytes)
    }
}

impl<'a> Argument for Text<'a> {
    type Value = &'a CStr;

    fn show(&self, name: &str, line: &mut Trace) {
        line.string(name, self.0.map(CStr::to_bytes));
    }

    fn take(self, name: &str) -> Result<&'a CStr> {
        self.0.ok_or_else(|| missing(name))
    }
}

impl ToText for Text<'_> {
    fn as_text(&self) -> &[u8] {
        self.0.unwrap_or_default().to_bytes()
    }
}

impl Argument for Texts {
    type Value = Vec<CString>;

    fn show(&self, name: &str, line: &mut Trace) {
        let list = self.0.as_ref();
        line.strings(
            name,
            list.map(|list| list.iter().map(|text| text.to_bytes())),
        );
    }

    fn take(self, name: &str) -> Result<Vec<CString>> {
        self.0.ok_or_else(|| missing(name))
    }
}

impl ToTexts for Texts {}

impl Argument for Address {
    type Value = SocketAddress;

    fn show(&self, name: &str, line: &mut Trace) {
        line.value(name, "<sockaddr>").value("addrlen", self.len);
    }

    fn take(self, name: &str) -> Result<SocketAddress> {
        if self.start.is_null() {
            return Err(missing(name));
        }
        let least = size_of::<libc::sa_family_t>();
        let len = usize::try_from(self.len).unwrap_or(usize::MAX);
        if !(least..=size_of::<libc::sockaddr_storage>()).contains(&len) {
            return Err(Error::new(
                libc::EINVAL,
                format!("{name}: {len} is not the length of a socket address"),
            ));
        }
        // SAFETY: by the contract of `into_argument`; it is not null.
        SocketAddress::from_bytes(unsafe { slice::from_raw_parts(self.start.cast(), len) })
    }
}

impl ToAddress for Address {}

impl Argument for Descriptor {
    type Value = Socket;

    fn show(&self, name: &str, line: &mut Trace) {
        line.value(name, self.0.as_raw_fd());
    }

    fn take(self, _name: &str) -> Result<Socket> {
        Ok(Socket::Offered(self.0))
    }
}

impl ToSocket for Descriptor {}

impl Argument for Milliseconds {
    type Value = Option<Duration>;

    fn show(&self, name: &str, line: &mut Trace) {
        line.value(name, self.0);
    }

    fn take(self, name: &str) -> Result<Option<Duration>> {
        let wrong = |_| Error::new(libc::EINVAL, format!("{name}: {} is negative", self.0));
        let number = u64::try_from(self.0).map_err(wrong)?;
        Ok((number > 0).then(|| Duration::from_millis(number)))
    }
}

impl ToTime for Milliseconds {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr;

    #[test]
    fn null_pointers_are_missing_arguments() {
        // SAFETY: null is permitted.
        let (text, texts, source, target, address) = unsafe {
            (
                ptr::null::<c_char>().into_argument(),
                ptr::null_mut::<*mut c_char>().into_argument(),
                (ptr::null::<c_void>(), 0).into_argument(),
                (ptr::null_mut::<c_void>(), 0).into_argument(),
                (ptr::null::<libc::sockaddr>(), 2).into_argument(),
            )
        };
        assert_eq!(text.take("name").unwrap_err().errno(), libc::EFAULT);
        assert_eq!(texts.take("list").unwrap_err().errno(), libc::EFAULT);
        assert!(source.lend().is_none());
        assert!(target.lend().is_none());
        assert_eq!(address.take("addr").unwrap_err().errno(), libc::EFAULT);
    }

    #[test]
    fn a_list_ends_at_its_null() {
        let mut list = [
            c"one".as_ptr().cast_mut(),
            c"".as_ptr().cast_mut(),
            ptr::null_mut(),
        ];
        // SAFETY: the list ends with a null pointer.
        let texts = unsafe { list.as_mut_ptr().into_argument() };
        assert_eq!(
            texts.take("list").unwrap(),
            [c"one".to_owned(), c"".to_owned()]
        );
    }

    #[test]
    fn an_address_has_a_possible_length() {
        // SAFETY: all zeroes is a socket address.
        let storage: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
        let addr: *const libc::sockaddr = ptr::from_ref(&storage).cast();
        for (len, possible) in [(1, false), (2, true), (128, true), (129, false)] {
            // SAFETY: lengths beyond the storage are rejected before any use.
            let address = unsafe { (addr, len).into_argument() };
            assert_eq!(address.take("addr").is_ok(), possible, "length {len}");
        }
    }
}
