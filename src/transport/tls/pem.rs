//! PEM texts from the program, checked block by block, so that an error can be
//! reported with the number of its line.

use openssl::base64;
use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::x509::{X509, X509Crl};

use super::guard::enter;
use super::reasons;
use super::secret::Secret;
use crate::error::{Error, Result};

/// More than any useful text has: the limit catches invalid lengths.
const MAX_LENGTH: usize = 16 << 20;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// What a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Authorities,
    Certificate,
    Key,
    Revocations,
}

impl What {
    /// Whether a block is of this kind.  Other blocks are ignored, because a file
    /// with a certificate often contains its key as well.
    fn is_label(self, label: &[u8]) -> bool {
        match self {
            Self::Authorities | Self::Certificate => {
                [&b"CERTIFICATE"[..], b"X509 CERTIFICATE"].contains(&label)
            }
            Self::Key => label == b"PRIVATE KEY" || label.ends_with(b" PRIVATE KEY"),
            Self::Revocations => label == b"X509 CRL",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Authorities | Self::Certificate => "certificate",
            Self::Key => "private key",
            Self::Revocations => "certificate revocation list",
        }
    }
}

/// The blocks of this kind in a text, one after the other.  There is at least
/// one, and OpenSSL can parse each, except that an encrypted key needs its
/// password.
pub fn blocks(what: What, text: &[u8]) -> Result<Secret> {
    if text.len() > MAX_LENGTH {
        let wrong = format!("the PEM text is longer than {MAX_LENGTH} bytes");
        return Err(Error::new(libc::EINVAL, wrong));
    }
    let mut useful = Secret::with_capacity(text.len().saturating_add(1));
    let mut count = 0_usize;
    for block in (Blocks {
        rest: text,
        line: 1,
    }) {
        let block = block?;
        if !what.is_label(block.label) {
            continue;
        }
        count = count.saturating_add(1);
        if what == What::Key && count > 1 {
            return Err(wrong(block.line, "there is a second private key"));
        }
        check(what, &block)?;
        useful.extend(block.text);
        useful.extend(b"\n");
    }
    if count == 0 {
        let wrong = format!("there is no {} in the PEM text", what.name());
        return Err(Error::new(libc::EINVAL, wrong));
    }
    Ok(useful)
}

fn wrong(line: usize, what: impl std::fmt::Display) -> Error {
    Error::new(libc::EINVAL, format!("line {line}: {what}"))
}

/// Whether OpenSSL can parse a block.
fn check(what: What, block: &Block<'_>) -> Result<()> {
    if what == What::Key && block.is_encrypted() {
        return match block.is_base64() {
            true => Ok(()),
            false => Err(wrong(block.line, "the encrypted private key is malformed")),
        };
    }
    let _busy = enter();
    let parsed: std::result::Result<(), ErrorStack> = match what {
        What::Authorities | What::Certificate => X509::from_pem(block.text).map(drop),
        // Without a callback OpenSSL would ask for a password on the terminal.
        What::Key => PKey::private_key_from_pem_callback(block.text, |_| Ok(0)).map(drop),
        What::Revocations => X509Crl::from_pem(block.text).map(drop),
    };
    parsed.map_err(|error| {
        let reasons = reasons(&error);
        wrong(
            block.line,
            format!("the {} is malformed: {reasons}", what.name()),
        )
    })
}

/// From a BEGIN line to its END line.
#[derive(Debug)]
struct Block<'a> {
    label: &'a [u8],
    /// All of it, without the end of the last line.
    text: &'a [u8],
    /// The line of its BEGIN, counted from 1.
    line: usize,
}

impl<'a> Block<'a> {
    fn is_encrypted(&self) -> bool {
        self.label == b"ENCRYPTED PRIVATE KEY"
            || self.lines().any(|line| line == b"Proc-Type: 4,ENCRYPTED")
    }

    /// The lines between BEGIN and END.
    fn lines(&self) -> impl Iterator<Item = &'a [u8]> {
        let lines = self.text.split(|&byte| byte == b'\n').map(trimmed);
        lines.filter(|line| !line.starts_with(DASHES))
    }

    /// Whether the lines below the headers are base64.
    fn is_base64(&self) -> bool {
        let content: Vec<u8> = self
            .lines()
            .filter(|line| !line.contains(&b':'))
            .flatten()
            .copied()
            .collect();
        let Ok(content) = std::str::from_utf8(&content) else {
            return false;
        };
        let _busy = enter();
        base64::decode_block(content).is_ok_and(|bytes| !bytes.is_empty())
    }
}

/// Splits a text into blocks.  After an error there are no more.
struct Blocks<'a> {
    rest: &'a [u8],
    /// The number of the line with which the rest begins.
    line: usize,
}

impl<'a> Blocks<'a> {
    /// The next line without its end, and its number.
    fn next_line(&mut self) -> Option<(&'a [u8], usize)> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|&byte| byte == b'\n');
        let (line, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest.get(1..).unwrap_or_default();
        let number = self.line;
        self.line = number.saturating_add(1);
        Some((line, number))
    }

    fn next_block(&mut self) -> Result<Option<Block<'a>>> {
        let (text, label, line) = loop {
            let text = self.rest;
            let Some((line, number)) = self.next_line() else {
                return Ok(None);
            };
            no_nul(line, number)?;
            if let Some(label) = bracketed(line, BEGIN) {
                break (text, label, number);
            }
            if line.starts_with(DASHES) {
                let reason = "the line begins with dashes but is not the beginning of a PEM block";
                return Err(wrong(number, reason));
            }
        };
        while let Some((next, number)) = self.next_line() {
            no_nul(next, number)?;
            if bracketed(next, END) == Some(label) {
                let length = text.len().saturating_sub(self.rest.len());
                let text = trimmed(text.get(..length).unwrap_or_default());
                return Ok(Some(Block { label, text, line }));
            }
            if next.starts_with(DASHES) {
                break;
            }
        }
        Err(wrong(line, "the PEM block that begins here has no end"))
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Result<Block<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let block = self.next_block();
        if block.is_err() {
            self.rest = &[];
        }
        block.transpose()
    }
}

fn no_nul(line: &[u8], number: usize) -> Result<()> {
    match line.contains(&0) {
        true => Err(wrong(number, "the PEM text contains a NUL")),
        false => Ok(()),
    }
}

/// What stands between the marks in a line such as `-----BEGIN ...-----`.
fn bracketed<'a>(line: &'a [u8], begin: &[u8]) -> Option<&'a [u8]> {
    trimmed(line).strip_prefix(begin)?.strip_suffix(DASHES)
}

/// Without white space at the end.
fn trimmed(text: &[u8]) -> &[u8] {
    text.trim_ascii_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the blocks are, and the error behind them.
    fn found(text: &[u8]) -> (Vec<(String, usize)>, Option<String>) {
        let mut good = Vec::new();
        for block in (Blocks {
            rest: text,
            line: 1,
        }) {
            match block {
                Ok(block) => {
                    let label = String::from_utf8(block.label.to_vec()).unwrap();
                    assert!(block.text.starts_with(BEGIN) && block.text.ends_with(DASHES));
                    good.push((label, block.line));
                }
                Err(error) => return (good, Some(error.text().to_owned())),
            }
        }
        (good, None)
    }

    #[test]
    fn blocks_are_found_among_other_text() {
        let text = b"Subject: a\r\n-----BEGIN A B-----\r\nAA==\r\n-----END A B-----\r\n\n\
                     -----BEGIN C-----\n-----END C-----";
        let expected = vec![("A B".to_owned(), 2), ("C".to_owned(), 6)];
        assert_eq!(found(text), (expected, None));
        assert_eq!(found(b""), (vec![], None));
        assert_eq!(found(b"nothing\n"), (vec![], None));
    }

    #[test]
    fn what_is_wrong_is_said_with_the_line() {
        for (text, line) in [
            (&b"\n-----BEGIN A-----\nAA==\n"[..], 2),
            (b"-----BEGIN A-----\n-----END B-----\n", 1),
            (
                b"-----BEGIN A-----\n-----BEGIN A-----\n-----END A-----\n",
                1,
            ),
            (b"a\nb\n-----BEGIN A----\n", 3),
            (b"-----END A-----\n", 1),
            (b"a\n\0\n", 2),
            (b"-----BEGIN A-----\n\n\0\n-----END A-----\n", 3),
            (b"-----BEGIN A-----\n-----END A-----\n\0", 3),
        ] {
            let error = found(text).1.unwrap();
            assert!(error.starts_with(&format!("line {line}: ")), "{error}");
        }
    }

    #[test]
    fn a_block_has_to_be_what_it_says() {
        let text = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for what in [What::Authorities, What::Certificate] {
            let error = blocks(what, text).unwrap_err();
            assert_eq!(error.errno(), libc::EINVAL);
            assert!(error.text().starts_with("line 1: "), "{error}");
        }
        for what in [What::Key, What::Revocations] {
            let error = blocks(what, text).unwrap_err();
            assert!(error.text().starts_with("there is no "), "{error}");
        }
        let error = blocks(What::Key, b"").unwrap_err();
        assert_eq!(error.errno(), libc::EINVAL);
    }

    #[test]
    fn an_encrypted_key_waits_for_its_password() {
        let text = |content: &str| {
            format!(
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\n{content}\n\
                 -----END ENCRYPTED PRIVATE KEY-----\n"
            )
        };
        let good = text("MIIB\nAAAA");
        let kept = blocks(What::Key, good.as_bytes()).unwrap();
        assert_eq!(kept.as_bytes(), good.as_bytes());
        for content in ["", "M", "M?==", "MIIB\u{ff}"] {
            blocks(What::Key, text(content).as_bytes()).unwrap_err();
        }
        let old = b"-----BEGIN EC PARAMETERS-----\nAA==\n-----END EC PARAMETERS-----\n\
                    -----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
                    DEK-Info: AES-128-CBC,00\n\nAAAA\n-----END EC PRIVATE KEY-----\n";
        blocks(What::Key, old).unwrap();
        blocks(What::Key, &[&old[..], &old[..]].concat()).unwrap_err();
    }
}
