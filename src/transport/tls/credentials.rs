//! Credentials in files: what proves our identity, and whom we trust.
//!
//! Reading a file may take arbitrarily long: it may be a pipe, or on a remote
//! disk.  So all of them are read here, before they are used.

use std::collections::BinaryHeap;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::psk::Psk;
use super::secret::Secret;
use super::{Given, Settings, ffi};
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
    Psk(Arc<Psk>),
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

/// A directory with the certificates of authorities; they may be missing if the
/// program passes others in memory.
#[derive(Debug)]
pub struct Directory {
    pub path: PathBuf,
    authorities: Option<File>,
}

/// A PEM text, and its name in messages.
#[derive(Debug)]
pub struct Text {
    pub name: String,
    content: Arc<Secret>,
}

/// The contents of files, and what takes their place.
#[derive(Debug)]
pub struct Material {
    pub authorities: Authorities,
    pub revocations: Option<Text>,
    /// The client's certificate, and its key.
    pub own: Option<(Text, Text)>,
}

/// Whose certificates are trusted.
#[derive(Debug)]
pub enum Authorities {
    /// Those that the system trusts.
    System(Vec<Vec<u8>>),
    /// Those that the user has chosen.
    Chosen(Text),
}

impl Credentials {
    /// What the settings name, or the default.
    pub fn find(settings: &Settings) -> Result<Self> {
        let given = &settings.given;
        if let Some(psk) = &given.psk {
            return Ok(Self::Psk(Arc::clone(psk)));
        }
        if let Some(file) = &settings.psk_file {
            let username = match &settings.username {
                Some(name) => name.clone(),
                None => default_username()?,
            };
            return Psk::read(as_path(file), username).map(|psk| Self::Psk(Arc::new(psk)));
        }
        let explicit = settings.certificates.as_deref().map(as_path);
        let home = sys::trusted_variable(c"HOME").filter(|_| !sys::is_root());
        let system = Path::new(SYSTEM_DIRECTORY);
        let candidates = candidates(explicit, home.as_deref().map(Path::new), system);
        let trust = match (search(candidates), explicit) {
            // Authorities in memory take the place of those in the directory.
            (Trust::System(_), Some(path)) if given.authorities.is_some() => {
                Trust::Directory(Directory {
                    path: path.to_owned(),
                    authorities: None,
                })
            }
            (trust, _) => trust,
        };
        Ok(Self::Certificates(trust))
    }
}

impl Text {
    fn of_file(path: &Path, content: Secret) -> Self {
        Self {
            name: path.display().to_string(),
            content: Arc::new(content),
        }
    }

    /// What the program has passed in memory.
    fn given(name: &str, content: &Option<Arc<Secret>>) -> Option<Self> {
        Some(Self {
            name: name.to_owned(),
            content: Arc::clone(content.as_ref()?),
        })
    }

    pub fn as_bytes(&self) -> &[u8] {
        self.content.as_bytes()
    }
}

impl Material {
    /// What the program has passed in memory, and otherwise what is in files.
    pub fn gather(trust: &Trust, given: &Given) -> Result<Self> {
        let directory = match trust {
            Trust::Directory(directory) => Some(directory),
            Trust::System(_) => None,
        };
        let file = |name| directory.map_or(Ok(None), |it| it.optional(name));
        let or_file = |text: Option<Text>, name| text.map_or_else(|| file(name), |it| Ok(Some(it)));

        let authorities = match Text::given("NBDX_PEM_CA", &given.authorities) {
            Some(text) => Some(text),
            None => directory.map_or(Ok(None), Directory::authorities)?,
        };
        let certificate = Text::given("NBDX_PEM_CERTIFICATE", &given.certificate);
        let key = Text::given("NBDX_PEM_KEY", &given.key);
        let own = own(
            or_file(certificate, CLIENT_CERTIFICATE)?,
            || or_file(key, CLIENT_KEY),
            given,
        )?;
        let system = || match trust {
            Trust::System(system) => system.read(),
            Trust::Directory(_) => Vec::new(),
        };
        Ok(Self {
            authorities: authorities
                .map_or_else(|| Authorities::System(system()), Authorities::Chosen),
            revocations: or_file(
                Text::given("NBDX_PEM_CRL", &given.revocations),
                CA_REVOCATIONS,
            )?,
            own,
        })
    }
}

/// The certificate and its key.  If one of two files is missing, the other is
/// useless and ignored, but whatever was passed in memory must be usable.
fn own(
    certificate: Option<Text>,
    key: impl FnOnce() -> Result<Option<Text>>,
    given: &Given,
) -> Result<Option<(Text, Text)>> {
    let alone = |what: &str, other: &str| {
        let wrong = format!("TLS: {what} is set, but there is no {other} for it");
        Err(Error::new(libc::EINVAL, wrong))
    };
    match certificate {
        None if given.key.is_some() => alone("NBDX_PEM_KEY", "client certificate"),
        None => Ok(None),
        Some(certificate) => match key()? {
            None if given.certificate.is_some() => alone("NBDX_PEM_CERTIFICATE", "private key"),
            key => Ok(key.map(|key| (certificate, key))),
        },
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
        // A heap, because it sorts with little code.
        let paths: BinaryHeap<_> = entries
            .flatten()
            .filter_map(io::Result::ok)
            .filter(|entry| is_hashed(&entry.file_name()))
            .map(|entry| entry.path().into_os_string())
            .collect();
        let paths = paths.into_sorted_vec();
        let bundle = std::iter::once(self.bundle.as_os_str());
        let texts = bundle.chain(paths.iter().map(OsString::as_os_str));
        let texts = texts.map(fs::read);
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
        let authorities = Some(authorities);
        Some(Self { path, authorities })
    }

    /// Reads the authorities.
    fn authorities(&self) -> Result<Option<Text>> {
        let Some(mut file) = self.authorities.as_ref() else {
            return Ok(None);
        };
        let path = self.path.join(CA_CERTIFICATE);
        let content = Secret::read(&mut file).map_err(|error| unreadable(&path, &error))?;
        Ok(Some(Text::of_file(&path, content)))
    }

    /// A file that need not exist, or be readable.
    fn optional(&self, name: &str) -> Result<Option<Text>> {
        let path = self.path.join(name);
        match File::open(&path).and_then(|mut file| Secret::read(&mut file)) {
            Ok(content) => Ok(Some(Text::of_file(&path, content))),
            Err(error) => match error.kind() {
                ErrorKind::NotFound | ErrorKind::PermissionDenied => Ok(None),
                _ => Err(unreadable(&path, &error)),
            },
        }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::system(format!("TLS: {}", path.display()), error)
}

/// The name for a pre-shared key when none is set: the user's login name.
pub fn default_username() -> Result<CString> {
    let variable = sys::trusted_variable(c"LOGNAME");
    if let Some(Ok(name)) = variable.map(|name| CString::new(name.as_bytes())) {
        return Ok(name);
    }
    let missing = "TLS: the user has no login name; nbd_set_tls_username or LOGNAME sets another";
    sys::login_name().map_err(|error| Error::system(missing, &error))
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
