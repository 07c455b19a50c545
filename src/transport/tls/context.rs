//! Credentials and settings in the form that OpenSSL needs.
//!
//! Reading the certificates that a system trusts takes far longer than a
//! handshake, so handles with the same credentials and settings share one
//! context.  If files have changed, a new context is made.  A context with
//! credentials that a program has given in memory belongs to its handle alone.

use std::collections::HashSet;
use std::fs;
use std::iter;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

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
    Authorities, CA_CERTIFICATE, CA_REVOCATIONS, CLIENT_CERTIFICATE, CLIENT_KEY, Material, Text,
    Trust,
};
use super::guard::{Guarded, enter};
use super::priority::{Authentication, Priority};
use super::psk::Psk;
use super::secret::Secret;
use super::{Given, ffi, unusable};
use crate::error::{Error, Result};
use crate::sys;

/// The number of contexts that are kept.  A program has few sets of
/// credentials.
const KEPT: usize = 16;

/// Locked only by threads that have entered OpenSSL.
static CONTEXTS: Mutex<Vec<(Key, SslContext)>> = Mutex::new(Vec::new());

/// Accessed only by threads that have entered OpenSSL, so that no fork finds it
/// half initialised.
static PSK: LazyLock<std::result::Result<Index<Ssl, Arc<Psk>>, ErrorStack>> =
    LazyLock::new(Ssl::new_ex_index);

/// What makes two contexts the same.
#[derive(Debug, PartialEq, Eq)]
struct Key {
    kind: Kind,
    priority: String,
    /// The files that were read, as they were at that time.
    files: Vec<(PathBuf, Option<Stamp>)>,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// The keys themselves belong to sessions.
    Psk,
    System,
    Directory,
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

impl Key {
    fn new(kind: Kind, priority: &str, files: impl IntoIterator<Item = PathBuf>) -> Self {
        Self {
            kind,
            priority: priority.to_owned(),
            files: files.into_iter().map(stamped).collect(),
        }
    }
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

/// A context for pre-shared keys.
pub fn for_psk(text: &str) -> Result<Guarded<SslContext>> {
    shared(Key::new(Kind::Psk, text, []), || {
        let priority = parse(text, Authentication::Psk)?;
        let _busy = enter();
        let mut builder = builder(&priority)?;
        builder.set_psk_client_callback(answer_with_psk);
        // A server that does not know the key must not be accepted with a
        // certificate, whoever has signed it.
        builder.set_verify_callback(SslVerifyMode::PEER, |_, store| {
            store.set_error(X509VerifyResult::APPLICATION_VERIFICATION);
            false
        });
        Ok(Guarded::new(builder.build()))
    })
}

/// A context for certificates.
pub fn for_certificates(trust: &Trust, given: &Given, text: &str) -> Result<Guarded<SslContext>> {
    let make = || {
        let priority = parse(text, Authentication::Certificates)?;
        let material = Material::gather(trust, given)?;
        let password = given.password.as_deref();
        let _busy = enter();
        let mut builder = verifying(&priority)?;
        use_material(&mut builder, &material, password, priority.check_revocation)?;
        Ok(Guarded::new(builder.build()))
    };
    if given.concerns_certificates() {
        return make();
    }
    match trust {
        Trust::System(system) => {
            let places = iter::once(&system.bundle).chain(&system.directories);
            shared(Key::new(Kind::System, text, places.cloned()), make)
        }
        Trust::Directory(directory) => {
            let names = [
                CA_CERTIFICATE,
                CA_REVOCATIONS,
                CLIENT_CERTIFICATE,
                CLIENT_KEY,
            ];
            let paths = names.map(|name| directory.path.join(name));
            shared(Key::new(Kind::Directory, text, paths), make)
        }
    }
}

/// Where a session keeps its pre-shared key.
pub fn psk_index() -> std::result::Result<Index<Ssl, Arc<Psk>>, ErrorStack> {
    PSK.clone()
}

/// The context with this key, created if there is none.
///
/// Creating one takes as long as reading files, so it does not block other
/// threads.  If two are created at the same time, one is dropped.
fn shared(
    key: Key,
    make: impl FnOnce() -> Result<Guarded<SslContext>>,
) -> Result<Guarded<SslContext>> {
    if let Some(context) = known(&key) {
        return Ok(context);
    }
    let context = make()?;
    let _busy = enter();
    let mut contexts = contexts();
    Ok(used(&mut contexts, &key).unwrap_or_else(|| {
        // The least recently used one is dropped.
        let superfluous = contexts.len().saturating_sub(KEPT.saturating_sub(1));
        contexts.drain(..superfluous);
        contexts.push((key, SslContext::clone(&context)));
        context
    }))
}

fn known(key: &Key) -> Option<Guarded<SslContext>> {
    let _busy = enter();
    used(&mut contexts(), key)
}

/// The context with this key, which becomes the most recently used one.
fn used(contexts: &mut Vec<(Key, SslContext)>, key: &Key) -> Option<Guarded<SslContext>> {
    let place = contexts.iter().position(|(known, _)| known == key)?;
    let entry = contexts.remove(place);
    let context = entry.1.clone();
    contexts.push(entry);
    Some(Guarded::new(context))
}

fn contexts() -> MutexGuard<'static, Vec<(Key, SslContext)>> {
    CONTEXTS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn parse(text: &str, authentication: Authentication) -> Result<Priority> {
    Priority::parse(text, authentication, sys::has_fast_aes())
}

/// A context that verifies certificates, but does not trust any yet.
fn verifying(priority: &Priority) -> Result<SslContextBuilder> {
    let mut builder = builder(priority)?;
    builder.set_verify(SslVerifyMode::PEER);
    let mut checks = X509CheckFlags::NO_PARTIAL_WILDCARDS;
    if !priority.wildcards {
        checks |= X509CheckFlags::NO_WILDCARDS;
    }
    builder.verify_param_mut().set_hostflags(checks);
    Ok(builder)
}

/// A context with everything but credentials.
fn builder(priority: &Priority) -> Result<SslContextBuilder> {
    configured(priority).map_err(|error| unusable("settings", &error))
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
    // OpenSSL's configuration file may permit, for other programs, what would
    // be a vulnerability here: streams that end without close_notify, and
    // servers that cannot protect a renegotiation.
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

/// Puts the authorities and the client's certificate into the context.
fn use_material(
    builder: &mut SslContextBuilder,
    material: &Material,
    password: Option<&Secret>,
    check_revocation: bool,
) -> Result<()> {
    match &material.authorities {
        Authorities::System(texts) => {
            for authority in distinct_certificates(texts) {
                let added = builder.cert_store_mut().add_cert(authority);
                added
                    .map_err(|error| unusable("the certificates that the system trusts", &error))?;
            }
        }
        Authorities::Chosen(text) => {
            for authority in certificates(text)? {
                let added = builder.cert_store_mut().add_cert(authority);
                added.map_err(|error| unusable(&text.name, &error))?;
            }
            // What the user trusts is trusted, whether or not it is self-signed.
            set_flags(builder, X509VerifyFlags::PARTIAL_CHAIN)?;
        }
    }
    if let Some(text) = &material.revocations {
        for list in revocations(text.as_bytes()).map_err(|error| unusable(&text.name, &error))? {
            ffi::add_crl(builder.cert_store_mut(), &list)
                .map_err(|error| unusable(&text.name, &error))?;
        }
        if check_revocation {
            set_flags(
                builder,
                X509VerifyFlags::CRL_CHECK | X509VerifyFlags::CRL_CHECK_ALL,
            )?;
            builder.set_verify_callback(SslVerifyMode::PEER, |accepted, store| {
                // Lists that exist must be observed, but not every authority
                // has to have one.
                let missing = store.error().as_raw() == openssl_sys::X509_V_ERR_UNABLE_TO_GET_CRL;
                if !accepted && missing {
                    store.set_error(X509VerifyResult::OK);
                }
                accepted || missing
            });
        }
    }
    match &material.own {
        Some((certificate, key)) => use_own_certificate(builder, certificate, key, password),
        None => Ok(()),
    }
}

/// Adds to the flags of verification.
fn set_flags(builder: &mut SslContextBuilder, flags: X509VerifyFlags) -> Result<()> {
    let set = builder.verify_param_mut().set_flags(flags);
    set.map_err(|error| unusable("settings", &error))
}

/// The certificate that identifies the client to the server.
fn use_own_certificate(
    builder: &mut SslContextBuilder,
    certificate: &Text,
    key: &Text,
    password: Option<&Secret>,
) -> Result<()> {
    let key_itself = private_key(key, password)?;
    let mut own = certificates(certificate)?.into_iter();
    let mut use_it = || {
        if let Some(certificate) = own.next() {
            builder.set_certificate(&certificate)?;
        }
        own.try_for_each(|issuer| builder.add_extra_chain_cert(issuer))
    };
    use_it().map_err(|error| unusable(&certificate.name, &error))?;
    builder
        .set_private_key(&key_itself)
        .and_then(|()| builder.check_private_key())
        .map_err(|error| unusable(&key.name, &error))
}

/// At least one certificate.
fn certificates(text: &Text) -> Result<Vec<X509>> {
    let name = &text.name;
    let found = X509::stack_from_pem(text.as_bytes()).map_err(|error| unusable(name, &error))?;
    if found.is_empty() {
        return Err(Error::without_errno(format!(
            "TLS: {name}: there is no certificate in the file"
        )));
    }
    Ok(found)
}

/// The certificates in texts, each once, because parsing one takes long and
/// systems keep them in more than one place.  Anything else is skipped.
fn distinct_certificates(texts: &[Vec<u8>]) -> impl Iterator<Item = X509> {
    let mut seen = HashSet::new();
    texts
        .iter()
        .flat_map(|text| sections(text, b"-----BEGIN "))
        .filter(move |section| {
            let end = position(section, b"-----END ").unwrap_or(section.len());
            seen.insert(section.get(..end))
        })
        .filter_map(|section| ffi::trusted_certificate(section).ok())
}

/// All revocation lists in a text; at least one.
fn revocations(text: &[u8]) -> std::result::Result<Vec<X509Crl>, ErrorStack> {
    let mut lists = Vec::new();
    for section in sections(text, b"-----BEGIN X509 CRL-----") {
        lists.push(X509Crl::from_pem(section)?);
    }
    if lists.is_empty() {
        lists.push(X509Crl::from_pem(text)?);
    }
    Ok(lists)
}

/// The parts of a text that begin with these bytes, each up to the next one.
fn sections<'a>(text: &'a [u8], begin: &'static [u8]) -> impl Iterator<Item = &'a [u8]> {
    let first = position(text, begin).unwrap_or(text.len());
    let mut rest = text.get(first..).unwrap_or_default();
    iter::from_fn(move || {
        let behind = rest.get(begin.len()..)?;
        let end = position(behind, begin).map_or(rest.len(), |end| end.saturating_add(begin.len()));
        let (section, further) = rest.split_at_checked(end)?;
        rest = further;
        Some(section)
    })
}

fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

fn private_key(text: &Text, password: Option<&Secret>) -> Result<PKey<Private>> {
    let mut asked = false;
    // Without a callback OpenSSL would ask for a password on the terminal.
    let key = PKey::private_key_from_pem_callback(text.as_bytes(), |room| {
        asked = true;
        let password = password.map_or(&[][..], Secret::as_bytes);
        let Some(room) = room.get_mut(..password.len()) else {
            return Ok(0);
        };
        room.copy_from_slice(password);
        Ok(password.len())
    });
    let name = &text.name;
    key.map_err(|error| match password {
        _ if !asked => unusable(name, &error),
        None => Error::without_errno(format!(
            "TLS: {name}: the key is encrypted, but no password is set; see \
             nbdx_set_tls_key_password"
        )),
        Some(_) => Error::without_errno(format!(
            "TLS: {name}: the key is encrypted with a different password"
        )),
    })
}

/// Passes the pre-shared key of a session to OpenSSL.
fn answer_with_psk(
    ssl: &mut SslRef,
    _hint: Option<&[u8]>,
    identity: &mut [u8],
    key: &mut [u8],
) -> std::result::Result<usize, ErrorStack> {
    let Some(psk) = psk_index().ok().and_then(|index| ssl.ex_data(index)) else {
        return Ok(0);
    };
    let name = psk.identity.to_bytes();
    let bytes = psk.key.as_bytes();
    // There is room for the NUL after an identity of any length.
    identity.fill(0);
    let (Some(name_room), Some(key_room)) =
        (identity.get_mut(..name.len()), key.get_mut(..bytes.len()))
    else {
        return Ok(0);
    };
    name_room.copy_from_slice(name);
    key_room.copy_from_slice(bytes);
    Ok(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_begin_where_they_say() {
        let all = |text: &'static [u8]| sections(text, b"<a>").collect::<Vec<_>>();
        assert_eq!(all(b""), [b""; 0]);
        assert_eq!(all(b"nothing <a"), [b""; 0]);
        assert_eq!(all(b"<a>"), [b"<a>"]);
        assert_eq!(
            all(b"# <a>1</a>#<a><a>2"),
            [&b"<a>1</a>#"[..], b"<a>", b"<a>2"]
        );
    }
}
