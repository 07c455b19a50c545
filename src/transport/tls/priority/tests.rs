use super::*;
use Authentication::{Certificates, Psk};

use openssl::ssl::{SslContextBuilder, SslMethod};

fn parse(text: &str) -> Priority {
    Priority::parse(text, Certificates, true).unwrap()
}

fn refusal(text: &str) -> String {
    let error = Priority::parse(text, Certificates, true).expect_err(text);
    assert_eq!(error.errno(), libc::EINVAL, "{text}");
    error.text().to_owned()
}

fn list(text: &str) -> Vec<&str> {
    text.split(':').collect()
}

#[test]
fn the_default_offers_both_versions_and_leaves_the_rest_to_openssl() {
    let normal = parse("NORMAL");
    assert!(normal.tls12 && normal.tls13);
    assert_eq!(
        normal.suites13,
        "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:\
         TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256"
    );
    assert_eq!(
        (normal.groups, normal.signatures, normal.level),
        (None, None, None)
    );
    assert!(normal.check_revocation && normal.wildcards && normal.disguise);
    assert!(!normal.compatible);
}

#[test]
fn case_and_space_do_not_matter() {
    assert_eq!(
        parse("normal : +shA256 :-vers-tls1.3"),
        parse("NORMAL:+SHA256:-VERS-TLS1.3")
    );
}

#[test]
fn the_best_suites_come_first() {
    let suites = parse("NORMAL:+SHA256").suites12;
    let suites = list(&suites);
    let place = |name| suites.iter().position(|suite| *suite == name).expect(name);
    let wanted = [
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "DHE-RSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "ECDHE-RSA-AES256-SHA",
        "ECDHE-RSA-AES128-SHA256",
        "AES256-GCM-SHA384",
        "AES128-SHA",
    ];
    assert!(wanted.map(place).is_sorted(), "{suites:?}");
}

#[test]
fn chacha_comes_first_where_aes_is_slow() {
    let slow = Priority::parse("NORMAL", Certificates, false).unwrap();
    assert!(slow.suites13.starts_with("TLS_CHACHA20_POLY1305_SHA256:"));
    assert!(slow.suites12.starts_with("ECDHE-ECDSA-CHACHA20-POLY1305:"));
}

#[test]
fn shared_keys_get_the_key_exchanges_and_the_hash_that_go_with_them() {
    let psk = Priority::parse("NORMAL", Psk, true).unwrap();
    assert_eq!(
        psk.suites13,
        "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256"
    );
    assert!(
        list(&psk.suites12)
            .iter()
            .all(|suite| suite.contains("PSK"))
    );
    assert!(psk.suites12.starts_with("DHE-PSK-AES256-GCM-SHA384:"));
    assert!(!parse("NORMAL:+ECDHE-PSK").suites12.contains("PSK"));
    // No TLS 1.3 suite with this hash is left.
    let text = "NORMAL:-CIPHER-ALL:+AES-256-GCM";
    let psk = Priority::parse(text, Psk, true).unwrap();
    assert_eq!((psk.tls12, psk.tls13), (true, false));
    let text = "NORMAL:-CIPHER-ALL:+AES-256-GCM:-VERS-TLS1.2";
    assert!(Priority::parse(text, Psk, true).is_err());
}

#[test]
fn versions_can_be_chosen() {
    let versions = |text| {
        let priority = parse(text);
        (priority.tls12, priority.tls13)
    };
    assert_eq!(versions("NORMAL:-VERS-TLS1.2"), (false, true));
    assert_eq!(versions("NORMAL:!VERS-TLS1.3"), (true, false));
    assert_eq!(versions("NORMAL:-VERS-ALL:+VERS-TLS1.3"), (false, true));
    assert_eq!(versions("NORMAL:-VERS-TLS-ALL:+VERS-TLS1.2"), (true, false));
    assert_eq!(versions("NORMAL:-VERS-ALL:+VERS-TLS-ALL"), (true, true));
    // They are not there anyway.
    let old = "NORMAL:-VERS-TLS1.1:-VERS-TLS1.0:-VERS-SSL3.0:-VERS-DTLS1.2:-VERS-DTLS-ALL";
    assert_eq!(versions(old), (true, true));
}

#[test]
fn keywords_restrict_and_reorder() {
    assert_eq!(
        parse("PERFORMANCE").suites13,
        "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:\
         TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256"
    );
    let pfs = parse("PFS").suites12;
    assert!(
        list(&pfs).iter().all(|suite| suite.contains("DHE-")),
        "{pfs}"
    );
    assert_eq!(parse("SECURE128"), parse("NORMAL"));

    let strong = parse("SECURE192");
    assert_eq!(strong, parse("SECURE256"));
    assert_eq!(
        strong.suites13,
        "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
    );
    assert!(!strong.suites12.contains("128"));
    assert_eq!(strong.groups.as_deref(), Some("P-384:P-521:ffdhe8192"));
    assert!(!strong.signatures.unwrap().contains("256"));
    assert_eq!(strong.level, Some(3));
}

#[test]
fn a_keyword_can_be_added() {
    let both = parse("SECURE192:+NORMAL");
    assert!(
        both.suites13
            .starts_with("TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:")
    );
    assert!(both.suites13.contains("TLS_AES_128_GCM_SHA256"));
    assert!(
        both.groups
            .unwrap()
            .starts_with("P-384:P-521:ffdhe8192:P-256:")
    );
    assert_eq!(both.level, Some(3));
}

#[test]
fn everything_can_be_named_one_by_one() {
    let text = "NONE:+VERS-TLS1.3:+AES-128-GCM:+CHACHA20-POLY1305:+AEAD\
                :+GROUP-X25519:+CURVE-SECP256R1:+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-ECDSA-SHA256\
                :+SIGN-ECDSA-SECP256R1-SHA256:+CTYPE-X509:+COMP-NULL";
    let priority = parse(text);
    assert!(priority.tls13 && !priority.tls12);
    assert_eq!(
        priority.suites13,
        "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"
    );
    assert_eq!(priority.groups.as_deref(), Some("X25519:P-256"));
    // OpenSSL has one name for the last two, and refuses repetitions.
    assert_eq!(
        priority.signatures.as_deref(),
        Some("rsa_pss_rsae_sha256:ECDSA+SHA256")
    );
}

#[test]
fn what_is_added_goes_to_the_end() {
    let priority = parse("NORMAL:-AES-256-GCM:+AES-256-GCM");
    assert!(priority.suites13.ends_with(":TLS_AES_256_GCM_SHA384"));
    let priority = parse("NORMAL:-GROUP-EC-ALL:+GROUP-X448");
    assert!(priority.groups.unwrap().ends_with("ffdhe8192:X448"));
    let priority = parse("NORMAL:-GROUP-DH-ALL");
    assert_eq!(
        priority.groups.as_deref(),
        Some("P-256:P-384:P-521:X25519:X448")
    );
}

#[test]
fn options_are_honoured() {
    assert!(parse("NORMAL:%COMPAT").compatible);
    assert!(!parse("NORMAL:%DISABLE_WILDCARDS").wildcards);
    assert!(!parse("NORMAL:%VERIFY_DISABLE_CRL_CHECKS").check_revocation);
    assert!(!parse("NORMAL:%DISABLE_TLS13_COMPAT_MODE").disguise);
    assert_eq!(parse("NORMAL:%PROFILE_MEDIUM").level, Some(2));
    assert_eq!(parse("SECURE256:%PROFILE_ULTRA").level, Some(4));
    let encrypt_then_mac = parse("NORMAL:%FORCE_ETM").suites12;
    assert!(
        !list(&encrypt_then_mac)
            .iter()
            .any(|suite| suite.ends_with("-SHA"))
    );
    for option in ["SAFE_RENEGOTIATION", "NO_TICKETS", "SERVER_PRECEDENCE"] {
        assert_eq!(parse(&format!("NORMAL:%{option}")), parse("NORMAL"));
    }
}

#[test]
fn what_is_not_known_is_refused() {
    for text in [
        "",
        "FOO",
        "+VERS-TLS1.3",
        "%COMPAT",
        "@SYSTEM",
        "NORMAL:",
        "NORMAL::+SHA1",
        "NORMAL:SHA1",
        "NORMAL:+FOO",
        "NORMAL:-FOO",
        "NORMAL:+VERS-TLS2.0",
        "NORMAL:+GROUP-FOO",
        "NORMAL:-SIGN-FOO",
        "NORMAL:+",
        "NORMAL:%",
        "NORMAL:-SECURE128",
        "NORMAL,+SHA1",
        "NORMAL:\u{e9}",
        "NORMAL:+CTYPE-FOO",
        "NORMAL:-CTYPE-X509",
        "NORMAL:-COMP-NULL",
        "SUITEB128",
    ] {
        let reason = refusal(text);
        assert!(
            reason.contains("is not known") || reason.contains("is not available"),
            "{text}: {reason}"
        );
    }
}

#[test]
fn what_openssl_does_not_have_is_refused_if_added() {
    for name in [
        "VERS-TLS1.1",
        "VERS-SSL3.0",
        "VERS-DTLS1.2",
        "3DES-CBC",
        "ARCFOUR-128",
        "NULL",
        "CAMELLIA-256-GCM",
        "MD5",
        "ANON-ECDH",
        "SRP",
        "RSA-PSK",
        "DHE-DSS",
        "GROUP-SECP192R1",
        "SIGN-RSA-SHA1",
        "CTYPE-OPENPGP",
        "COMP-DEFLATE",
    ] {
        let reason = refusal(&format!("NORMAL:+{name}"));
        assert!(
            reason.contains(&format!("\"+{name}\" is not available")),
            "{reason}"
        );
        parse(&format!("NORMAL:-{name}"));
    }
    for option in [
        "UNSAFE_RENEGOTIATION",
        "VERIFY_ALLOW_SIGN_RSA_MD5",
        "PROFILE_VERY_WEAK",
        "NO_EXTENSIONS",
    ] {
        assert!(refusal(&format!("NORMAL:%{option}")).contains("is not available"));
    }
}

#[test]
fn something_must_be_left() {
    for (text, what) in [
        ("NONE", "version"),
        ("NORMAL:-VERS-ALL", "version"),
        ("NORMAL:-CIPHER-ALL", "cipher suite"),
        ("NORMAL:-MAC-ALL", "cipher suite"),
        ("NORMAL:-KX-ALL:-VERS-TLS1.3", "cipher suite"),
        ("NORMAL:-GROUP-ALL", "group"),
        ("NORMAL:-SIGN-ALL", "signature"),
    ] {
        assert!(refusal(text).contains(&format!("no {what}")), "{text}");
    }
    assert!(!parse("NORMAL:-KX-ALL").tls12);
}

#[test]
fn openssl_knows_every_name() {
    let mut builder = SslContextBuilder::new(SslMethod::tls_client()).unwrap();
    let of_kind = |kind| ITEMS.iter().filter(move |item| item.0 == kind);
    let mut suites = 0;
    for exchange in of_kind(Exchange) {
        for cipher in of_kind(Cipher) {
            for name in of_kind(Mac).filter_map(|mac| suite12(exchange, cipher, mac)) {
                builder.set_cipher_list(&name).expect(&name);
                suites += 1;
            }
        }
    }
    assert_eq!(suites, 56);
    for (_, name, _) in SUITES_13 {
        builder.set_ciphersuites(name).expect(name);
    }
    for (_, _, name) in of_kind(Group) {
        builder.set_groups_list(name).expect(name);
    }
    for (_, _, name) in of_kind(Signature) {
        builder.set_sigalgs_list(name).expect(name);
    }
}
