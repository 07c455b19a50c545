//! Priority strings, with which users of GnuTLS choose versions and algorithms,
//! as settings of OpenSSL.
//!
//! A string is a keyword followed by items, separated by colons: `+NAME`
//! appends something to its list, `-NAME` and `!NAME` remove it, `%NAME` is an
//! option.  Nothing in a string is ignored: what does not exist, or what
//! OpenSSL does not support, is an error.

mod table;

use std::ffi::CStr;

use crate::error::{Error, Result};

use table::*;

/// The default.
pub const DEFAULT_PRIORITY: &CStr = c"NORMAL";

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
    /// `None` keeps OpenSSL's own.
    pub groups: Option<String>,
    pub signatures: Option<String>,
    /// The minimum strength of certificates and groups; `None` leaves it to the
    /// system.
    pub level: Option<u32>,
    pub check_revocation: bool,
    pub wildcards: bool,
    /// Workarounds for faulty servers.
    pub compatible: bool,
    /// Middlebox compatibility: makes the session look like an older version of
    /// the protocol.
    pub disguise: bool,
}

impl Priority {
    /// Reads a string.  `fast_aes` says whether the processor has
    /// instructions for AES: without them ChaCha20 is the better choice.
    pub fn parse(text: &str, authentication: Authentication, fast_aes: bool) -> Result<Self> {
        let mut items = text.split(':').map(str::trim);
        let first = items.next().unwrap_or_default();
        let mut choice = Choice::default();
        if !choice.add_keyword(first, fast_aes) {
            return Err(unknown(first));
        }
        for item in items {
            match item.split_at_checked(1) {
                Some(("%", name)) => choice.option(item, name)?,
                Some(("+", name)) if choice.add_keyword(name, fast_aes) => {}
                Some(("+", name)) => choice.change(item, name, true, fast_aes)?,
                Some(("-" | "!", name)) => choice.change(item, name, false, fast_aes)?,
                _ => return Err(unknown(item)),
            }
        }
        choice.settings(authentication)
    }
}

/// What a string has selected so far.
#[derive(Debug, Default)]
struct Choice {
    /// In the order of the string.
    chosen: Vec<&'static Item>,
    level: Option<u32>,
    no_revocation: bool,
    no_wildcards: bool,
    compatible: bool,
    no_disguise: bool,
    no_cbc: bool,
}

impl Choice {
    /// Whether this is a keyword.
    fn add_keyword(&mut self, name: &str, fast_aes: bool) -> bool {
        let is_strong = |(kind, name, to_openssl): &Item| match kind {
            Cipher => !name.contains("128"),
            Mac => *name != "SHA1",
            Group => ["P-384", "P-521", "ffdhe8192"].contains(to_openssl),
            Signature => !name.contains("256") && !name.contains("25519"),
            Version | Exchange => true,
        };
        let speed = |item: &Item| match item.1 {
            "AES-128-GCM" | "AES-256-GCM" => 1_usize,
            "CHACHA20-POLY1305" if fast_aes => 2,
            "CHACHA20-POLY1305" => 0,
            _ => 3,
        };
        let rank =
            |item: &Item| speed(item).saturating_mul(2) | usize::from(item.1.contains("AES-256"));
        let mut items = usual(fast_aes);
        match name.to_ascii_uppercase().as_str() {
            "NORMAL" | "SECURE128" => {}
            "PERFORMANCE" => items = by_rank(&items, rank),
            "PFS" => items.retain(|item| item.1 != "RSA"),
            "SECURE192" | "SECURE256" => {
                items.retain(|item| is_strong(item));
                // Certificates must satisfy all keywords.
                self.level = self.level.max(Some(3));
            }
            "NONE" => items.clear(),
            _ => return false,
        }
        self.append(items);
        true
    }

    fn change(&mut self, item: &str, name: &str, add: bool, fast_aes: bool) -> Result<()> {
        match (Named::find(name).ok_or_else(|| unknown(item))?, add) {
            (Named::Item(named), true) => self.append(vec![named]),
            (Named::Item(named), false) => self.chosen.retain(|item| *item != named),
            (Named::All(is_meant), true) => {
                let all = usual(fast_aes).into_iter();
                self.append(all.filter(|item| is_meant(item)).collect());
            }
            (Named::All(is_meant), false) => self.chosen.retain(|item| !is_meant(item)),
            (Named::Always, true) | (Named::Absent, false) => {}
            (Named::Always, false) | (Named::Absent, true) => return Err(unavailable(item)),
        }
        Ok(())
    }

    fn append(&mut self, items: Vec<&'static Item>) {
        for item in items {
            if !self.chosen.contains(&item) {
                self.chosen.push(item);
            }
        }
    }

    fn option(&mut self, item: &str, name: &str) -> Result<()> {
        match name.to_ascii_uppercase().as_str() {
            "COMPAT" => self.compatible = true,
            "DISABLE_TLS13_COMPAT_MODE" => self.no_disguise = true,
            "DISABLE_WILDCARDS" => self.no_wildcards = true,
            "VERIFY_DISABLE_CRL_CHECKS" => self.no_revocation = true,
            // Only CBC can lack it, and there are better ciphers.
            "FORCE_ETM" => self.no_cbc = true,
            "PROFILE_LOW" | "PROFILE_LEGACY" => self.level = Some(1),
            "PROFILE_MEDIUM" => self.level = Some(2),
            "PROFILE_HIGH" => self.level = Some(3),
            "PROFILE_ULTRA" => self.level = Some(4),
            "PROFILE_FUTURE" => self.level = Some(5),
            // What the library always does, or what only a server decides.
            "SAFE_RENEGOTIATION" | "NO_TICKETS" | "SERVER_PRECEDENCE" => {}
            _ => return Err(unavailable(item)),
        }
        Ok(())
    }

    fn of_kind(&self, kind: Kind) -> Vec<&'static Item> {
        let chosen = self.chosen.iter().copied();
        chosen.filter(|item| item.0 == kind).collect()
    }

    fn settings(mut self, authentication: Authentication) -> Result<Priority> {
        let psk = authentication == Authentication::Psk;
        let of_psk = |item: &Item| item.1.ends_with("PSK");
        if psk {
            self.append(ITEMS.iter().filter(|item| of_psk(item)).collect());
        }
        let no_cbc = self.no_cbc;
        self.chosen.retain(|item| match item.0 {
            Exchange => of_psk(item) == psk,
            _ => !no_cbc || !item.1.ends_with("-CBC"),
        });
        let versions = self.of_kind(Version);
        if versions.is_empty() {
            return Err(nothing("version from TLS 1.2 on"));
        }
        let offers = |version| versions.iter().any(|item| item.1 == version);
        let (suites13, suites12) = (self.suites13(psk), self.suites12());
        let tls13 = offers("VERS-TLS1.3") && !suites13.is_empty();
        let tls12 = offers("VERS-TLS1.2") && !suites12.is_empty();
        if !tls12 && !tls13 {
            return Err(nothing("cipher suite"));
        }
        let (groups, signatures) = (self.of_kind(Group), self.of_kind(Signature));
        if groups.is_empty() && tls13 {
            return Err(nothing("group"));
        }
        if signatures.is_empty() && !psk {
            return Err(nothing("signature"));
        }
        Ok(Priority {
            tls12,
            tls13,
            suites13: suites13.join(":"),
            suites12: suites12.join(":"),
            groups: unless_usual(&groups),
            signatures: unless_usual(&signatures),
            level: self.level,
            check_revocation: !self.no_revocation,
            wildcards: !self.no_wildcards,
            compatible: self.compatible,
            disguise: !self.no_disguise,
        })
    }

    fn suites13(&self, psk: bool) -> Vec<&'static str> {
        let suite = |cipher: &&Item| SUITES_13.iter().find(|(name, ..)| *name == cipher.1);
        if !self.chosen.iter().any(|item| item.1 == "AEAD") {
            return Vec::new();
        }
        self.of_kind(Cipher)
            .iter()
            .filter_map(suite)
            .filter(|(_, _, sha256)| *sha256 || !psk)
            .map(|(_, name, _)| *name)
            .collect()
    }

    /// The suites of TLS 1.2: those with forward secrecy before those without,
    /// authenticated encryption before CBC, then in the order of the string.
    fn suites12(&self) -> Vec<String> {
        let mut suites = Vec::new();
        let (ciphers, macs) = (self.of_kind(Cipher), self.of_kind(Mac));
        let exchanges = self.of_kind(Exchange);
        let has_forward_secrecy = |item: &&&Item| item.1.contains("DHE");
        let with = exchanges.iter().filter(has_forward_secrecy);
        let without = exchanges.iter().filter(|item| !has_forward_secrecy(item));
        for exchanges in [with.collect::<Vec<_>>(), without.collect()] {
            for authenticated in [true, false] {
                for cipher in &ciphers {
                    for exchange in &exchanges {
                        let macs = macs.iter().filter(|mac| (mac.1 == "AEAD") == authenticated);
                        suites.extend(macs.filter_map(|mac| suite12(exchange, cipher, mac)));
                    }
                }
            }
        }
        suites
    }
}

/// What a name in an item stands for.
enum Named {
    Item(&'static Item),
    /// All items of one kind that NORMAL selects.
    All(fn(&Item) -> bool),
    /// It cannot be taken away.
    Always,
    /// It cannot be added.
    Absent,
}

impl Named {
    fn find(name: &str) -> Option<Self> {
        let mut name = name.to_ascii_uppercase();
        if let Some(group) = name.strip_prefix("CURVE-") {
            name = format!("GROUP-{group}");
        }
        Some(match name.as_str() {
            "VERS-ALL" | "VERS-TLS-ALL" => Self::All(|item| item.0 == Version),
            "CIPHER-ALL" => Self::All(|item| item.0 == Cipher),
            "KX-ALL" => Self::All(|item| item.0 == Exchange),
            "MAC-ALL" => Self::All(|item| item.0 == Mac),
            "SIGN-ALL" => Self::All(|item| item.0 == Signature),
            "GROUP-ALL" => Self::All(|item| item.0 == Group),
            "GROUP-DH-ALL" => Self::All(|item| item.1.starts_with("GROUP-FFDHE")),
            "GROUP-EC-ALL" => Self::All(|item| item.0 == Group && !item.1.starts_with("GROUP-FF")),
            name if ALWAYS.contains(&name) => Self::Always,
            name if ABSENT.contains(&name) => Self::Absent,
            name => Self::Item(ITEMS.iter().find(|item| item.1 == name)?),
        })
    }
}

/// What NORMAL selects.  ChaCha20 comes first if the processor has no
/// instructions for AES.
fn usual(fast_aes: bool) -> Vec<&'static Item> {
    let is_usual =
        |item: &&Item| !item.1.ends_with("PSK") && !["SHA256", "SHA384"].contains(&item.1);
    let items: Vec<_> = ITEMS.iter().filter(is_usual).collect();
    if fast_aes {
        return items;
    }
    by_rank(&items, |item| (item.1 != "CHACHA20-POLY1305").into())
}

/// The items by rank, which is less than 8, and otherwise in the same order.
/// The sorts of the standard library are made for more items, and are large.
fn by_rank(items: &[&'static Item], rank: impl Fn(&Item) -> usize) -> Vec<&'static Item> {
    let rank = &rank;
    let of_rank = |wanted| {
        items
            .iter()
            .copied()
            .filter(move |item| rank(item) == wanted)
    };
    (0..8).flat_map(of_rank).collect()
}

/// The names for OpenSSL, each once.  The usual selection is left to OpenSSL,
/// which has the same one and makes its own choice for the first key share.
fn unless_usual(items: &[&'static Item]) -> Option<String> {
    let kind = items.first()?.0;
    if usual(true)
        .into_iter()
        .filter(|item| item.0 == kind)
        .eq(items.iter().copied())
    {
        return None;
    }
    let mut names: Vec<&str> = Vec::new();
    for (_, _, name) in items {
        if !names.contains(name) {
            names.push(name);
        }
    }
    Some(names.join(":"))
}

fn unknown(item: &str) -> Error {
    wrong(&format!("\"{}\" is not known", item.escape_debug()))
}

fn unavailable(item: &str) -> Error {
    wrong(&format!(
        "\"{}\" is not available, because OpenSSL does not support it or it is too weak; leave it out",
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
