//! The keywords that priority strings begin with.

/// What a keyword stands for, in GnuTLS's names and order of preference.
#[derive(Debug)]
pub struct Keyword {
    pub name: &'static str,
    pub versions: &'static [&'static str],
    pub ciphers: &'static [&'static str],
    pub exchanges: &'static [&'static str],
    pub macs: &'static [&'static str],
    pub groups: &'static [&'static str],
    pub signatures: &'static [&'static str],
    /// Security level of OpenSSL, for what certificates and groups have to be
    /// worth; `None` leaves it to the system.
    pub level: Option<u32>,
    /// Groups and signatures are those of OpenSSL, unless the rest of the
    /// string changes them: the same ones, and its own choice for the first
    /// key share.
    pub usual_groups: bool,
}

const VERSIONS: &[&str] = &["TLS1.3", "TLS1.2"];

const NORMAL_CIPHERS: &[&str] = &[
    "AES-256-GCM",
    "CHACHA20-POLY1305",
    "AES-256-CCM",
    "AES-256-CBC",
    "AES-128-GCM",
    "AES-128-CCM",
    "AES-128-CBC",
];

const FAST_CIPHERS: &[&str] = &[
    "AES-128-GCM",
    "AES-256-GCM",
    "CHACHA20-POLY1305",
    "AES-128-CCM",
    "AES-256-CCM",
    "AES-128-CBC",
    "AES-256-CBC",
];

const STRONG_CIPHERS: &[&str] = &[
    "AES-256-GCM",
    "CHACHA20-POLY1305",
    "AES-256-CBC",
    "AES-256-CCM",
];

const EXCHANGES: &[&str] = &["ECDHE-ECDSA", "ECDHE-RSA", "RSA", "DHE-RSA"];

const GROUPS: &[&str] = &[
    "SECP256R1",
    "SECP384R1",
    "SECP521R1",
    "X25519",
    "X448",
    "FFDHE2048",
    "FFDHE3072",
    "FFDHE4096",
    "FFDHE6144",
    "FFDHE8192",
];

const SIGNATURES: &[&str] = &[
    "RSA-SHA256",
    "RSA-PSS-SHA256",
    "RSA-PSS-RSAE-SHA256",
    "ECDSA-SHA256",
    "ECDSA-SECP256R1-SHA256",
    "EdDSA-Ed25519",
    "RSA-SHA384",
    "RSA-PSS-SHA384",
    "RSA-PSS-RSAE-SHA384",
    "ECDSA-SHA384",
    "ECDSA-SECP384R1-SHA384",
    "EdDSA-Ed448",
    "RSA-SHA512",
    "RSA-PSS-SHA512",
    "RSA-PSS-RSAE-SHA512",
    "ECDSA-SHA512",
    "ECDSA-SECP521R1-SHA512",
];

const STRONG_SIGNATURES: &[&str] = &[
    "RSA-SHA384",
    "RSA-PSS-SHA384",
    "RSA-PSS-RSAE-SHA384",
    "ECDSA-SHA384",
    "ECDSA-SECP384R1-SHA384",
    "EdDSA-Ed448",
    "RSA-SHA512",
    "RSA-PSS-SHA512",
    "RSA-PSS-RSAE-SHA512",
    "ECDSA-SHA512",
    "ECDSA-SECP521R1-SHA512",
];

/// What most of them have in common.
const NORMAL: Keyword = Keyword {
    name: "NORMAL",
    versions: VERSIONS,
    ciphers: NORMAL_CIPHERS,
    exchanges: EXCHANGES,
    macs: &["SHA1", "AEAD"],
    groups: GROUPS,
    signatures: SIGNATURES,
    level: None,
    usual_groups: true,
};

const SECURE192: Keyword = Keyword {
    name: "SECURE192",
    ciphers: STRONG_CIPHERS,
    macs: &["AEAD"],
    groups: &["SECP384R1", "SECP521R1", "FFDHE8192"],
    signatures: STRONG_SIGNATURES,
    level: Some(3),
    usual_groups: false,
    ..NORMAL
};

/// All keywords; the first one is what "everything" means in items.
pub const KEYWORDS: &[Keyword] = &[
    NORMAL,
    Keyword {
        name: "PERFORMANCE",
        ciphers: FAST_CIPHERS,
        exchanges: &["RSA", "ECDHE-ECDSA", "ECDHE-RSA", "DHE-RSA"],
        ..NORMAL
    },
    Keyword {
        name: "PFS",
        exchanges: &["ECDHE-ECDSA", "ECDHE-RSA", "DHE-RSA"],
        ..NORMAL
    },
    Keyword {
        name: "SECURE128",
        ..NORMAL
    },
    SECURE192,
    Keyword {
        name: "SECURE256",
        ..SECURE192
    },
    Keyword {
        name: "SUITEB128",
        versions: &["TLS1.2"],
        ciphers: &["AES-256-GCM", "AES-128-GCM"],
        exchanges: &["ECDHE-ECDSA"],
        macs: &["AEAD"],
        groups: &["SECP256R1", "SECP384R1"],
        signatures: &[
            "ECDSA-SHA256",
            "ECDSA-SECP256R1-SHA256",
            "ECDSA-SHA384",
            "ECDSA-SECP384R1-SHA384",
        ],
        level: Some(3),
        usual_groups: false,
    },
    Keyword {
        name: "SUITEB192",
        versions: &["TLS1.2"],
        ciphers: &["AES-256-GCM"],
        exchanges: &["ECDHE-ECDSA"],
        macs: &["AEAD"],
        groups: &["SECP384R1"],
        signatures: &["ECDSA-SHA384", "ECDSA-SECP384R1-SHA384"],
        level: Some(4),
        usual_groups: false,
    },
    Keyword {
        name: "NONE",
        versions: &[],
        ciphers: &[],
        exchanges: &[],
        macs: &[],
        groups: &[],
        signatures: &[],
        level: None,
        usual_groups: false,
    },
];
