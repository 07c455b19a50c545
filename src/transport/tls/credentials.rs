//! Credentials in files: what proves our identity, and whom we trust.
//!
//! Reading a file may take arbitrarily long: it may be a pipe, or on a remote
//! disk.  So all of them are read here, before they are used.

use std::ffi::{CStr, CString, OsStr};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::psk::Psk;
use super::secret::Secret;
use super::{Settings, ffi};
use crate::error::{Error, Result};
use crate::sys;

/// The directory of the system-wide certificates.
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

/// How both sides authenticate.
#[derive(Debug)]
pub enum Credentials {
    Psk(Psk),
    Certificates(Trust),
}

/// Whose certificates are trusted.
#[derive(Debug)]
pub enum Trust {
    /// Those that the system trusts; the client has no certificate.
    System(SystemTrust),
    /// Those in a directory.
    Directory(Directory),
}

/// Where the certificates are that the system trusts.
#[derive(Debug)]
pub struct SystemTrust {
    pub bundle: PathBuf,
    pub directories: Vec<PathBuf>,
}

/// A directory with the certificates of authorities.
#[derive(Debug)]
pub struct Directory {
    pub path: PathBuf,
    authorities: File,
}

/// What was in the files of a directory.
#[derive(Debug)]
pub struct Files {
    pub authorities: Vec<u8>,
    pub revocations: Option<Vec<u8>>,
    /// The client's certificate, and its key.
    pub own: Option<(Vec<u8>, Secret)>,
}

impl Credentials {
    /// What the settings name, or the default.
    pub fn find(settings: &Settings) -> Result<Self> {
        if let Some(file) = &settings.psk_file {
            let username = match &settings.username {
                Some(name) => name.clone(),
                None => default_username()?,
            };
            return Psk::read(as_path(file), username).map(Self::Psk);
        }
        let explicit = settings.certificates.as_deref().map(as_path);
        let home = sys::trusted_variable(c"HOME").filter(|_| !sys::is_root());
        let system = Path::new(SYSTEM_DIRECTORY);
        let candidates = candidates(explicit, home.as_deref().map(Path::new), system);
        Ok(Self::Certificates(search(candidates)))
    }
}

impl SystemTrust {
    /// Where OpenSSL looks for them.
    fn new() -> Self {
        let [bundle, directories] = ffi::system_trust().map(|(variable, path)| {
            sys::trusted_variable(&variable).unwrap_or_else(|| path.into_os_string())
        });
        let directories = directories.as_bytes().split(|&byte| byte == b':');
        let named = directories.filter(|name| !name.is_empty());
        Self {
            bundle: bundle.into(),
            directories: named.map(|name| OsStr::from_bytes(name).into()).collect(),
        }
    }

    /// The contents of the files that can be read; others are ignored.
    pub fn read(&self) -> Vec<Vec<u8>> {
        let directories = self.directories.iter();
        let entries = directories.filter_map(|directory| fs::read_dir(directory).ok());
        let mut paths: Vec<_> = entries
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.file_name().is_some_and(is_hashed))
            .collect();
        paths.sort_unstable();
        let bundle = std::iter::once(&self.bundle);
        let texts = bundle.chain(&paths).map(fs::read);
        texts.filter_map(io::Result::ok).collect()
    }
}

/// Whether a file in a directory is one of those in which OpenSSL looks for
/// certificates: its name is a hash of the subject, in eight digits, and a
/// number.
fn is_hashed(name: &OsStr) -> bool {
    let name = name.as_bytes();
    let (hash, number) = name.split_at_checked(9).unwrap_or_default();
    hash.strip_suffix(b".")
        .is_some_and(|hash| hash.iter().all(u8::is_ascii_hexdigit))
        && number.iter().all(u8::is_ascii_digit)
        && !number.is_empty()
}

impl Directory {
    /// The directory, if it has certificates of authorities.
    fn open(path: PathBuf) -> Option<Self> {
        let authorities = File::open(path.join(CA_CERTIFICATE)).ok()?;
        Some(Self { path, authorities })
    }

    /// Reads the files.
    pub fn read(&self) -> Result<Files> {
        let authorities = read_all(&self.authorities)
            .map_err(|error| unreadable(&self.path.join(CA_CERTIFICATE), &error))?;
        // If one is missing, the other is useless.
        let own = match self.optional(CLIENT_CERTIFICATE, read_all)? {
            Some(certificate) => self
                .optional(CLIENT_KEY, |mut file| Secret::read(&mut file))?
                .map(|key| (certificate, key)),
            None => None,
        };
        Ok(Files {
            authorities,
            revocations: self.optional(CA_REVOCATIONS, read_all)?,
            own,
        })
    }

    /// A file that need not exist, or be readable.
    fn optional<T>(
        &self,
        name: &str,
        read: impl FnOnce(&File) -> io::Result<T>,
    ) -> Result<Option<T>> {
        let path = self.path.join(name);
        match File::open(&path).and_then(|file| read(&file)) {
            Ok(content) => Ok(Some(content)),
            Err(error) => match error.kind() {
                ErrorKind::NotFound | ErrorKind::PermissionDenied => Ok(None),
                _ => Err(unreadable(&path, &error)),
            },
        }
    }
}

fn read_all(mut file: &File) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.read_to_end(&mut content).map(|_| content)
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::system(format!("TLS: {}", path.display()), error)
}

/// The name for a pre-shared key when none is set: the user's login name.
pub fn default_username() -> Result<CString> {
    if let Some(name) = sys::trusted_variable(c"LOGNAME")
        && let Ok(name) = CString::new(name.as_bytes())
    {
        return Ok(name);
    }
    sys::login_name().map_err(|error| Error::system("TLS: the user has no login name", &error))
}

/// The directories to search, in order.
fn candidates(explicit: Option<&Path>, home: Option<&Path>, system: &Path) -> Vec<PathBuf> {
    match (explicit, home) {
        (Some(directory), _) => vec![directory.to_owned()],
        (None, Some(home)) => USER_DIRECTORIES.map(|name| home.join(name)).to_vec(),
        (None, None) => vec![system.to_owned()],
    }
}

/// The first directory with certificates of authorities.
fn search(candidates: Vec<PathBuf>) -> Trust {
    let found = candidates.into_iter().find_map(Directory::open);
    found.map_or_else(|| Trust::System(SystemTrust::new()), Trust::Directory)
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
    struct Temporary(PathBuf);

    impl Temporary {
        fn new() -> Self {
            static NUMBER: AtomicU32 = AtomicU32::new(0);
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let name = format!("nbd-credentials-{}-{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
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

    impl Drop for Temporary {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
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

    /// The directory, unless the certificates of the system are used.
    fn found(candidates: Vec<PathBuf>) -> Option<PathBuf> {
        match search(candidates) {
            Trust::System(_) => None,
            Trust::Directory(directory) => Some(directory.path),
        }
    }

    #[test]
    fn a_directory_counts_if_it_says_whom_to_trust() {
        let home = Temporary::new();
        let candidates = || candidates(None, Some(&home.0), Path::new("/none"));
        assert_eq!(found(candidates()), None);
        home.write(".pki/libnbd/client-cert.pem", b"");
        assert_eq!(found(candidates()), None);
        home.write(".config/pki/libnbd/ca-cert.pem", b"");
        let second = home.0.join(".config/pki/libnbd");
        assert_eq!(found(candidates()), Some(second));
        home.write(".pki/libnbd/ca-cert.pem", b"");
        let first = home.0.join(".pki/libnbd");
        assert_eq!(found(candidates()), Some(first));
    }

    #[test]
    fn the_system_has_a_bundle_and_directories_with_hashed_names() {
        let first = Temporary::new();
        let second = Temporary::new();
        first.write("01234567.0", b"zero");
        first.write("89abcdef.12", b"twelve");
        for name in [
            "01234567.r0",
            "01234567.",
            "0123456.0",
            "0123456g.0",
            "name.pem",
            "README",
        ] {
            first.write(name, b"none");
        }
        second.write("89abcdef.0", b"second");
        let trust = SystemTrust {
            bundle: second.write("bundle", b"all"),
            directories: vec![first.0.clone(), second.0.clone(), "/nonexistent".into()],
        };
        let mut texts = trust.read();
        texts.sort_unstable();
        assert_eq!(texts, [&b"all"[..], b"second", b"twelve", b"zero"]);
        let nothing = SystemTrust {
            bundle: "/nonexistent".into(),
            directories: vec![],
        };
        assert!(nothing.read().is_empty());
    }
}
