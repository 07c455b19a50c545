//! What priority strings can name, and the names in OpenSSL.

pub use Kind::{Cipher, Exchange, Group, Mac, Signature, Version};

/// What kind of thing a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Version,
    Cipher,
    Exchange,
    Mac,
    Group,
    Signature,
}

/// Kind, name in the string, and name or part of a name in OpenSSL.
pub type Item = (Kind, &'static str, &'static str);

/// All items; of each kind the best ones come first.
#[rustfmt::skip]
pub const ITEMS: &[Item] = &[
    (Version, "VERS-TLS1.3", ""), (Version, "VERS-TLS1.2", ""),
    (Cipher, "AES-256-GCM", "AES256-GCM-SHA384"), (Cipher, "AES-128-GCM", "AES128-GCM-SHA256"),
    (Cipher, "CHACHA20-POLY1305", "CHACHA20-POLY1305"), (Cipher, "AES-256-CCM", "AES256-CCM"),
    (Cipher, "AES-256-CBC", "AES256"), (Cipher, "AES-128-CCM", "AES128-CCM"),
    (Cipher, "AES-128-CBC", "AES128"),
    (Exchange, "ECDHE-ECDSA", "ECDHE-ECDSA-"), (Exchange, "ECDHE-RSA", "ECDHE-RSA-"),
    (Exchange, "RSA", ""), (Exchange, "DHE-RSA", "DHE-RSA-"),
    (Exchange, "ECDHE-PSK", "ECDHE-PSK-"), (Exchange, "DHE-PSK", "DHE-PSK-"),
    (Exchange, "PSK", "PSK-"),
    (Mac, "SHA1", "SHA"), (Mac, "AEAD", ""), (Mac, "SHA256", "SHA256"), (Mac, "SHA384", "SHA384"),
    (Group, "GROUP-SECP256R1", "P-256"), (Group, "GROUP-SECP384R1", "P-384"),
    (Group, "GROUP-SECP521R1", "P-521"), (Group, "GROUP-X25519", "X25519"),
    (Group, "GROUP-X448", "X448"), (Group, "GROUP-FFDHE2048", "ffdhe2048"),
    (Group, "GROUP-FFDHE3072", "ffdhe3072"), (Group, "GROUP-FFDHE4096", "ffdhe4096"),
    (Group, "GROUP-FFDHE6144", "ffdhe6144"), (Group, "GROUP-FFDHE8192", "ffdhe8192"),
    (Signature, "SIGN-RSA-SHA256", "RSA+SHA256"),
    (Signature, "SIGN-RSA-PSS-SHA256", "rsa_pss_pss_sha256"),
    (Signature, "SIGN-RSA-PSS-RSAE-SHA256", "rsa_pss_rsae_sha256"),
    (Signature, "SIGN-ECDSA-SHA256", "ECDSA+SHA256"),
    (Signature, "SIGN-ECDSA-SECP256R1-SHA256", "ECDSA+SHA256"),
    (Signature, "SIGN-EDDSA-ED25519", "ed25519"), (Signature, "SIGN-RSA-SHA384", "RSA+SHA384"),
    (Signature, "SIGN-RSA-PSS-SHA384", "rsa_pss_pss_sha384"),
    (Signature, "SIGN-RSA-PSS-RSAE-SHA384", "rsa_pss_rsae_sha384"),
    (Signature, "SIGN-ECDSA-SHA384", "ECDSA+SHA384"),
    (Signature, "SIGN-ECDSA-SECP384R1-SHA384", "ECDSA+SHA384"),
    (Signature, "SIGN-EDDSA-ED448", "ed448"), (Signature, "SIGN-RSA-SHA512", "RSA+SHA512"),
    (Signature, "SIGN-RSA-PSS-SHA512", "rsa_pss_pss_sha512"),
    (Signature, "SIGN-RSA-PSS-RSAE-SHA512", "rsa_pss_rsae_sha512"),
    (Signature, "SIGN-ECDSA-SHA512", "ECDSA+SHA512"),
    (Signature, "SIGN-ECDSA-SECP521R1-SHA512", "ECDSA+SHA512"),
];

/// What strings may remove although it is never there: it is too weak, or not
/// in OpenSSL.
#[rustfmt::skip]
pub const ABSENT: &[&str] = &[
    "VERS-TLS1.1", "VERS-TLS1.0", "VERS-SSL3.0", "VERS-DTLS1.2", "VERS-DTLS1.0",
    "VERS-DTLS-ALL", "AES-192-CBC", "AES-128-CCM-8", "AES-256-CCM-8", "CAMELLIA-128-CBC",
    "CAMELLIA-256-CBC", "CAMELLIA-128-GCM", "CAMELLIA-256-GCM", "3DES-CBC", "ARCFOUR-128",
    "NULL", "RSA-PSK", "DHE-DSS", "SRP", "SRP-RSA", "ANON-DH", "ANON-ECDH", "MD5", "SHA512",
    "GROUP-SECP192R1", "SIGN-RSA-SHA224", "SIGN-ECDSA-SHA224", "SIGN-RSA-SHA1",
    "SIGN-ECDSA-SHA1", "SIGN-RSA-MD5", "SIGN-DSA-SHA1", "SIGN-DSA-SHA256", "CTYPE-OPENPGP",
    "CTYPE-RAWPK", "COMP-DEFLATE",
];

/// What is always selected, as the only one of its kind: X.509 certificates,
/// and no compression.
pub const ALWAYS: &[&str] = &["CTYPE-X.509", "CTYPE-X509", "COMP-NULL"];

/// The suites of TLS 1.3: cipher, name, and whether the hash is SHA-256, the
/// default hash of pre-shared keys.
pub const SUITES_13: &[(&str, &str, bool)] = &[
    ("AES-256-GCM", "TLS_AES_256_GCM_SHA384", false),
    ("AES-128-GCM", "TLS_AES_128_GCM_SHA256", true),
    ("CHACHA20-POLY1305", "TLS_CHACHA20_POLY1305_SHA256", true),
    ("AES-128-CCM", "TLS_AES_128_CCM_SHA256", true),
];

/// The name of a suite of TLS 1.2, if there is one.
pub fn suite12(exchange: &Item, cipher: &Item, mac: &Item) -> Option<String> {
    let (cbc, authenticated) = (cipher.1.ends_with("-CBC"), mac.1 == "AEAD");
    let exists = match (exchange.1, cipher.1, mac.1) {
        _ if cbc == authenticated => false,
        ("ECDHE-PSK", "AES-256-GCM" | "AES-128-GCM" | "AES-256-CCM" | "AES-128-CCM", _)
        | ("ECDHE-RSA", "AES-256-CCM" | "AES-128-CCM", _)
        | ("RSA", "CHACHA20-POLY1305", _)
        | (_, "AES-128-CBC", "SHA384")
        | ("RSA" | "DHE-RSA", _, "SHA384") => false,
        (exchange, "AES-256-CBC", "SHA256") => ["RSA", "DHE-RSA"].contains(&exchange),
        _ => true,
    };
    let (psk, prefix, cipher, mac) = (exchange.1.ends_with("PSK"), exchange.2, cipher.2, mac.2);
    exists.then(|| match (cbc, psk) {
        (false, _) => format!("{prefix}{cipher}"),
        (true, true) => format!("{prefix}{cipher}-CBC-{mac}"),
        (true, false) => format!("{prefix}{cipher}-{mac}"),
    })
}
