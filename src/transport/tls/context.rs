//! Credentials and settings in the form that OpenSSL wants.
//!
//! Reading the certificates that a system trusts takes far longer than a
//! handshake, so handles with the same credentials and settings share one
//! context.  Files that have changed make a new one.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use openssl::error::ErrorStack;
use openssl::ex_data::Index;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{
    Ssl, SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslRef,
    SslSessionCacheMode, SslVerifyMode, SslVersion,
};
use openssl::x509::verify::X509CheckFlags;
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{X509, X509Crl, X509VerifyResult};

use super::credentials::{
    CA_CERTIFICATE, CA_REVOCATIONS, CLIENT_CERTIFICATE, CLIENT_KEY, Psk, Trust,
};
use super::priority::{Authentication, Priority};
use super::{ffi, unusable};
use crate::error::{Error, Result};

/// Contexts that are kept.  A program has few sets of credentials.
const KEPT: usize = 16;

static CONTEXTS: Mutex<Vec<(Key, SslContext)>> = Mutex::new(Vec::new());

static PSK: LazyLock<std::result::Result<Index<Ssl, Psk>, ErrorStack>> =
    LazyLock::new(Ssl::new_ex_index);

/// What makes two contexts the same.
#[derive(Debug, PartialEq, Eq)]
struct Key {
    /// `None` for pre-shared keys, which belong to sessions.
    trust: Option<Trust>,
    priority: String,
    /// The files that were read, as they were then.
    files: Vec<(PathBuf, Option<Stamp>)>,
}

/// What changes when a file does.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// A context for pre-shared keys.
pub fn for_psk(priority: &str) -> Result<SslContext> {
    let key = Key {
        trust: None,
        priority: priority.to_owned(),
        files: Vec::new(),
    };
    shared(key, |_| {
        let mut builder = builder(priority, Authentication::Psk)?.0;
        builder.set_psk_client_callback(answer_with_psk);
        // A server that does not know the key must not get away with a
        // certificate, whoever has signed it.
        builder.set_verify_callback(SslVerifyMode::PEER, |_, store| {
            store.set_error(X509VerifyResult::APPLICATION_VERIFICATION);
            false
        });
        Ok(builder)
    })
}

/// A context for certificates.
pub fn for_certificates(trust: &Trust, priority: &str) -> Result<SslContext> {
    let files = match trust {
        Trust::System => ffi::system_trust()
            .map(|(variable, path)| {
                let variable = OsStr::from_bytes(variable.to_bytes());
                env::var_os(variable).map_or(path, PathBuf::from)
            })
            .to_vec(),
        Trust::Directory(directory) => [
            CA_CERTIFICATE,
            CA_REVOCATIONS,
            CLIENT_CERTIFICATE,
            CLIENT_KEY,
        ]
        .map(|name| directory.join(name))
        .to_vec(),
    };
    let key = Key {
        trust: Some(trust.clone()),
        priority: priority.to_owned(),
        files: files.into_iter().map(stamped).collect(),
    };
    shared(key, |key| {
        let (mut builder, priority) = builder(priority, Authentication::Certificates)?;
        builder.set_verify(SslVerifyMode::PEER);
        let mut checks = X509CheckFlags::NO_PARTIAL_WILDCARDS;
        if !priority.wildcards {
            checks |= X509CheckFlags::NO_WILDCARDS;
        }
        builder.verify_param_mut().set_hostflags(checks);
        match &key.trust {
            Some(Trust::Directory(directory)) => {
                use_directory(&mut builder, directory, priority.check_revocation)?;
            }
            _ => builder
                .set_default_verify_paths()
                .map_err(|error| unusable("the certificates that the system trusts", &error))?,
        }
        Ok(builder)
    })
}

/// Where a session keeps its pre-shared key.
pub fn psk_index() -> std::result::Result<Index<Ssl, Psk>, ErrorStack> {
    PSK.clone()
}

/// The context with this key, made if there is none.
fn shared(key: Key, make: impl FnOnce(&Key) -> Result<SslContextBuilder>) -> Result<SslContext> {
    let mut contexts = CONTEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    let found = contexts.iter().position(|(known, _)| *known == key);
    let entry = match found {
        Some(place) => contexts.remove(place),
        None => {
            let context = make(&key)?.build();
            (key, context)
        }
    };
    let context = entry.1.clone();
    // The one that has not been used for longest goes.
    let superfluous = contexts.len().saturating_sub(KEPT.saturating_sub(1));
    contexts.drain(..superfluous);
    contexts.push(entry);
    Ok(context)
}

fn stamped(path: PathBuf) -> (PathBuf, Option<Stamp>) {
    let stamp = fs::metadata(&path).ok().map(|file| Stamp {
        device: file.dev(),
        inode: file.ino(),
        size: file.size(),
        modified: (file.mtime(), file.mtime_nsec()),
        changed: (file.ctime(), file.ctime_nsec()),
    });
    (path, stamp)
}

/// A context that has all but credentials.
fn builder(text: &str, authentication: Authentication) -> Result<(SslContextBuilder, Priority)> {
    let priority = Priority::parse(text, authentication, has_fast_aes())?;
    let builder = configured(&priority).map_err(|error| unusable("settings", &error))?;
    Ok((builder, priority))
}

fn configured(priority: &Priority) -> std::result::Result<SslContextBuilder, ErrorStack> {
    let mut builder = SslContextBuilder::new(SslMethod::tls_client())?;
    let version = |tls12| match tls12 {
        true => SslVersion::TLS1_2,
        false => SslVersion::TLS1_3,
    };
    builder.set_min_proto_version(Some(version(priority.tls12)))?;
    builder.set_max_proto_version(Some(version(!priority.tls13)))?;
    if priority.tls13 {
        builder.set_ciphersuites(&priority.suites13)?;
    }
    if priority.tls12 {
        builder.set_cipher_list(&priority.suites12)?;
    }
    if let Some(groups) = &priority.groups {
        builder.set_groups_list(groups)?;
    }
    if let Some(signatures) = &priority.signatures {
        builder.set_sigalgs_list(signatures)?;
    }
    // Level 0 would accept anything.
    let usual = ffi::security_level(&builder).max(1);
    builder.set_security_level(priority.level.unwrap_or(usual));

    // No session is ever resumed: a resumed one would not show whether the
    // server still has a valid certificate.
    builder.set_session_cache_mode(SslSessionCacheMode::OFF);
    // OpenSSL's configuration file may say otherwise, on behalf of programs
    // that need what would be a hole here: streams that just end, and servers
    // that cannot protect a renegotiation.
    builder.clear_options(
        SslOptions::ALL
            | SslOptions::ENABLE_MIDDLEBOX_COMPAT
            | SslOptions::IGNORE_UNEXPECTED_EOF
            | SslOptions::ALLOW_UNSAFE_LEGACY_RENEGOTIATION
            | SslOptions::from_bits_retain(openssl_sys::SSL_OP_LEGACY_SERVER_CONNECT),
    );
    let mut options =
        SslOptions::NO_TICKET | SslOptions::NO_COMPRESSION | SslOptions::NO_RENEGOTIATION;
    if priority.compatible {
        options |= SslOptions::ALL;
    }
    if priority.disguise {
        options |= SslOptions::ENABLE_MIDDLEBOX_COMPAT;
    }
    builder.set_options(options);
    // The data of a write that has to be repeated may have moved.
    builder.set_mode(SslMode::ACCEPT_MOVING_WRITE_BUFFER | SslMode::AUTO_RETRY);
    Ok(builder)
}

fn use_directory(
    builder: &mut SslContextBuilder,
    directory: &Path,
    check_revocation: bool,
) -> Result<()> {
    let path = directory.join(CA_CERTIFICATE);
    let authorities = certificates(&path)?;
    for authority in authorities {
        let added = builder.cert_store_mut().add_cert(authority);
        added.map_err(|error| unusable(path.display(), &error))?;
    }
    // What the user trusts is trusted, whether or not it has signed itself.
    let mut flags = X509VerifyFlags::PARTIAL_CHAIN;

    let path = directory.join(CA_REVOCATIONS);
    if let Some(text) = optional(&path)? {
        for list in revocations(&text).map_err(|error| unusable(path.display(), &error))? {
            ffi::add_crl(builder.cert_store_mut(), &list)
                .map_err(|error| unusable(path.display(), &error))?;
        }
        if check_revocation {
            flags |= X509VerifyFlags::CRL_CHECK | X509VerifyFlags::CRL_CHECK_ALL;
            builder.set_verify_callback(SslVerifyMode::PEER, |accepted, store| {
                // Lists that are there must be kept to, but not every
                // authority has to have one.
                let missing = store.error().as_raw() == openssl_sys::X509_V_ERR_UNABLE_TO_GET_CRL;
                if !accepted && missing {
                    store.set_error(X509VerifyResult::OK);
                }
                accepted || missing
            });
        }
    }
    builder
        .verify_param_mut()
        .set_flags(flags)
        .map_err(|error| unusable("settings", &error))?;
    use_own_certificate(builder, directory)
}

/// The certificate by which the server knows us, if there is one.
fn use_own_certificate(builder: &mut SslContextBuilder, directory: &Path) -> Result<()> {
    let path = directory.join(CLIENT_CERTIFICATE);
    let key_path = directory.join(CLIENT_KEY);
    let (true, Some(key)) = (optional(&path)?.is_some(), optional(&key_path)?) else {
        return Ok(());
    };
    let key = private_key(&key, &key_path)?;
    let mut use_it = || {
        let mut own = certificates(&path)?.into_iter();
        if let Some(certificate) = own.next() {
            builder
                .set_certificate(&certificate)
                .map_err(|error| unusable(path.display(), &error))?;
        }
        for issuer in own {
            builder
                .add_extra_chain_cert(issuer)
                .map_err(|error| unusable(path.display(), &error))?;
        }
        Ok(())
    };
    use_it()?;
    builder
        .set_private_key(&key)
        .and_then(|()| builder.check_private_key())
        .map_err(|error| unusable(key_path.display(), &error))
}

/// At least one certificate.
fn certificates(path: &Path) -> Result<Vec<X509>> {
    let text = fs::read(path)
        .map_err(|error| Error::system(format!("TLS: {}", path.display()), &error))?;
    let found = X509::stack_from_pem(&text).map_err(|error| unusable(path.display(), &error))?;
    if found.is_empty() {
        let path = path.display();
        return Err(Error::without_errno(format!(
            "TLS: {path}: there is no certificate in it"
        )));
    }
    Ok(found)
}

/// All lists in a text; at least one.
fn revocations(text: &[u8]) -> std::result::Result<Vec<X509Crl>, ErrorStack> {
    const END: &[u8] = b"-----END X509 CRL-----";
    let mut lists = Vec::new();
    let mut rest = text;
    while let Some(end) = rest.windows(END.len()).position(|window| window == END) {
        let (list, behind) = rest.split_at(end.saturating_add(END.len()));
        lists.push(X509Crl::from_pem(list)?);
        rest = behind;
    }
    if lists.is_empty() {
        lists.push(X509Crl::from_pem(text)?);
    }
    Ok(lists)
}

fn private_key(text: &[u8], path: &Path) -> Result<PKey<Private>> {
    let mut asked = false;
    // Without a callback OpenSSL would ask for the password on the terminal.
    let key = PKey::private_key_from_pem_callback(text, |_| {
        asked = true;
        Ok(0)
    });
    key.map_err(|error| {
        if asked {
            let path = path.display();
            return Error::without_errno(format!(
                "TLS: {path}: the key is encrypted; only keys without a password can be used"
            ));
        }
        unusable(path.display(), &error)
    })
}

/// A file that need not exist, or be readable.
fn optional(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => Ok(None),
            _ => Err(Error::system(format!("TLS: {}", path.display()), &error)),
        },
    }
}

/// Tells OpenSSL the pre-shared key of a session.
fn answer_with_psk(
    ssl: &mut SslRef,
    _hint: Option<&[u8]>,
    identity: &mut [u8],
    key: &mut [u8],
) -> std::result::Result<usize, ErrorStack> {
    let Some(psk) = psk_index().ok().and_then(|index| ssl.ex_data(index)) else {
        return Ok(0);
    };
    let name = psk.identity.to_bytes_with_nul();
    let (Some(name_room), Some(key_room)) =
        (identity.get_mut(..name.len()), key.get_mut(..psk.key.len()))
    else {
        return Ok(0);
    };
    name_room.copy_from_slice(name);
    key_room.copy_from_slice(&psk.key);
    Ok(psk.key.len())
}

/// Whether AES is faster than what can do without it.
fn has_fast_aes() -> bool {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    return std::arch::is_x86_feature_detected!("aes")
        && std::arch::is_x86_feature_detected!("pclmulqdq");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
    false
}
