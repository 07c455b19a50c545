//! Settings that environment variables make, for programs that nobody changes.

use std::ffi::CStr;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use crate::error::Escaped;
use crate::sys;

use super::Client;
use super::debug::debug;
use super::limits::Limited;

impl Client {
    /// Applies the variables to a new handle.
    #[cold]
    #[inline(never)]
    pub(super) fn read_environment(&mut self) {
        let retry = self.milliseconds(c"LIBNBDX_CONNECT_RETRY");
        if let Some(time) = retry.filter(|_| sys::HAS_TIMERS) {
            self.settings.connect_retry = time;
        }
        if let Some(batch) = self.variable(c"LIBNBDX_BATCH", "0 or 1", switch) {
            self.settings.batch = batch;
        }
        for which in Limited::ALL {
            if let Some(time) = self.milliseconds(which.variable()) {
                self.set_limit(which, time);
            }
        }
    }

    fn milliseconds(&self, name: &CStr) -> Option<Option<Duration>> {
        self.variable(name, "a number of milliseconds", milliseconds)
    }

    /// The value of a variable.  One that makes no sense is ignored.
    fn variable<T>(
        &self,
        name: &CStr,
        kind: &str,
        parse: impl Fn(&[u8]) -> Option<T>,
    ) -> Option<T> {
        let value = sys::trusted_variable(name)?;
        let parsed = parse(value.as_bytes());
        if parsed.is_none() {
            debug!(
                self.debug,
                "{} is ignored: \"{}\" is not {kind}",
                name.to_string_lossy(),
                Escaped(value.as_bytes())
            );
        }
        parsed
    }
}

fn switch(text: &[u8]) -> Option<bool> {
    match text {
        b"0" => Some(false),
        b"1" => Some(true),
        _ => None,
    }
}

/// Digits only, and a number that functions accept as well, where 0 has the same
/// meaning.
fn milliseconds(text: &[u8]) -> Option<Option<Duration>> {
    if !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: i64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    let number = u64::try_from(number).ok()?;
    Some((number > 0).then(|| Duration::from_millis(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_milliseconds_is_made_of_digits() {
        assert_eq!(milliseconds(b"0"), Some(None));
        for (text, wanted) in [("5000", 5000), ("007", 7)] {
            let time = Duration::from_millis(wanted);
            assert_eq!(milliseconds(text.as_bytes()), Some(Some(time)));
        }
        let longest = milliseconds(b"9223372036854775807").unwrap().unwrap();
        assert_eq!(longest.as_millis(), 9_223_372_036_854_775_807);
        for text in [
            "",
            "-1",
            "+1",
            " 1",
            "1s",
            "1.5",
            "0x10",
            "9223372036854775808",
        ] {
            assert_eq!(milliseconds(text.as_bytes()), None, "{text}");
        }
    }
}
