//! Arguments and results on their way between C and the safe side.
//!
//! An entry first turns its raw pointers into values, with `None` for null;
//! then debug lines can show them, and `required` refuses what is missing when
//! its turn has come.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::NonNull;
use std::slice;

use crate::callback::Closure;
use crate::error::{Error, Result};
use crate::handle::entry::Entry;
use crate::memory::{Lent, LentMut};

mod shown;
pub(super) use shown::{Arguments, quoted};

/// A string.
///
/// # Safety
/// Unless null, `text` must be a NUL-terminated string that lives through the
/// call.
pub(super) unsafe fn string<'a>(text: *const c_char) -> Option<&'a CStr> {
    if text.is_null() {
        return None;
    }
    // SAFETY: by the contract of this function.
    Some(unsafe { CStr::from_ptr(text) })
}

/// A NULL-terminated list of strings.
///
/// # Safety
/// Unless null, `list` must be a NULL-terminated array of NUL-terminated
/// strings.
pub(super) unsafe fn strings(list: *const *mut c_char) -> Option<Vec<CString>> {
    if list.is_null() {
        return None;
    }
    let mut strings = Vec::new();
    let mut next = list;
    loop {
        // SAFETY: by the contract of this function; the end of the array has
        // not been seen yet.
        let text = unsafe { *next };
        // SAFETY: by the contract of this function.
        let Some(text) = (unsafe { string(text) }) else {
            return Some(strings);
        };
        strings.push(text.to_owned());
        // SAFETY: the element read was not the last one.
        next = unsafe { next.add(1) };
    }
}

/// The buffer of a read.
///
/// # Safety
/// Unless null, `buf` must stay writable for `count` bytes until the command
/// retires.
pub(super) unsafe fn lent_mut(buf: *mut c_void, count: usize) -> Option<LentMut> {
    let start = NonNull::new(buf.cast::<u8>())?;
    // SAFETY: by the contract of this function.
    Some(unsafe { LentMut::new(start, possible(count)) })
}

/// The data of a write.
///
/// # Safety
/// Unless null, `buf` must stay readable for `count` bytes until the command
/// retires.
pub(super) unsafe fn lent(buf: *const c_void, count: usize) -> Option<Lent> {
    let start = NonNull::new(buf.cast_mut().cast::<u8>())?;
    // SAFETY: by the contract of this function.
    Some(unsafe { Lent::new(start, possible(count)) })
}

/// No memory is longer than this, and every command refuses far less.
fn possible(count: usize) -> usize {
    count.min(usize::MAX >> 1)
}

/// A socket address that must be there.
///
/// # Safety
/// Unless null, `addr` must be readable for `len` bytes, through the call.
pub(super) unsafe fn address<'a>(
    name: &str,
    addr: *const libc::sockaddr,
    len: libc::socklen_t,
) -> Result<&'a [u8]> {
    let start = required(name, NonNull::new(addr.cast_mut().cast::<u8>()))?;
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    let least = size_of::<libc::sa_family_t>();
    if !(least..=size_of::<libc::sockaddr_storage>()).contains(&len) {
        return Err(Error::new(
            libc::EINVAL,
            format!("{name}: {len} is not the length of a socket address"),
        ));
    }
    // SAFETY: by the contract of this function.
    Ok(unsafe { slice::from_raw_parts(start.as_ptr(), len) })
}

/// What must not be NULL.
pub(super) fn required<T>(name: &str, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| Error::new(libc::EFAULT, format!("{name} cannot be NULL")))
}

/// A closure that must be there.
pub(super) fn closure<F>(name: &str, closure: Closure<F>) -> Result<Closure<F>> {
    required(name, Some(closure).filter(|closure| !closure.is_null()))
}

/// An enumeration argument: a value from 0 to `last`.
pub(super) fn enumeration(name: &str, value: c_int, last: c_int) -> Result<c_int> {
    if !(0..=last).contains(&value) {
        return Err(Error::new(
            libc::EINVAL,
            format!("{name}: {value} is out of range"),
        ));
    }
    Ok(value)
}

/// A word of flags that must hold none but those of the table.
pub(super) fn mask(entry: &Entry, name: &str, flags: u32) -> Result<u32> {
    if flags & !entry.flags != 0 {
        return Err(Error::new(
            libc::EINVAL,
            format!("{name}: unknown flags in {flags:#x}"),
        ));
    }
    Ok(flags)
}

/// What a function without a result returns.
pub(super) fn done((): ()) -> c_int {
    0
}

/// A string that the caller frees.
pub(super) fn malloced(text: &CStr) -> Result<*mut c_char> {
    // SAFETY: `text` is NUL-terminated.
    let copy = unsafe { libc::strdup(text.as_ptr()) };
    if copy.is_null() {
        return Err(Error::new(libc::ENOMEM, "strdup"));
    }
    Ok(copy)
}

/// A size that is also a valid return value.
pub(super) fn size(value: usize) -> Result<isize> {
    isize::try_from(value).map_err(|_| Error::new(libc::EOVERFLOW, "the size is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr;

    #[test]
    fn null_pointers_are_missing_values() {
        // SAFETY: null is permitted.
        assert!(unsafe { string(ptr::null()) }.is_none());
        // SAFETY: as above.
        assert!(unsafe { strings(ptr::null()) }.is_none());
        // SAFETY: as above.
        assert!(unsafe { lent(ptr::null(), 0) }.is_none());
        // SAFETY: as above.
        assert!(unsafe { lent_mut(ptr::null_mut(), 0) }.is_none());
        // SAFETY: as above.
        let error = unsafe { address("addr", ptr::null(), 2) }.unwrap_err();
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
        let strings = unsafe { strings(list.as_mut_ptr()) };
        assert_eq!(strings, Some(vec![c"one".to_owned(), c"".to_owned()]));
    }

    #[test]
    fn an_address_has_a_possible_length() {
        // SAFETY: all zeroes is a socket address.
        let storage: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
        let addr = ptr::from_ref(&storage).cast();
        for (len, expected) in [(1, None), (2, Some(2)), (128, Some(128)), (129, None)] {
            // SAFETY: lengths beyond the storage are refused before any use.
            let address = unsafe { address("addr", addr, len) };
            assert_eq!(address.ok().map(<[u8]>::len), expected, "length {len}");
        }
    }

    #[test]
    fn values_outside_an_enumeration_are_refused() {
        assert_eq!(enumeration("tls", 2, 2).ok(), Some(2));
        for value in [-1, 3, c_int::MAX, c_int::MIN] {
            let error = enumeration("tls", value, 2).unwrap_err();
            assert_eq!(error.errno(), libc::EINVAL);
        }
    }
}
