//! Priority strings, by which users of GnuTLS choose versions and algorithms,
//! as settings of OpenSSL.
//!
//! A string is a keyword and items behind it, with colons between them:
//! `+NAME` adds something at the end of its list, `-NAME` and `!NAME` take it
//! away, `%NAME` is an option.  Nothing in a string is ignored: what does not
//! exist, or what OpenSSL cannot do, is an error.

mod keywords;
mod names;

use std::ffi::CStr;

use crate::error::{Error, Result};

use keywords::{KEYWORDS, Keyword};
use names::{
    CERTIFICATES, CIPHERS, COMPRESSIONS, EXCHANGES, GROUPS, MACS, Name, SIGNATURES, SUITES_12,
    SUITES_13, VERSIONS,
};

/// What holds if the caller does not say.
pub const DEFAULT_PRIORITY: &CStr = c"NORMAL";

/// The key exchanges that a session with a pre-shared key has beside those of
/// the string, the best ones first.
const PSK_EXCHANGES: [&str; 3] = ["ECDHE-PSK", "DHE-PSK", "PSK"];

/// What authenticates the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Authentication {
    Certificates,
    Psk,
}

/// The settings of OpenSSL that a string stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priority {
    pub tls12: bool,
    pub tls13: bool,
    /// Cipher suites of TLS 1.3 and of TLS 1.2, in OpenSSL's form.
    pub suites13: String,
    pub suites12: String,
    /// `None` leaves them as OpenSSL has them.
    pub groups: Option<String>,
    pub signatures: Option<String>,
    /// What certificates and groups must be worth; `None` leaves it to the
    /// system.
    pub level: Option<u32>,
    pub check_revocation: bool,
    pub wildcards: bool,
    /// Workarounds for faulty servers.
    pub compatible: bool,
    /// A protocol message that mistakes the session for an older one, for
    /// boxes between client and server that know nothing newer.
    pub disguise: bool,
}

impl Priority {
    /// Reads a string.  `fast_aes` says whether the processor has
    /// instructions for AES: without them ChaCha20 is the better choice.
    pub fn parse(text: &str, authentication: Authentication, fast_aes: bool) -> Result<Self> {
        let mut items = text.split(':').map(str::trim);
        let first = items.next().unwrap_or_default();
        let keyword = keyword(first).ok_or_else(|| unknown(first))?;
        let mut lists = Lists::new(keyword, fast_aes);
        for item in items {
            lists.apply(item, fast_aes)?;
        }
        lists.settings(authentication)
    }
}

/// What a string has selected so far, in the names of the string.
#[derive(Debug)]
struct Lists {
    versions: Vec<&'static str>,
    ciphers: Vec<&'static str>,
    exchanges: Vec<&'static str>,
    macs: Vec<&'static str>,
    groups: Vec<&'static str>,
    signatures: Vec<&'static str>,
    certificates: Vec<&'static str>,
    compressions: Vec<&'static str>,
    usual_groups: bool,
    usual_signatures: bool,
    level: Option<u32>,
    check_revocation: bool,
    wildcards: bool,
    compatible: bool,
    disguise: bool,
    no_cbc: bool,
}

impl Lists {
    fn new(keyword: &Keyword, fast_aes: bool) -> Self {
        let everything = !keyword.versions.is_empty();
        Self {
            versions: keyword.versions.to_vec(),
            ciphers: preferred(keyword.ciphers, fast_aes),
            exchanges: keyword.exchanges.to_vec(),
            macs: keyword.macs.to_vec(),
            groups: keyword.groups.to_vec(),
            signatures: keyword.signatures.to_vec(),
            // Certificates are those of X.509 unless the string says more.
            certificates: vec!["X.509"],
            compressions: if everything { vec!["NULL"] } else { vec![] },
            usual_groups: keyword.usual_groups,
            usual_signatures: keyword.usual_groups,
            level: keyword.level,
            check_revocation: true,
            wildcards: true,
            compatible: false,
            disguise: true,
            no_cbc: false,
        }
    }

    fn apply(&mut self, item: &str, fast_aes: bool) -> Result<()> {
        let (sign, name) = item.split_at_checked(1).ok_or_else(|| unknown(item))?;
        match sign {
            "%" => self.option(item, name),
            "+" => self.change(item, name, true, fast_aes),
            "-" | "!" => self.change(item, name, false, fast_aes),
            _ => Err(unknown(item)),
        }
    }

    fn change(&mut self, item: &str, name: &str, add: bool, fast_aes: bool) -> Result<()> {
        if add && let Some(keyword) = keyword(name) {
            self.add_keyword(keyword, fast_aes);
            return Ok(());
        }
        // "Everything" is what the first keyword selects.
        let [all, ..] = KEYWORDS else {
            return Err(unknown(item));
        };
        let all_ciphers = preferred(all.ciphers, fast_aes);
        let upper = name.to_ascii_uppercase();
        let (list, table, everything, name): (&mut Vec<_>, &[Name], &[&str], &str) =
            if let Some(version) = upper.strip_prefix("VERS-") {
                match version {
                    // Datagrams are not for streams, so there is none to take.
                    "DTLS-ALL" if !add => return Ok(()),
                    "TLS-ALL" => (&mut self.versions, VERSIONS, all.versions, "ALL"),
                    version => (&mut self.versions, VERSIONS, all.versions, version),
                }
            } else if let Some(group) = upper
                .strip_prefix("GROUP-")
                .or(upper.strip_prefix("CURVE-"))
            {
                self.usual_groups = false;
                match group {
                    "EC-ALL" => (&mut self.groups, GROUPS, elliptic(all.groups), "ALL"),
                    "DH-ALL" => (&mut self.groups, GROUPS, finite(all.groups), "ALL"),
                    group => (&mut self.groups, GROUPS, all.groups, group),
                }
            } else if let Some(signature) = upper.strip_prefix("SIGN-") {
                self.usual_signatures = false;
                (&mut self.signatures, SIGNATURES, all.signatures, signature)
            } else if let Some(kind) = upper.strip_prefix("CTYPE-") {
                (&mut self.certificates, CERTIFICATES, &["X.509"], kind)
            } else if let Some(kind) = upper.strip_prefix("COMP-") {
                (&mut self.compressions, COMPRESSIONS, &["NULL"], kind)
            } else if upper == "CIPHER-ALL" {
                (&mut self.ciphers, CIPHERS, &all_ciphers, "ALL")
            } else if upper == "KX-ALL" {
                (&mut self.exchanges, EXCHANGES, all.exchanges, "ALL")
            } else if upper == "MAC-ALL" {
                (&mut self.macs, MACS, all.macs, "ALL")
            } else if find(EXCHANGES, &upper).is_some() {
                (&mut self.exchanges, EXCHANGES, all.exchanges, &upper)
            } else if find(MACS, &upper).is_some() {
                (&mut self.macs, MACS, all.macs, &upper)
            } else {
                (&mut self.ciphers, CIPHERS, all.ciphers, &upper)
            };
        let chosen = match name {
            "ALL" => everything.to_vec(),
            name => {
                let &(name, here) = find(table, name).ok_or_else(|| unknown(item))?;
                if add && here.is_none() {
                    return Err(unavailable(item));
                }
                // One thing under two names.
                vec![if name == "X509" { "X.509" } else { name }]
            }
        };
        if add {
            append(list, &chosen);
        } else {
            list.retain(|name| !chosen.contains(name));
        }
        Ok(())
    }

    fn add_keyword(&mut self, keyword: &Keyword, fast_aes: bool) {
        append(&mut self.versions, keyword.versions);
        append(&mut self.ciphers, &preferred(keyword.ciphers, fast_aes));
        append(&mut self.exchanges, keyword.exchanges);
        append(&mut self.macs, keyword.macs);
        append(&mut self.groups, keyword.groups);
        append(&mut self.signatures, keyword.signatures);
        self.usual_groups |= keyword.usual_groups;
        self.usual_signatures |= keyword.usual_groups;
        // Certificates must satisfy both.
        self.level = self.level.max(keyword.level);
    }

    fn option(&mut self, item: &str, name: &str) -> Result<()> {
        match name.to_ascii_uppercase().as_str() {
            "COMPAT" => self.compatible = true,
            "DISABLE_TLS13_COMPAT_MODE" => self.disguise = false,
            "DISABLE_WILDCARDS" => self.wildcards = false,
            "VERIFY_DISABLE_CRL_CHECKS" => self.check_revocation = false,
            // Only CBC can be without it, and there are better ciphers.
            "FORCE_ETM" => self.no_cbc = true,
            "PROFILE_LOW" | "PROFILE_LEGACY" => self.level = Some(1),
            "PROFILE_MEDIUM" => self.level = Some(2),
            "PROFILE_HIGH" | "PROFILE_SUITEB128" => self.level = Some(3),
            "PROFILE_ULTRA" | "PROFILE_SUITEB192" => self.level = Some(4),
            "PROFILE_FUTURE" => self.level = Some(5),
            // As it is always done here: no renegotiation without protection,
            // no tickets, no compression, extensions in order, records of any
            // size.
            "SAFE_RENEGOTIATION"
            | "NO_TICKETS"
            | "NO_TICKETS_TLS12"
            | "STATELESS_COMPRESSION"
            | "NO_SHUFFLE_EXTENSIONS"
            | "ALLOW_SMALL_RECORDS"
            // What only a server decides.
            | "SERVER_PRECEDENCE" => {}
            _ => return Err(unavailable(item)),
        }
        Ok(())
    }

    fn settings(mut self, authentication: Authentication) -> Result<Priority> {
        let psk = authentication == Authentication::Psk;
        if psk {
            append(&mut self.exchanges, &PSK_EXCHANGES);
        }
        self.exchanges.retain(|name| name.ends_with("PSK") == psk);
        if self.no_cbc {
            self.ciphers.retain(|name| !name.ends_with("-CBC"));
        }
        if !psk && self.certificates.is_empty() {
            return Err(nothing("certificate type"));
        }
        let suites13: Vec<&str> = self.suites13(psk);
        let suites12: Vec<&str> = self.suites12();
        let offers = |version| self.versions.contains(&version);
        let tls13 = offers("TLS1.3") && !suites13.is_empty();
        let tls12 = offers("TLS1.2") && !suites12.is_empty();
        if self.versions.is_empty() {
            return Err(nothing("version from TLS 1.2 on"));
        }
        if !tls12 && !tls13 {
            return Err(nothing("cipher suite"));
        }
        let groups = translate(&self.groups, GROUPS);
        let signatures = translate(&self.signatures, SIGNATURES);
        if groups.is_empty() && tls13 {
            return Err(nothing("group"));
        }
        if signatures.is_empty() && !psk {
            return Err(nothing("signature"));
        }
        let unless =
            |usual: bool, list: String| Some(list).filter(|list| !usual && !list.is_empty());
        Ok(Priority {
            tls12,
            tls13,
            suites13: suites13.join(":"),
            suites12: suites12.join(":"),
            groups: unless(self.usual_groups, groups),
            signatures: unless(self.usual_signatures, signatures),
            level: self.level,
            check_revocation: self.check_revocation,
            wildcards: self.wildcards,
            compatible: self.compatible,
            disguise: self.disguise,
        })
    }

    fn suites13(&self, psk: bool) -> Vec<&'static str> {
        if !self.macs.contains(&"AEAD") {
            return Vec::new();
        }
        let suite = |cipher: &&str| {
            let found = SUITES_13.iter().find(|(name, ..)| name == cipher);
            found.filter(|(_, _, sha256)| *sha256 || !psk)
        };
        self.ciphers
            .iter()
            .filter_map(suite)
            .map(|(_, name, _)| *name)
            .collect()
    }

    /// The suites of TLS 1.2: those with forward secrecy before those without,
    /// authenticated encryption before CBC, then in the order of the string.
    fn suites12(&self) -> Vec<&'static str> {
        let place = |list: &[&str], name: &str| list.iter().position(|have| *have == name);
        let mut suites: Vec<_> = SUITES_12
            .iter()
            .filter_map(|(exchange, cipher, mac, name)| {
                let static_keys = !exchange.contains("DHE");
                let order = (
                    static_keys,
                    *mac != "AEAD",
                    place(&self.ciphers, cipher)?,
                    place(&self.exchanges, exchange)?,
                    place(&self.macs, mac)?,
                );
                Some((order, *name))
            })
            .collect();
        suites.sort_unstable();
        suites.into_iter().map(|(_, name)| name).collect()
    }
}

fn keyword(name: &str) -> Option<&'static Keyword> {
    KEYWORDS
        .iter()
        .find(|keyword| keyword.name.eq_ignore_ascii_case(name))
}

/// The ciphers of a keyword, with ChaCha20 before or behind those that need
/// AES instructions to be fast, and what has two passes after what has one.
fn preferred(ciphers: &[&'static str], fast_aes: bool) -> Vec<&'static str> {
    let mut ciphers = ciphers.to_vec();
    ciphers.sort_by_key(|name| match *name {
        "CHACHA20-POLY1305" if !fast_aes => 0,
        "AES-256-GCM" | "AES-128-GCM" => 1,
        "CHACHA20-POLY1305" => 2,
        _ => 3,
    });
    ciphers
}

fn elliptic<'a>(groups: &'a [&'static str]) -> &'a [&'static str] {
    groups.get(..first_finite(groups)).unwrap_or_default()
}

fn finite<'a>(groups: &'a [&'static str]) -> &'a [&'static str] {
    groups.get(first_finite(groups)..).unwrap_or_default()
}

fn first_finite(groups: &[&str]) -> usize {
    let is_finite = |name: &&str| name.starts_with("FFDHE");
    groups.iter().position(is_finite).unwrap_or(groups.len())
}

fn find(table: &'static [Name], name: &str) -> Option<&'static Name> {
    table
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
}

fn append(list: &mut Vec<&'static str>, names: &[&'static str]) {
    for name in names {
        if !list.contains(name) {
            list.push(name);
        }
    }
}

/// The names in OpenSSL's form, each once.
fn translate(list: &[&str], table: &'static [Name]) -> String {
    let mut translated = Vec::new();
    for name in list {
        if let Some((_, Some(name))) = find(table, name) {
            append(&mut translated, &[name]);
        }
    }
    translated.join(":")
}

fn unknown(item: &str) -> Error {
    wrong(&format!("\"{}\" is not known", item.escape_debug()))
}

fn unavailable(item: &str) -> Error {
    wrong(&format!(
        "\"{}\" is not available, because OpenSSL does not have it or it is too weak; leave it out",
        item.escape_debug()
    ))
}

fn nothing(what: &str) -> Error {
    wrong(&format!("no {what} is left"))
}

fn wrong(what: &str) -> Error {
    Error::new(libc::EINVAL, format!("TLS priority string: {what}"))
}

#[cfg(test)]
mod tests;
