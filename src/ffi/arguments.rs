//! The arguments of C calls, as the methods of the handle take them.
//!
//! A null pointer is passed along as an argument that is missing; the method
//! refuses it when its turn has come.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::NonNull;
use std::slice;

use crate::api::arguments::{Argument, ToAddress, ToSocket, ToText, ToTexts, missing};
use crate::api::trace::Trace;
use crate::connect::Socket;
use crate::error::{Error, Result};
use crate::memory::loan::{Source, Target};
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
pub(super) struct Descriptor(pub(super) c_int);

/// # Safety
/// Unless null, `text` must be a NUL-terminated string that lives through the
/// call.
pub(super) unsafe fn text<'a>(text: *const c_char) -> Text<'a> {
    if text.is_null() {
        return Text(None);
    }
    // SAFETY: by the contract of this function.
    Text(Some(unsafe { CStr::from_ptr(text) }))
}

/// # Safety
/// Unless null, `list` must be a NULL-terminated array of NUL-terminated
/// strings.
pub(super) unsafe fn texts(list: *const *mut c_char) -> Texts {
    if list.is_null() {
        return Texts(None);
    }
    let mut texts = Vec::new();
    let mut next = list;
    loop {
        // SAFETY: by the contract of this function; the end of the array has
        // not been seen yet.
        let element = unsafe { *next };
        // SAFETY: by the contract of this function.
        let Text(Some(element)) = (unsafe { text(element) }) else {
            return Texts(Some(texts));
        };
        texts.push(element.to_owned());
        // SAFETY: the element read was not the last one.
        next = unsafe { next.add(1) };
    }
}

/// # Safety
/// Unless null, `addr` must be readable for `len` bytes, through the call.
pub(super) unsafe fn address(addr: *const libc::sockaddr, len: libc::socklen_t) -> Address {
    Address { start: addr, len }
}

/// The buffer of a read.
///
/// # Safety
/// Unless null, `buf` must stay writable for `count` bytes until the command
/// retires.
pub(super) unsafe fn target(buf: *mut c_void, count: usize) -> Target {
    // SAFETY: by the contract of this function.
    unsafe { Target::new(NonNull::new(buf.cast::<u8>()), count) }
}

/// The data of a write.
///
/// # Safety
/// Unless null, `buf` must stay readable for `count` bytes until the command
/// retires.
pub(super) unsafe fn source(buf: *const c_void, count: usize) -> Source {
    // SAFETY: by the contract of this function.
    unsafe { Source::new(NonNull::new(buf.cast_mut().cast::<u8>()), count) }
}

/// Something secret.
///
/// # Safety
/// Unless null, `bytes` must stay readable and unchanged for `length` bytes
/// through the call.
pub(super) unsafe fn secret<'a>(bytes: *const c_void, length: usize) -> Option<&'a [u8]> {
    let start = NonNull::new(bytes.cast_mut().cast::<u8>())?;
    // No object is longer: whoever passes more has passed a negative number, and
    // the method refuses anything near it without a look.
    let length = length.min(isize::MAX.unsigned_abs());
    // SAFETY: by the contract of this function.
    Some(unsafe { slice::from_raw_parts(start.as_ptr(), length) })
}

impl<'a> Text<'a> {
    /// For a method that takes bytes.
    pub(super) fn as_bytes(&self) -> Option<&'a [u8]> {
        self.0.map(CStr::to_bytes)
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
        // SAFETY: by the contract of `address`; it is not null.
        SocketAddress::from_bytes(unsafe { slice::from_raw_parts(self.start.cast(), len) })
    }
}

impl ToAddress for Address {}

impl Argument for Descriptor {
    type Value = Socket;

    fn show(&self, name: &str, line: &mut Trace) {
        line.value(name, self.0);
    }

    fn take(self, _name: &str) -> Result<Socket> {
        Ok(Socket::Offered(self.0))
    }
}

impl ToSocket for Descriptor {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr;

    #[test]
    fn null_pointers_are_missing_arguments() {
        // SAFETY: null is permitted.
        let error = unsafe { text(ptr::null()) }.take("name").unwrap_err();
        assert_eq!(error.errno(), libc::EFAULT);
        // SAFETY: as above.
        let error = unsafe { texts(ptr::null()) }.take("list").unwrap_err();
        assert_eq!(error.errno(), libc::EFAULT);
        // SAFETY: as above.
        assert!(unsafe { source(ptr::null(), 0) }.lend().is_none());
        // SAFETY: as above.
        assert!(unsafe { target(ptr::null_mut(), 0) }.lend().is_none());
        // SAFETY: as above.
        let error = unsafe { address(ptr::null(), 2) }.take("addr").unwrap_err();
        assert_eq!(error.errno(), libc::EFAULT);
    }

    #[test]
    fn a_list_ends_at_its_null() {
        let mut list = [
            c"one".as_ptr().cast_mut(),
            c"".as_ptr().cast_mut(),
            ptr::null_mut(),
        ];
        // SAFETY: the list ends with a null pointer.
        let texts = unsafe { texts(list.as_mut_ptr()) };
        assert_eq!(
            texts.take("list").unwrap(),
            [c"one".to_owned(), c"".to_owned()]
        );
    }

    #[test]
    fn an_address_has_a_possible_length() {
        // SAFETY: all zeroes is a socket address.
        let storage: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
        let addr = ptr::from_ref(&storage).cast();
        for (len, possible) in [(1, false), (2, true), (128, true), (129, false)] {
            // SAFETY: lengths beyond the storage are refused before any use.
            let address = unsafe { address(addr, len) };
            assert_eq!(address.take("addr").is_ok(), possible, "length {len}");
        }
    }
}
