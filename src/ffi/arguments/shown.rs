//! The debug line at the beginning of a call, with every argument.

use std::ffi::{CStr, CString};
use std::fmt::{Display, Write};

use crate::callback::Closure;
use crate::memory::Lent;

/// So much of a string or of data to be written appears in a debug line.
const SHOWN: usize = 512;

/// Builds the line.
pub(in crate::ffi) struct Arguments {
    line: String,
}

impl Arguments {
    /// The whole line.
    pub(in crate::ffi) fn line(add: impl for<'a> FnOnce(&'a mut Self) -> &'a mut Self) -> String {
        let mut arguments = Self {
            line: String::from("enter:"),
        };
        add(&mut arguments);
        arguments.line
    }

    /// An integer, a boolean, or a word such as `<fun>`.
    pub(in crate::ffi) fn value(&mut self, name: &str, value: impl Display) -> &mut Self {
        // Writing to a String cannot fail.
        let _ = write!(self.line, " {name}={value}");
        self
    }

    /// A word of flags.
    pub(in crate::ffi) fn flags(&mut self, name: &str, flags: u32) -> &mut Self {
        self.value(name, format_args!("{flags:#x}"))
    }

    /// A string.
    pub(in crate::ffi) fn string(&mut self, name: &str, text: Option<&CStr>) -> &mut Self {
        self.value(name, quoted(text))
    }

    /// A list of strings.
    pub(in crate::ffi) fn strings(&mut self, name: &str, list: Option<&Vec<CString>>) -> &mut Self {
        let Some(list) = list else {
            return self.value(name, "NULL");
        };
        let items: Vec<_> = list.iter().map(|text| quoted(Some(text))).collect();
        self.value(name, format_args!("[{}]", items.join(", ")))
    }

    /// A buffer that the call fills.
    pub(in crate::ffi) fn out_buffer(&mut self, name: &str, count: usize) -> &mut Self {
        self.value(name, "<buf>").value("count", count)
    }

    /// A buffer that the call sends: its beginning in hexadecimal digits.
    pub(in crate::ffi) fn in_buffer(&mut self, name: &str, data: Option<&Lent>) -> &mut Self {
        let Some(data) = data else {
            return self.value(name, "NULL").value("count", 0);
        };
        let mut beginning = [0u8; SHOWN];
        let (start, len) = data.tail(0).parts();
        let count = len.min(SHOWN);
        // SAFETY: the data is readable for its length, of which `count` is not
        // more; it is copied because other threads may be writing to it.
        unsafe { std::ptr::copy(start, beginning.as_mut_ptr(), count) };
        let mut digits = String::new();
        for byte in beginning.iter().take(count) {
            let _ = write!(digits, "{byte:02x}");
        }
        self.value(name, format_args!("\"{digits}\""))
            .value("count", len)
    }

    /// A closure.
    pub(in crate::ffi) fn closure<F>(&mut self, name: &str, closure: &Closure<F>) -> &mut Self {
        self.value(name, if closure.is_null() { "NULL" } else { "<fun>" })
    }
}

/// A string as debug lines show it.
pub(in crate::ffi) fn quoted(text: Option<&CStr>) -> String {
    let Some(text) = text else {
        return String::from("NULL");
    };
    let bytes = text.to_bytes();
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::NonNull;

    #[test]
    fn a_line_shows_every_kind_of_argument() {
        let data = [0x00u8, 0xff];
        // SAFETY: `data` outlives `lent`.
        let lent = unsafe { Lent::new(NonNull::from(&data).cast(), 2) };
        let list = vec![c"a".to_owned(), c"b\"".to_owned()];
        let line = Arguments::line(|a| {
            a.value("debug", true)
                .flags("flags", 33)
                .string("name", Some(c"a\nb\x80"))
                .string("dir", None)
                .strings("argv", Some(&list))
                .strings("queries", None)
                .out_buffer("out", 7)
                .in_buffer("in", Some(&lent))
        });
        assert_eq!(
            line,
            "enter: debug=true flags=0x21 name=\"a\\x0ab\\x80\" dir=NULL \
             argv=[\"a\", \"b\\\"\"] queries=NULL out=<buf> count=7 in=\"00ff\" count=2"
        );
    }

    #[test]
    fn a_long_string_is_cut() {
        let long = CString::new(vec![b'x'; SHOWN + 1]).unwrap();
        let shown = quoted(Some(&long));
        assert!(shown.ends_with("x...\""));
        assert_eq!(shown.len(), SHOWN + 5);
    }
}
