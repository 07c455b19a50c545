//! What proves who we are, and whom we believe.

use std::env;
use std::ffi::{CStr, CString, OsStr};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::Settings;
use crate::error::{Error, Result};
use crate::sys;

/// The directory of the certificates that the administrator keeps.
const SYSTEM_DIRECTORY: &str = "/etc/pki/libnbd";

/// The directories of a user's own certificates, below the home directory.
const USER_DIRECTORIES: [&str; 2] = [".pki/libnbd", ".config/pki/libnbd"];

/// Names in such a directory.
pub const CA_CERTIFICATE: &str = "ca-cert.pem";
/// As above.
pub const CA_REVOCATIONS: &str = "ca-crl.pem";
/// As above.
pub const CLIENT_CERTIFICATE: &str = "client-cert.pem";
/// As above.
pub const CLIENT_KEY: &str = "client-key.pem";

/// The longest name and key that OpenSSL takes, in bytes.
const MAX_IDENTITY: usize = 128;
/// As above.
const MAX_KEY: usize = 256;

/// How both sides are to prove who they are.
#[derive(Debug)]
pub enum Credentials {
    Psk(Psk),
    Certificates(Trust),
}

/// Whose certificates are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// What the system trusts; we have no certificate to show.
    System,
    /// What is in this directory.
    Directory(PathBuf),
}

/// A pre-shared key and the name that goes with it.
pub struct Psk {
    pub identity: CString,
    pub key: Vec<u8>,
}

impl fmt::Debug for Psk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the key.
        write!(f, "Psk({:?})", self.identity)
    }
}

impl Credentials {
    /// What the settings name, or what is found where it usually is.
    pub fn find(settings: &Settings) -> Result<Self> {
        if let Some(file) = &settings.psk_file {
            let username = match &settings.username {
                Some(name) => name.clone(),
                None => default_username()?,
            };
            return read_psk(as_path(file), &username).map(Self::Psk);
        }
        let explicit = settings.certificates.as_deref().map(as_path);
        let home = env::var_os("HOME").filter(|_| !sys::is_root());
        let system = Path::new(SYSTEM_DIRECTORY);
        let candidates = candidates(explicit, home.as_deref().map(Path::new), system);
        Ok(Self::Certificates(search(candidates)))
    }
}

/// The name for a pre-shared key when none is set: the user's login name.
pub fn default_username() -> Result<CString> {
    if let Some(name) = env::var_os("LOGNAME")
        && let Ok(name) = CString::new(name.as_bytes())
    {
        return Ok(name);
    }
    sys::login_name().map_err(|error| Error::system("TLS: the user has no login name", &error))
}

/// The directories to look at, in order.
fn candidates(explicit: Option<&Path>, home: Option<&Path>, system: &Path) -> Vec<PathBuf> {
    match (explicit, home) {
        (Some(directory), _) => vec![directory.to_owned()],
        (None, Some(home)) => USER_DIRECTORIES.map(|name| home.join(name)).to_vec(),
        (None, None) => vec![system.to_owned()],
    }
}

/// The first directory that says whom to trust.
fn search(candidates: Vec<PathBuf>) -> Trust {
    let complete = |directory: &PathBuf| File::open(directory.join(CA_CERTIFICATE)).is_ok();
    let found = candidates.into_iter().find(complete);
    found.map_or(Trust::System, Trust::Directory)
}

fn read_psk(file: &Path, username: &CStr) -> Result<Psk> {
    let mut text = Vec::new();
    File::open(file)
        .and_then(|mut opened| opened.read_to_end(&mut text))
        .map_err(|error| Error::system(format!("TLS: {}", file.display()), &error))?;
    let wrong = |what: String| Error::new(libc::EINVAL, format!("TLS: {}: {what}", file.display()));
    let user = username.to_bytes().escape_ascii();
    if username.count_bytes() > MAX_IDENTITY {
        return Err(wrong("the username is too long".to_owned()));
    }
    let key = find_key(&text, username.to_bytes())
        .ok_or_else(|| wrong(format!("there is no key for user \"{user}\"")))?;
    let key = unhex(key)
        .filter(|key| (1..=MAX_KEY).contains(&key.len()))
        .ok_or_else(|| {
            wrong(format!(
                "the key for user \"{user}\" is not a key in hexadecimal"
            ))
        })?;
    Ok(Psk {
        identity: username.to_owned(),
        key,
    })
}

/// The key of a user in the text of a PSK file.
fn find_key<'a>(text: &'a [u8], username: &[u8]) -> Option<&'a [u8]> {
    text.split(|&byte| byte == b'\n').find_map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        line.strip_prefix(username)?.strip_prefix(b":")
    })
}

fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |pair: &[u8]| match pair {
        [high, low] => u8::try_from((digit(*high)? << 4) | digit(*low)?).ok(),
        // A digit without its other half.
        _ => None,
    };
    digits.chunks(2).map(byte).collect()
}

fn as_path(name: &CStr) -> &Path {
    Path::new(OsStr::from_bytes(name.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A directory that goes with the test.
    struct Directory(PathBuf);

    impl Directory {
        fn new() -> Self {
            static NUMBER: AtomicU32 = AtomicU32::new(0);
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let name = format!("nbd-credentials-{}-{number}", std::process::id());
            let path = env::temp_dir().join(name);
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn write(&self, name: &str, text: &[u8]) -> PathBuf {
            let path = self.0.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            path
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn psk(text: &[u8], username: &CStr) -> Result<Vec<u8>> {
        let directory = Directory::new();
        read_psk(&directory.write("keys.psk", text), username).map(|psk| psk.key)
    }

    #[test]
    fn a_key_belongs_to_the_first_line_with_its_user() {
        let text = b"alice:00\nbob:12aBff\r\nbob:99\nbobby:77";
        assert_eq!(psk(text, c"bob").unwrap(), [0x12, 0xab, 0xff]);
        assert_eq!(psk(text, c"alice").unwrap(), [0]);
        assert_eq!(psk(text, c"bobby").unwrap(), [0x77]);
    }

    #[test]
    fn users_without_a_good_key_are_refused() {
        let text = b"odd:123\nempty:\nwords:xyz0\nspace: 12\nbare";
        for user in [
            c"odd", c"empty", c"words", c"space", c"bare", c"nobody", c"", c"odd:123",
        ] {
            let error = psk(text, user).unwrap_err();
            assert_eq!(error.errno(), libc::EINVAL, "{user:?}");
            assert!(error.text().contains("keys.psk"), "{error}");
        }
    }

    #[test]
    fn names_and_keys_have_limits() {
        let name = CString::new(vec![b'n'; 129]).unwrap();
        assert!(psk(&[name.to_bytes(), b":00"].concat(), &name).is_err());
        let text = [b"user:".as_slice(), &[b'a'; 514]].concat();
        assert!(psk(&text, c"user").is_err());
        let text = [b"user:".as_slice(), &[b'a'; 512]].concat();
        assert_eq!(psk(&text, c"user").unwrap().len(), 256);
    }

    #[test]
    fn the_errno_of_an_unreadable_file_is_kept() {
        let error = read_psk(Path::new("/nonexistent/keys.psk"), c"user").unwrap_err();
        assert_eq!(error.errno(), libc::ENOENT);
        assert_eq!(
            read_psk(Path::new("/"), c"user").unwrap_err().errno(),
            libc::EISDIR
        );
    }

    #[test]
    fn a_key_never_shows() {
        let psk = Psk {
            identity: c"user".to_owned(),
            key: vec![222; 4],
        };
        assert!(!format!("{psk:?}").contains("222"));
    }

    #[test]
    fn a_directory_that_was_set_is_the_only_one() {
        let (home, system) = (Path::new("/home/u"), Path::new("/etc/pki/libnbd"));
        assert_eq!(
            candidates(Some(Path::new("/x")), Some(home), system),
            [PathBuf::from("/x")]
        );
        assert_eq!(
            candidates(None, Some(home), system),
            [
                PathBuf::from("/home/u/.pki/libnbd"),
                PathBuf::from("/home/u/.config/pki/libnbd")
            ]
        );
        assert_eq!(
            candidates(None, None, system),
            [PathBuf::from("/etc/pki/libnbd")]
        );
    }

    #[test]
    fn a_directory_counts_if_it_says_whom_to_trust() {
        let home = Directory::new();
        let candidates = || candidates(None, Some(&home.0), Path::new("/none"));
        assert_eq!(search(candidates()), Trust::System);
        home.write(".pki/libnbd/client-cert.pem", b"");
        assert_eq!(search(candidates()), Trust::System);
        home.write(".config/pki/libnbd/ca-cert.pem", b"");
        let second = home.0.join(".config/pki/libnbd");
        assert_eq!(search(candidates()), Trust::Directory(second));
        home.write(".pki/libnbd/ca-cert.pem", b"");
        let first = home.0.join(".pki/libnbd");
        assert_eq!(search(candidates()), Trust::Directory(first));
    }
}
