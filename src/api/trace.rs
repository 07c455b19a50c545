//! The debug lines around a call: its arguments, and its result as C sees it.

use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::fmt::{Display, Write};
use std::time::Duration;

use crate::memory::Lent;
use crate::protocol::MAX_PAYLOAD;

/// How much of a string or of data to be written appears in a debug line.
const SHOWN: usize = 512;

/// Builds the line at the start of a call.
pub struct Trace {
    text: String,
}

impl Trace {
    /// The whole line.
    pub fn of(add: impl FnOnce(&mut Self)) -> String {
        let mut line = Self {
            text: String::from("enter:"),
        };
        add(&mut line);
        line.text
    }

    /// An integer, a boolean, or a word such as `<fun>`.
    pub fn value(&mut self, name: &str, value: impl Display) -> &mut Self {
        self.add(name, &value)
    }

    #[inline(never)]
    fn add(&mut self, name: &str, value: &dyn Display) -> &mut Self {
        // Writing to a String cannot fail.
        let _ = write!(self.text, " {name}={value}");
        self
    }

    /// Flags.
    pub fn flags(&mut self, name: &str, flags: u32) -> &mut Self {
        self.value(name, format_args!("{flags:#x}"))
    }

    /// A string.
    pub fn string(&mut self, name: &str, text: Option<&[u8]>) -> &mut Self {
        self.value(name, quoted(text))
    }

    /// A list of strings.
    pub fn strings<'a>(
        &mut self,
        name: &str,
        list: Option<impl Iterator<Item = &'a [u8]>>,
    ) -> &mut Self {
        let Some(list) = list else {
            return self.value(name, "NULL");
        };
        let items: Vec<_> = list.map(|text| quoted(Some(text))).collect();
        self.value(name, format_args!("[{}]", items.join(", ")))
    }

    /// A buffer that the call fills.
    pub fn out_buffer(&mut self, name: &str, count: usize) -> &mut Self {
        self.value(name, "<buf>").value("count", count)
    }

    /// A buffer that the call sends: its first bytes in hexadecimal digits.
    pub fn in_buffer(&mut self, name: &str, data: Option<&Lent>) -> &mut Self {
        let Some(data) = data else {
            return self.value(name, "NULL").value("count", 0);
        };
        // It is copied because other threads may be writing to it.  A buffer
        // too long to be sent is not accessed, because its address range need
        // not be valid.
        let mut copy = Vec::new();
        let shown = if data.len() > MAX_PAYLOAD as usize {
            0
        } else {
            SHOWN
        };
        let (beginning, _) = data.tail(0).split(shown);
        beginning.append_to(&mut copy);
        let mut digits = String::new();
        for byte in copy {
            let _ = write!(digits, "{byte:02x}");
        }
        self.value(name, format_args!("\"{digits}\""))
            .value("count", data.len())
    }

    /// A closure.
    pub fn closure(&mut self, name: &str, is_null: bool) -> &mut Self {
        self.value(name, if is_null { "NULL" } else { "<fun>" })
    }
}

/// A result, as the debug line at the end of a call shows it.
pub trait Shown {
    /// The result as text.
    fn show(&self) -> String;
}

macro_rules! numbers {
    ($($type:ty)*) => {$(
        impl Shown for $type {
            fn show(&self) -> String {
                self.to_string()
            }
        }
    )*};
}
numbers! { i32 i64 u32 u64 usize }

impl<R: Shown + ?Sized> Shown for &R {
    fn show(&self) -> String {
        (**self).show()
    }
}

impl Shown for () {
    fn show(&self) -> String {
        String::from("0")
    }
}

impl Shown for bool {
    fn show(&self) -> String {
        u8::from(*self).to_string()
    }
}

impl Shown for Option<u64> {
    fn show(&self) -> String {
        self.unwrap_or(0).to_string()
    }
}

impl Shown for Duration {
    fn show(&self) -> String {
        self.as_millis().to_string()
    }
}

impl Shown for Option<Duration> {
    fn show(&self) -> String {
        self.map_or_else(|| String::from("none"), |time| format!("{time:?}"))
    }
}

impl Shown for CString {
    fn show(&self) -> String {
        quoted(Some(self.to_bytes()))
    }
}

impl Shown for CStr {
    fn show(&self) -> String {
        quoted(Some(self.to_bytes()))
    }
}

/// A string as debug lines show it.
fn quoted(text: Option<&[u8]>) -> String {
    let Some(bytes) = text else {
        return String::from("NULL");
    };
    let bytes = without_password(bytes);
    let mut shown = String::from("\"");
    for &byte in bytes.iter().take(SHOWN) {
        match byte {
            b'"' | b'\\' => {
                shown.push('\\');
                shown.push(char::from(byte));
            }
            b' '..=b'~' => shown.push(char::from(byte)),
            _ => {
                let _ = write!(shown, "\\x{byte:02x}");
            }
        }
    }
    if bytes.len() > SHOWN {
        shown.push_str("...");
    }
    shown.push('"');
    shown
}

/// What stands for a password.
const HIDDEN: &[u8] = b"***";

/// The text with a mark in place of a password in a URI, of NBD or of anything
/// else, which may also be a part of the text.
fn without_password(text: &[u8]) -> Cow<'_, [u8]> {
    let mut shown = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = split_after(rest, b"://") {
        shown.extend_from_slice(before);
        let ends = |byte: &u8| b"/?# \"'".contains(byte);
        let end = after.iter().position(ends).unwrap_or(after.len());
        let (authority, after) = after.split_at(end);
        let user = authority
            .iter()
            .rposition(|&byte| byte == b'@')
            .unwrap_or(0);
        let colon = authority.iter().take(user).position(|&byte| byte == b':');
        match colon.map(|colon| (authority.get(..=colon), authority.get(user..))) {
            Some((Some(name), Some(host))) => shown.extend([name, HIDDEN, host].concat()),
            _ => shown.extend_from_slice(authority),
        }
        rest = after;
    }
    if shown.is_empty() {
        return text.into();
    }
    shown.extend_from_slice(rest);
    shown.into()
}

/// The text up to the end of a mark, and what follows.
fn split_after<'a>(text: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let start = text.windows(mark.len()).position(|part| part == mark)?;
    text.split_at_checked(start.saturating_add(mark.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::buffers::{INSIDE, Source, WriteFrom};

    #[test]
    fn a_line_shows_every_kind_of_argument() {
        let data = [0x00u8, 0xff];
        let list = [&b"a"[..], b"b\""];
        let line = (&data).while_waiting(INSIDE, |source: Source, _end| {
            Trace::of(|a| {
                a.value("debug", true)
                    .flags("flags", 33)
                    .string("name", Some(b"a\nb\x80"))
                    .string("dir", None)
                    .strings("argv", Some(list.into_iter()))
                    .strings("queries", None::<std::iter::Empty<_>>)
                    .out_buffer("out", 7)
                    .in_buffer("in", source.lend().as_ref());
            })
        });
        assert_eq!(
            line,
            "enter: debug=true flags=0x21 name=\"a\\x0ab\\x80\" dir=NULL \
             argv=[\"a\", \"b\\\"\"] queries=NULL out=<buf> count=7 in=\"00ff\" count=2"
        );
    }

    #[test]
    fn a_password_in_a_uri_is_not_shown() {
        let table = [
            (
                "nbds://anna:pass@host:10/x:y@z",
                "nbds://anna:***@host:10/x:y@z",
            ),
            ("nbds://anna:p@ss@host", "nbds://anna:***@host"),
            ("nbd://anna@host:10809/", "nbd://anna@host:10809/"),
            ("nbd+unix://:word@/?socket=a", "nbd+unix://:***@/?socket=a"),
            (
                "url=https://u:pw@a/ and ftp://v:pw@b",
                "url=https://u:***@a/ and ftp://v:***@b",
            ),
            ("a:b@c", "a:b@c"),
            ("://", "://"),
        ];
        for (text, shown) in table {
            assert_eq!(quoted(Some(text.as_bytes())), format!("\"{shown}\""));
        }
    }

    #[test]
    fn a_long_string_is_cut() {
        let long = vec![b'x'; SHOWN + 1];
        let shown = quoted(Some(&long));
        assert!(shown.ends_with("x...\""));
        assert_eq!(shown.len(), SHOWN + 5);
    }
}
