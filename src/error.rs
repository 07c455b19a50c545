//! The one error type: what went wrong in words, and the errno a C caller sees.

use std::borrow::Cow;
use std::ffi::CStr;
use std::fmt::{self, Write};
use std::io;

/// Why a call failed.
///
/// The text does not name the public function; the code that reports the error
/// adds it, because the same fault can surface through several functions.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct Error(Box<Fault>);

/// What is behind the pointer.  Results are passed everywhere, and most of them
/// are no errors, so an error is as small as it can be.
#[derive(Clone, PartialEq, Eq)]
struct Fault {
    errno: i32,
    text: Cow<'static, str>,
}

/// Shorthand used throughout the crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error with an errno.  Zero means that no errno describes it.
    #[inline]
    pub fn new(errno: i32, text: impl Into<Cow<'static, str>>) -> Self {
        Self::of(errno, text.into())
    }

    #[cold]
    #[inline(never)]
    fn of(errno: i32, text: Cow<'static, str>) -> Self {
        Self(Box::new(Fault { errno, text }))
    }

    /// An error that no errno describes, such as a peer that is not an NBD
    /// server.
    pub fn without_errno(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(0, text)
    }

    /// A panic, which the panic hook has reported.
    #[cold]
    #[inline(never)]
    pub(crate) fn internal() -> Self {
        Self::new(libc::ENOTRECOVERABLE, "internal error")
    }

    /// A failed system call; `what` names it.
    pub fn system(what: impl Into<Cow<'static, str>>, error: &io::Error) -> Self {
        Self::new(error.raw_os_error().unwrap_or(libc::EIO), what)
    }

    /// The errno, or zero.
    pub fn errno(&self) -> i32 {
        self.0.errno
    }

    /// The text, without function name and without the meaning of errno.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The whole message: public function, text, and what errno means.
    pub(crate) fn in_function(&self, function: &CStr) -> String {
        let function = function.to_string_lossy();
        match self.errno() {
            0 => format!("{function}: {self}"),
            errno => format!("{function}: {self}: {}", describe(errno)),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("errno", &self.errno())
            .field("text", &self.text())
            .finish()
    }
}

/// The system's words for an errno.
fn describe(errno: i32) -> String {
    let mut text = io::Error::from_raw_os_error(errno).to_string();
    // The standard library appends the number.
    if let Some(end) = text.rfind(" (os error ") {
        text.truncate(end);
    }
    text
}

/// Bytes from a peer or a caller as messages show them: what is not printable
/// ASCII becomes `\xNN`, so that no message can send control sequences to a
/// terminal.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(pub &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &byte in self.0 {
            match byte {
                b' '..=b'~' => f.write_char(char::from(byte))?,
                _ => write!(f, "\\x{byte:02x}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_error_keeps_its_errno() {
        let error = Error::system("connect", &io::Error::from_raw_os_error(libc::ECONNREFUSED));
        assert_eq!(error.errno(), libc::ECONNREFUSED);
        assert_eq!(error.to_string(), "connect");
    }

    #[test]
    fn a_whole_message_says_who_what_and_why() {
        let error = Error::new(libc::ENOENT, "no such socket");
        assert_eq!(
            error.in_function(c"nbd_connect_unix"),
            "nbd_connect_unix: no such socket: No such file or directory"
        );
        let unknown = Error::new(123_456, "?").in_function(c"f");
        assert!(unknown.ends_with("123456"), "{unknown}");
    }

    #[test]
    fn nothing_unprintable_reaches_a_message() {
        let text = Escaped(b"a\tb \x1b[0m\xff").to_string();
        assert_eq!(text, r"a\x09b \x1b[0m\xff");
    }
}
