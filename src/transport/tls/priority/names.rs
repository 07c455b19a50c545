//! What GnuTLS and OpenSSL call the same thing.

/// A name as priority strings use it, and what it is to OpenSSL; `None` if
/// OpenSSL does not have it, or it is too weak to be offered.
pub type Name = (&'static str, Option<&'static str>);

/// Protocol versions.  Nothing older than TLS 1.2 is ever offered.
pub const VERSIONS: &[Name] = &[
    ("TLS1.3", Some("TLS1.3")),
    ("TLS1.2", Some("TLS1.2")),
    ("TLS1.1", None),
    ("TLS1.0", None),
    ("SSL3.0", None),
    ("DTLS1.2", None),
    ("DTLS1.0", None),
    ("DTLS0.9", None),
];

/// Ciphers.  What they are to OpenSSL depends on the key exchange; see
/// `SUITES_13` and `SUITES_12`.
pub const CIPHERS: &[Name] = &[
    ("AES-256-GCM", Some("")),
    ("AES-128-GCM", Some("")),
    ("CHACHA20-POLY1305", Some("")),
    ("AES-256-CCM", Some("")),
    ("AES-128-CCM", Some("")),
    ("AES-256-CBC", Some("")),
    ("AES-128-CBC", Some("")),
    ("AES-256-CCM-8", Some("")),
    ("AES-128-CCM-8", Some("")),
    ("AES-192-CBC", None),
    ("AES-192-GCM", None),
    ("CAMELLIA-128-CBC", None),
    ("CAMELLIA-192-CBC", None),
    ("CAMELLIA-256-CBC", None),
    ("CAMELLIA-128-GCM", None),
    ("CAMELLIA-256-GCM", None),
    ("3DES-CBC", None),
    ("DES-CBC", None),
    ("ARCFOUR-128", None),
    ("ARCFOUR-40", None),
    ("RC2-40", None),
    ("NULL", None),
];

/// Key exchanges.
pub const EXCHANGES: &[Name] = &[
    ("ECDHE-ECDSA", Some("")),
    ("ECDHE-RSA", Some("")),
    ("RSA", Some("")),
    ("DHE-RSA", Some("")),
    ("ECDHE-PSK", Some("")),
    ("DHE-PSK", Some("")),
    ("PSK", Some("")),
    ("RSA-PSK", None),
    ("DHE-DSS", None),
    ("SRP", None),
    ("SRP-RSA", None),
    ("SRP-DSS", None),
    ("ANON-DH", None),
    ("ANON-ECDH", None),
    ("RSA-EXPORT", None),
];

/// Message authentication.
pub const MACS: &[Name] = &[
    ("AEAD", Some("")),
    ("SHA1", Some("")),
    ("SHA256", Some("")),
    ("SHA384", Some("")),
    ("SHA512", None),
    ("MD5", None),
];

/// Groups of the key exchange.
pub const GROUPS: &[Name] = &[
    ("SECP256R1", Some("P-256")),
    ("SECP384R1", Some("P-384")),
    ("SECP521R1", Some("P-521")),
    ("X25519", Some("X25519")),
    ("X448", Some("X448")),
    ("FFDHE2048", Some("ffdhe2048")),
    ("FFDHE3072", Some("ffdhe3072")),
    ("FFDHE4096", Some("ffdhe4096")),
    ("FFDHE6144", Some("ffdhe6144")),
    ("FFDHE8192", Some("ffdhe8192")),
    ("SECP192R1", None),
    ("SECP224R1", None),
];

/// Signatures of certificates and handshakes.
pub const SIGNATURES: &[Name] = &[
    ("RSA-SHA256", Some("RSA+SHA256")),
    ("RSA-PSS-SHA256", Some("rsa_pss_pss_sha256")),
    ("RSA-PSS-RSAE-SHA256", Some("rsa_pss_rsae_sha256")),
    ("ECDSA-SHA256", Some("ECDSA+SHA256")),
    ("ECDSA-SECP256R1-SHA256", Some("ECDSA+SHA256")),
    ("EdDSA-Ed25519", Some("ed25519")),
    ("RSA-SHA384", Some("RSA+SHA384")),
    ("RSA-PSS-SHA384", Some("rsa_pss_pss_sha384")),
    ("RSA-PSS-RSAE-SHA384", Some("rsa_pss_rsae_sha384")),
    ("ECDSA-SHA384", Some("ECDSA+SHA384")),
    ("ECDSA-SECP384R1-SHA384", Some("ECDSA+SHA384")),
    ("EdDSA-Ed448", Some("ed448")),
    ("RSA-SHA512", Some("RSA+SHA512")),
    ("RSA-PSS-SHA512", Some("rsa_pss_pss_sha512")),
    ("RSA-PSS-RSAE-SHA512", Some("rsa_pss_rsae_sha512")),
    ("ECDSA-SHA512", Some("ECDSA+SHA512")),
    ("ECDSA-SECP521R1-SHA512", Some("ECDSA+SHA512")),
    ("RSA-SHA224", None),
    ("ECDSA-SHA224", None),
    ("RSA-SHA1", None),
    ("ECDSA-SHA1", None),
    ("RSA-MD5", None),
    ("DSA-SHA1", None),
    ("DSA-SHA224", None),
    ("DSA-SHA256", None),
    ("DSA-SHA384", None),
    ("DSA-SHA512", None),
];

/// Kinds of certificate.
pub const CERTIFICATES: &[Name] = &[
    ("X.509", Some("")),
    ("X509", Some("")),
    ("SRV-X509", Some("")),
    ("CLI-X509", Some("")),
    ("OPENPGP", None),
    ("RAWPK", None),
    ("SRV-RAWPK", None),
    ("CLI-RAWPK", None),
];

/// Compression, of which there is none.
pub const COMPRESSIONS: &[Name] = &[("NULL", Some("")), ("DEFLATE", None), ("LZO", None)];

/// The suites of TLS 1.3: cipher, name, and whether the hash is SHA-256, which
/// is what pre-shared keys are bound to that were not made for another one.
pub const SUITES_13: &[(&str, &str, bool)] = &[
    ("AES-256-GCM", "TLS_AES_256_GCM_SHA384", false),
    ("AES-128-GCM", "TLS_AES_128_GCM_SHA256", true),
    ("CHACHA20-POLY1305", "TLS_CHACHA20_POLY1305_SHA256", true),
    ("AES-128-CCM", "TLS_AES_128_CCM_SHA256", true),
    ("AES-128-CCM-8", "TLS_AES_128_CCM_8_SHA256", true),
];

/// The suites of TLS 1.2: key exchange, cipher, message authentication, name.
pub const SUITES_12: &[(&str, &str, &str, &str)] = &[
    (
        "ECDHE-ECDSA",
        "AES-256-GCM",
        "AEAD",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
    ),
    (
        "ECDHE-ECDSA",
        "AES-128-GCM",
        "AEAD",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
    ),
    (
        "ECDHE-ECDSA",
        "CHACHA20-POLY1305",
        "AEAD",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
    ),
    (
        "ECDHE-ECDSA",
        "AES-256-CCM",
        "AEAD",
        "ECDHE-ECDSA-AES256-CCM",
    ),
    (
        "ECDHE-ECDSA",
        "AES-128-CCM",
        "AEAD",
        "ECDHE-ECDSA-AES128-CCM",
    ),
    (
        "ECDHE-ECDSA",
        "AES-256-CCM-8",
        "AEAD",
        "ECDHE-ECDSA-AES256-CCM8",
    ),
    (
        "ECDHE-ECDSA",
        "AES-128-CCM-8",
        "AEAD",
        "ECDHE-ECDSA-AES128-CCM8",
    ),
    (
        "ECDHE-ECDSA",
        "AES-256-CBC",
        "SHA1",
        "ECDHE-ECDSA-AES256-SHA",
    ),
    (
        "ECDHE-ECDSA",
        "AES-256-CBC",
        "SHA384",
        "ECDHE-ECDSA-AES256-SHA384",
    ),
    (
        "ECDHE-ECDSA",
        "AES-128-CBC",
        "SHA1",
        "ECDHE-ECDSA-AES128-SHA",
    ),
    (
        "ECDHE-ECDSA",
        "AES-128-CBC",
        "SHA256",
        "ECDHE-ECDSA-AES128-SHA256",
    ),
    (
        "ECDHE-RSA",
        "AES-256-GCM",
        "AEAD",
        "ECDHE-RSA-AES256-GCM-SHA384",
    ),
    (
        "ECDHE-RSA",
        "AES-128-GCM",
        "AEAD",
        "ECDHE-RSA-AES128-GCM-SHA256",
    ),
    (
        "ECDHE-RSA",
        "CHACHA20-POLY1305",
        "AEAD",
        "ECDHE-RSA-CHACHA20-POLY1305",
    ),
    ("ECDHE-RSA", "AES-256-CBC", "SHA1", "ECDHE-RSA-AES256-SHA"),
    (
        "ECDHE-RSA",
        "AES-256-CBC",
        "SHA384",
        "ECDHE-RSA-AES256-SHA384",
    ),
    ("ECDHE-RSA", "AES-128-CBC", "SHA1", "ECDHE-RSA-AES128-SHA"),
    (
        "ECDHE-RSA",
        "AES-128-CBC",
        "SHA256",
        "ECDHE-RSA-AES128-SHA256",
    ),
    (
        "DHE-RSA",
        "AES-256-GCM",
        "AEAD",
        "DHE-RSA-AES256-GCM-SHA384",
    ),
    (
        "DHE-RSA",
        "AES-128-GCM",
        "AEAD",
        "DHE-RSA-AES128-GCM-SHA256",
    ),
    (
        "DHE-RSA",
        "CHACHA20-POLY1305",
        "AEAD",
        "DHE-RSA-CHACHA20-POLY1305",
    ),
    ("DHE-RSA", "AES-256-CCM", "AEAD", "DHE-RSA-AES256-CCM"),
    ("DHE-RSA", "AES-128-CCM", "AEAD", "DHE-RSA-AES128-CCM"),
    ("DHE-RSA", "AES-256-CCM-8", "AEAD", "DHE-RSA-AES256-CCM8"),
    ("DHE-RSA", "AES-128-CCM-8", "AEAD", "DHE-RSA-AES128-CCM8"),
    ("DHE-RSA", "AES-256-CBC", "SHA1", "DHE-RSA-AES256-SHA"),
    ("DHE-RSA", "AES-256-CBC", "SHA256", "DHE-RSA-AES256-SHA256"),
    ("DHE-RSA", "AES-128-CBC", "SHA1", "DHE-RSA-AES128-SHA"),
    ("DHE-RSA", "AES-128-CBC", "SHA256", "DHE-RSA-AES128-SHA256"),
    ("RSA", "AES-256-GCM", "AEAD", "AES256-GCM-SHA384"),
    ("RSA", "AES-128-GCM", "AEAD", "AES128-GCM-SHA256"),
    ("RSA", "AES-256-CCM", "AEAD", "AES256-CCM"),
    ("RSA", "AES-128-CCM", "AEAD", "AES128-CCM"),
    ("RSA", "AES-256-CCM-8", "AEAD", "AES256-CCM8"),
    ("RSA", "AES-128-CCM-8", "AEAD", "AES128-CCM8"),
    ("RSA", "AES-256-CBC", "SHA1", "AES256-SHA"),
    ("RSA", "AES-256-CBC", "SHA256", "AES256-SHA256"),
    ("RSA", "AES-128-CBC", "SHA1", "AES128-SHA"),
    ("RSA", "AES-128-CBC", "SHA256", "AES128-SHA256"),
    (
        "ECDHE-PSK",
        "CHACHA20-POLY1305",
        "AEAD",
        "ECDHE-PSK-CHACHA20-POLY1305",
    ),
    (
        "ECDHE-PSK",
        "AES-256-CBC",
        "SHA1",
        "ECDHE-PSK-AES256-CBC-SHA",
    ),
    (
        "ECDHE-PSK",
        "AES-256-CBC",
        "SHA384",
        "ECDHE-PSK-AES256-CBC-SHA384",
    ),
    (
        "ECDHE-PSK",
        "AES-128-CBC",
        "SHA1",
        "ECDHE-PSK-AES128-CBC-SHA",
    ),
    (
        "ECDHE-PSK",
        "AES-128-CBC",
        "SHA256",
        "ECDHE-PSK-AES128-CBC-SHA256",
    ),
    (
        "DHE-PSK",
        "AES-256-GCM",
        "AEAD",
        "DHE-PSK-AES256-GCM-SHA384",
    ),
    (
        "DHE-PSK",
        "AES-128-GCM",
        "AEAD",
        "DHE-PSK-AES128-GCM-SHA256",
    ),
    (
        "DHE-PSK",
        "CHACHA20-POLY1305",
        "AEAD",
        "DHE-PSK-CHACHA20-POLY1305",
    ),
    ("DHE-PSK", "AES-256-CCM", "AEAD", "DHE-PSK-AES256-CCM"),
    ("DHE-PSK", "AES-128-CCM", "AEAD", "DHE-PSK-AES128-CCM"),
    ("DHE-PSK", "AES-256-CCM-8", "AEAD", "DHE-PSK-AES256-CCM8"),
    ("DHE-PSK", "AES-128-CCM-8", "AEAD", "DHE-PSK-AES128-CCM8"),
    ("DHE-PSK", "AES-256-CBC", "SHA1", "DHE-PSK-AES256-CBC-SHA"),
    (
        "DHE-PSK",
        "AES-256-CBC",
        "SHA384",
        "DHE-PSK-AES256-CBC-SHA384",
    ),
    ("DHE-PSK", "AES-128-CBC", "SHA1", "DHE-PSK-AES128-CBC-SHA"),
    (
        "DHE-PSK",
        "AES-128-CBC",
        "SHA256",
        "DHE-PSK-AES128-CBC-SHA256",
    ),
    ("PSK", "AES-256-GCM", "AEAD", "PSK-AES256-GCM-SHA384"),
    ("PSK", "AES-128-GCM", "AEAD", "PSK-AES128-GCM-SHA256"),
    ("PSK", "CHACHA20-POLY1305", "AEAD", "PSK-CHACHA20-POLY1305"),
    ("PSK", "AES-256-CCM", "AEAD", "PSK-AES256-CCM"),
    ("PSK", "AES-128-CCM", "AEAD", "PSK-AES128-CCM"),
    ("PSK", "AES-256-CCM-8", "AEAD", "PSK-AES256-CCM8"),
    ("PSK", "AES-128-CCM-8", "AEAD", "PSK-AES128-CCM8"),
    ("PSK", "AES-256-CBC", "SHA1", "PSK-AES256-CBC-SHA"),
    ("PSK", "AES-256-CBC", "SHA384", "PSK-AES256-CBC-SHA384"),
    ("PSK", "AES-128-CBC", "SHA1", "PSK-AES128-CBC-SHA"),
    ("PSK", "AES-128-CBC", "SHA256", "PSK-AES128-CBC-SHA256"),
];
