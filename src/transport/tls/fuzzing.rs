//! What users write about TLS, as the fuzzer writes it.

use std::ffi::CStr;
use std::io::Read;

use super::pem::{What, blocks};
use super::priority::{Authentication, Priority};
use super::psk::{find_line, key_of, unhex};

/// A file of pre-shared keys.  The first byte says in which pieces it is read;
/// the first line is the name of the user.
pub fn psk(input: &[u8]) {
    let Some((&step, text)) = input.split_first() else {
        return;
    };
    let name = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let name = [name, b"\0"].concat();
    let Ok(name) = CStr::from_bytes_with_nul(&name) else {
        return;
    };
    let whole = key(&mut &text[..], name);
    let mut pieces = Pieces {
        rest: text,
        step: 1 + usize::from(step),
    };
    assert_eq!(key(&mut pieces, name), whole);
}

fn key(file: &mut impl Read, user: &CStr) -> Option<Option<Vec<u8>>> {
    let line = find_line(file, user).expect("reading memory does not fail")?;
    let digits = key_of(line.as_bytes(), user).expect("a line of this user");
    Some(unhex(digits).map(|key| key.as_bytes().to_vec()))
}

/// A file that is read so many bytes at a time.
struct Pieces<'a> {
    rest: &'a [u8],
    step: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let most = self.step.min(into.len());
        self.rest.read(&mut into[..most])
    }
}

/// A priority string.
pub fn priority(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    for authentication in [Authentication::Psk, Authentication::Certificates] {
        for fast_aes in [false, true] {
            // It is right or wrong; either is fine.
            let _ = Priority::parse(text, authentication, fast_aes);
        }
    }
}

/// A PEM text.  What is found in it is found again in what was kept of it.
pub fn pem(input: &[u8]) {
    for what in [
        What::Authorities,
        What::Certificate,
        What::Key,
        What::Revocations,
    ] {
        if let Ok(kept) = blocks(what, input) {
            let again = blocks(what, kept.as_bytes()).expect("good blocks stay good");
            assert_eq!(again.as_bytes(), kept.as_bytes());
        }
    }
}
