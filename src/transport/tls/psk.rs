//! Pre-shared keys and the files that they are kept in.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::secret::Secret;
use crate::error::{Error, Escaped, Result};

/// The longest name and key that OpenSSL takes, in bytes.
const MAX_IDENTITY: usize = 256;
/// As above.
const MAX_KEY: usize = 512;

/// One more byte than any usable line has: name, colon, digits, end.
const MAX_LINE: usize = MAX_IDENTITY + 1 + 2 * MAX_KEY + 2;

/// How much of a file is read at once.
const PIECE: usize = 4096;

/// A pre-shared key and the name that goes with it.
#[derive(Debug)]
pub struct Psk {
    pub identity: CString,
    pub key: Secret,
}

impl Psk {
    /// A key in memory.
    pub fn new(identity: CString, key: &[u8]) -> Result<Self> {
        let wrong = |what: String| Err(Error::new(libc::EINVAL, what));
        if identity.is_empty() {
            return wrong("the user name is empty".to_owned());
        }
        if identity.count_bytes() > MAX_IDENTITY {
            return wrong(too_long_a_name());
        }
        if key.is_empty() {
            return wrong("the key is empty".to_owned());
        }
        if key.len() > MAX_KEY {
            return wrong(format!("the key is longer than {MAX_KEY} bytes"));
        }
        let key = Secret::from(key);
        Ok(Self { identity, key })
    }

    /// Length of both, in bytes.
    pub fn memory(&self) -> usize {
        let key = self.key.as_bytes().len();
        self.identity.count_bytes().saturating_add(key)
    }

    /// The key of a user, from a file with one key per line.
    pub fn read(path: &Path, username: CString) -> Result<Self> {
        let wrong =
            |what: String| Error::new(libc::EINVAL, format!("TLS: {}: {what}", path.display()));
        if username.count_bytes() > MAX_IDENTITY {
            return Err(wrong(too_long_a_name()));
        }
        let found = File::open(path).and_then(|mut file| find_line(&mut file, &username));
        let line =
            found.map_err(|error| Error::system(format!("TLS: {}", path.display()), &error))?;
        let user = Escaped(username.to_bytes());
        let line = line.ok_or_else(|| wrong(format!("there is no key for user \"{user}\"")))?;
        let digits = key_of(line.as_bytes(), &username).unwrap_or_default();
        let is_long = digits.len() > 2 * MAX_KEY;
        if is_long && digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(wrong(format!(
                "the key for user \"{user}\" is longer than {MAX_KEY} bytes"
            )));
        }
        let key = unhex(digits).filter(|_| !is_long).ok_or_else(|| {
            wrong(format!(
                "the key for user \"{user}\" is not a key in hexadecimal"
            ))
        })?;
        Ok(Self {
            identity: username,
            key,
        })
    }
}

fn too_long_a_name() -> String {
    format!("the user name is longer than {MAX_IDENTITY} bytes")
}

/// The first line of a user, without its end.  Of overlong lines only the
/// beginning is kept.
pub(super) fn find_line(file: &mut impl Read, username: &CStr) -> std::io::Result<Option<Secret>> {
    let mut line = Secret::with_capacity(MAX_LINE);
    let mut piece = Secret::default();
    let is_it = |line: &Secret| key_of(line.as_bytes(), username).is_some();
    while piece.refill(file, PIECE)? > 0 {
        for part in piece.as_bytes().split_inclusive(|&byte| byte == b'\n') {
            let room = MAX_LINE.saturating_sub(line.as_bytes().len());
            let content = part.strip_suffix(b"\n").unwrap_or(part);
            line.extend(content.get(..room).unwrap_or(content));
            if part.ends_with(b"\n") {
                if is_it(&line) {
                    return Ok(Some(line));
                }
                line.clear();
            }
        }
    }
    Ok(is_it(&line).then_some(line))
}

/// The key in a line, if it is a line of this user.
pub(super) fn key_of<'a>(line: &'a [u8], username: &CStr) -> Option<&'a [u8]> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    line.strip_prefix(username.to_bytes())?.strip_prefix(b":")
}

/// The bytes of a key; `None` if there are none or they are malformed.
pub(super) fn unhex(digits: &[u8]) -> Option<Secret> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut key = Secret::with_capacity(digits.len() / 2);
    for pair in digits.chunks(2) {
        // The number of digits may be odd.
        let [high, low] = pair else { return None };
        key.extend(&[u8::try_from((digit(*high)? << 4) | digit(*low)?).ok()?]);
    }
    (!digits.is_empty()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn psk(text: &[u8], username: &CStr) -> Result<Vec<u8>> {
        let file = tempfile(text);
        Psk::read(&file.0, username.to_owned()).map(|psk| psk.key.as_bytes().to_vec())
    }

    /// A file that goes with the test.
    struct Temporary(std::path::PathBuf);

    impl Drop for Temporary {
        fn drop(&mut self) {
            std::fs::remove_file(&self.0).unwrap();
        }
    }

    fn tempfile(text: &[u8]) -> Temporary {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("nbd-{}-{number}-keys.psk", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        Temporary(path)
    }

    #[test]
    fn a_key_belongs_to_the_first_line_with_its_user() {
        let text = b"alice:00\nbob:12aBff\r\nbob:99\nbobby:77";
        assert_eq!(psk(text, c"bob").unwrap(), [0x12, 0xab, 0xff]);
        assert_eq!(psk(text, c"alice").unwrap(), [0]);
        assert_eq!(psk(text, c"bobby").unwrap(), [0x77]);
        assert_eq!(psk(b"last:12\r", c"last").unwrap(), [0x12]);
    }

    #[test]
    fn users_without_a_good_key_are_refused() {
        let text = b"odd:123\nempty:\nwords:xyz0\nspace: 12\nbare\ncr:12\r\r\n";
        for user in [
            c"odd", c"empty", c"words", c"space", c"bare", c"nobody", c"", c"odd:123", c"cr",
        ] {
            let error = psk(text, user).unwrap_err();
            assert_eq!(error.errno(), libc::EINVAL, "{user:?}");
            assert!(error.text().contains("keys.psk"), "{error}");
        }
    }

    #[test]
    fn names_and_keys_have_limits() {
        let name = CString::new(vec![b'n'; 256]).unwrap();
        let key = [b"n".repeat(256), b":".to_vec(), b"ab".repeat(512)].concat();
        for end in ["", "\n", "\r\n"] {
            let text = [&key, end.as_bytes()].concat();
            assert_eq!(psk(&text, &name).unwrap(), [0xab; 512]);
        }

        let name = CString::new(vec![b'n'; 257]).unwrap();
        let error = psk(b"n:00", &name).unwrap_err();
        assert!(error.text().contains("longer than 256 bytes"), "{error}");
    }

    #[test]
    fn a_key_that_is_too_long_is_told_from_one_that_is_none() {
        for digits in [1026, 2000, 100_000, 1_000_000] {
            for user in [&b"u"[..], &b"u".repeat(256)] {
                for end in ["", "\n", "\r\n"] {
                    let mut text = user.to_vec();
                    text.push(b':');
                    text.extend(b"a".repeat(digits));
                    text.extend(end.as_bytes());
                    let error = psk(&text, &CString::new(user).unwrap()).unwrap_err();
                    assert_eq!(error.errno(), libc::EINVAL);
                    assert!(error.text().contains("longer than 512 bytes"), "{error}");
                }
            }
        }
        let text = [b"u:".as_slice(), &b"xy".repeat(2000)].concat();
        let error = psk(&text, c"u").unwrap_err();
        assert!(error.text().contains("not a key in hexadecimal"), "{error}");
    }

    #[test]
    fn lines_are_found_wherever_they_are_cut() {
        for before in (PIECE - 30..PIECE + 5).chain([MAX_LINE, 1_000_000]) {
            for end in ["\n", "\r\n", ""] {
                let filler = [&b"user:".repeat(before / 5), &b"x".repeat(before % 5)[..]].concat();
                let text = [&filler, "\nuser:1234".as_bytes(), end.as_bytes()].concat();
                // The filler is a line of the user as well if it is long enough.
                let text = [b"#", text.as_slice()].concat();
                assert_eq!(psk(&text, c"user").unwrap(), [0x12, 0x34], "{before}");
            }
        }
    }

    /// A file that has no end.
    struct Endless(usize);

    impl Read for Endless {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            into.fill(b'x');
            self.0 = self.0.saturating_sub(into.len());
            if self.0 == 0 {
                into[..9].copy_from_slice(b"\nuser:11\n");
            }
            Ok(into.len())
        }
    }

    #[test]
    fn a_line_that_is_no_key_is_not_kept() {
        let line = find_line(&mut Endless(16 << 20), c"user").unwrap();
        assert_eq!(line.unwrap().as_bytes(), b"user:11");
    }

    #[test]
    fn the_errno_of_an_unreadable_file_is_kept() {
        let read = |path: &str| Psk::read(Path::new(path), c"user".to_owned()).unwrap_err();
        assert_eq!(read("/nonexistent/keys.psk").errno(), libc::ENOENT);
        assert_eq!(read("/").errno(), libc::EISDIR);
    }

    #[test]
    fn a_key_never_shows() {
        let mut key = Secret::default();
        key.extend(&[222; 4]);
        let psk = Psk {
            identity: c"user".to_owned(),
            key,
        };
        assert!(!format!("{psk:?}").contains("222"));
    }
}
