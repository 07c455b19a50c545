//! The script language: what the server sends and expects, byte by byte.
//!
//! One step per line; `#` begins a comment. README.md describes the steps and tokens.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use crate::config::Replies;
use crate::wire::{self, number};

/// A conversation, step by step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script(Vec<(usize, Step)>);

/// One step of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send these bytes.
    Send(Vec<Token>),
    /// Receive exactly these bytes.
    Expect(Vec<Token>),
    /// Receive this many bytes, whatever they are.
    Read(usize),
    /// Receive an option with its data; if a number is given, it must match.
    ReadOption(Option<u32>),
    /// Reply to the last option read.
    OptionReply {
        /// Type of the reply.
        kind: u32,
        /// Its data.
        data: Vec<Token>,
    },
    /// Receive a request with its payload; if a command is given, it must match.
    ReadRequest(Option<u16>),
    /// Send a simple reply.
    Simple {
        /// The request to reply to.
        to: Which,
        /// Error value.
        error: u32,
        /// Data after the header.
        data: Vec<Token>,
    },
    /// Send a structured reply chunk.
    Chunk {
        /// The request to reply to.
        to: Which,
        /// Reply flags.
        flags: u16,
        /// Chunk type.
        kind: u16,
        /// Its payload.
        payload: Vec<Token>,
    },
    /// Send an extended reply chunk.
    ExtChunk {
        /// The request to reply to.
        to: Which,
        /// Reply flags.
        flags: u16,
        /// Chunk type.
        kind: u16,
        /// Offset in the header; `None` means that of the request.
        offset: Option<u64>,
        /// Its payload.
        payload: Vec<Token>,
    },
    /// Perform the regular handshake, up to the transmission phase.
    Handshake,
    /// Serve requests like the regular server, with this form of replies if no handshake step
    /// negotiated one.
    Serve(Option<Replies>),
    /// Pause.
    Sleep(Duration),
    /// Receive and ignore everything until the client closes.
    WaitEof,
    /// Expect the client to close without sending another byte.
    ExpectEof,
    /// Close for writing only.
    ShutdownWrite,
    /// Close.
    Close,
}

/// A request that was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// The last one.
    #[default]
    Last,
    /// Counted from 1.
    Number(usize),
}

/// A token: a source of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// These bytes.
    Bytes(Vec<u8>),
    /// One byte of any value, in expected bytes.
    Any,
    /// The cookie of a request.
    Cookie(Which),
    /// Bytes of the pattern disk.
    Data {
        /// Where on the disk.
        offset: u64,
        /// How many.
        length: usize,
    },
}

impl Script {
    /// A script of these steps; violation reports count them as lines.
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Script {
        Script((1..).zip(steps).collect())
    }

    /// Reads a script; an error names its line.
    pub fn parse(text: &str) -> Result<Script, String> {
        let mut steps = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let error = |error| format!("line {number}: {error}");
            let words = words(line).map_err(error)?;
            if !words.is_empty() {
                steps.push((number, step(words).map_err(error)?));
            }
        }
        Ok(Script(steps))
    }

    /// The steps with their lines.
    pub fn steps(&self) -> &[(usize, Step)] {
        &self.0
    }

    /// Reads a script from a file.
    pub fn load(path: &Path) -> Result<Script, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        Script::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
    }
}

impl FromStr for Script {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Script::parse(text)
    }
}

/// A word of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    Bare(String),
    Quoted(Vec<u8>),
}

/// Splits a line at white space outside quotes, up to a comment.
fn words(line: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        match first {
            '#' => break,
            '"' => {
                let (text, tail) = quoted(&rest[1..])?;
                words.push(Word::Quoted(text.into_bytes()));
                rest = tail.trim_start();
            }
            _ => {
                let stop = |c: char| c.is_whitespace() || c == '"' || c == '#';
                let (word, tail) = rest.split_at(rest.find(stop).unwrap_or(rest.len()));
                words.push(Word::Bare(word.to_owned()));
                rest = tail.trim_start();
            }
        }
    }
    Ok(words)
}

/// Reads up to the closing quote; a backslash makes the next character literal.
fn quoted(rest: &str) -> Result<(String, &str), String> {
    let mut text = String::new();
    let mut chars = rest.char_indices();
    while let Some((index, c)) = chars.next() {
        match c {
            '"' => return Ok((text, &rest[index + 1..])),
            '\\' => text.push(chars.next().ok_or("text ends in a backslash")?.1),
            _ => text.push(c),
        }
    }
    Err("text without a closing quote".to_owned())
}

/// Takes arguments from the front of a line.
struct Arguments(std::iter::Peekable<std::vec::IntoIter<Word>>);

impl Arguments {
    fn bare(&mut self) -> Option<String> {
        match self.0.next_if(|word| matches!(word, Word::Bare(_)))? {
            Word::Bare(word) => Some(word),
            Word::Quoted(_) => None,
        }
    }

    fn need<T>(
        &mut self,
        what: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, String> {
        let word = self.bare().ok_or_else(|| format!("{what} is missing"))?;
        parse(&word)
    }

    fn number<T: TryFrom<u64>>(&mut self, what: &str) -> Result<T, String> {
        self.need(what, |word| {
            let value = number(word).and_then(|value| value.try_into().ok());
            value.ok_or_else(|| format!("{what} '{word}' is not a suitable number"))
        })
    }

    fn optional<T>(
        &mut self,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        self.bare().map(|word| parse(&word)).transpose()
    }

    /// `@K`, which may be before or after the name of a step.
    fn which(&mut self) -> Result<Option<Which>, String> {
        match self
            .0
            .next_if(|word| matches!(word, Word::Bare(word) if word.starts_with('@')))
        {
            Some(Word::Bare(word)) => which(&word[1..]).map(Some),
            _ => Ok(None),
        }
    }

    fn tokens(&mut self) -> Result<Vec<Token>, String> {
        tokens(self.0.by_ref())
    }
}

fn step(words: Vec<Word>) -> Result<Step, String> {
    let mut arguments = Arguments(words.into_iter().peekable());
    let before = arguments.which()?;
    let name = arguments.bare().ok_or("a step must begin with its name")?;
    let behind = arguments.which()?;
    let to = before.or(behind);
    if to.is_some() && !matches!(name.as_str(), "simple" | "chunk" | "ext-chunk") {
        return Err(format!("{name} is not a reply to a request"));
    }
    let step = build(&name, to.unwrap_or_default(), &mut arguments)?;
    match arguments.0.next() {
        None => Ok(step),
        Some(word) => Err(format!("{name} has an argument too many: {word:?}")),
    }
}

fn build(name: &str, to: Which, arguments: &mut Arguments) -> Result<Step, String> {
    let code16 = |names: &'static wire::Names| {
        move |word: &str| {
            u16::try_from(names.parse(word)?).map_err(|_| format!("'{word}' exceeds 16 bits"))
        }
    };
    Ok(match name {
        "send" => {
            let bytes = arguments.tokens()?;
            if bytes.contains(&Token::Any) {
                return Err("'..' cannot be sent".to_owned());
            }
            Step::Send(bytes)
        }
        "expect" => Step::Expect(arguments.tokens()?),
        "read" => Step::Read(arguments.number("count")?),
        "read-option" => Step::ReadOption(arguments.optional(|word| wire::OPTIONS.parse(word))?),
        "option-reply" => Step::OptionReply {
            kind: arguments.need("type", |word| wire::REPLIES.parse(word))?,
            data: arguments.tokens()?,
        },
        "read-request" => Step::ReadRequest(arguments.optional(code16(&wire::COMMANDS))?),
        "simple" => Step::Simple {
            to,
            error: arguments.need("error", |word| wire::ERRORS.parse(word))?,
            data: arguments.tokens()?,
        },
        "chunk" => Step::Chunk {
            to,
            flags: arguments.need("flags", code16(&wire::REPLY_FLAGS))?,
            kind: arguments.need("type", code16(&wire::CHUNKS))?,
            payload: arguments.tokens()?,
        },
        "ext-chunk" => Step::ExtChunk {
            to,
            flags: arguments.need("flags", code16(&wire::REPLY_FLAGS))?,
            kind: arguments.need("type", code16(&wire::CHUNKS))?,
            offset: arguments.need("offset", |word| match word {
                "=" => Ok(None),
                _ => number(word)
                    .map(Some)
                    .ok_or_else(|| format!("offset '{word}' is not a number")),
            })?,
            payload: arguments.tokens()?,
        },
        "handshake" => Step::Handshake,
        "serve" => Step::Serve(arguments.optional(Replies::from_str)?),
        "sleep" => Step::Sleep(Duration::from_millis(arguments.number("time")?)),
        "wait-eof" => Step::WaitEof,
        "expect-eof" => Step::ExpectEof,
        "shutdown-write" => Step::ShutdownWrite,
        "close" => Step::Close,
        _ => return Err(format!("unknown step '{name}'")),
    })
}

/// Reads tokens; neighbouring hex words form one string of digits.
fn tokens(words: impl Iterator<Item = Word>) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut digits = String::new();
    for word in words {
        match word {
            Word::Bare(word) if word.chars().all(|c| c.is_ascii_hexdigit() || c == '.') => {
                digits.push_str(&word)
            }
            word => {
                hex(&std::mem::take(&mut digits), &mut tokens)?;
                tokens.push(match word {
                    Word::Quoted(text) => Token::Bytes(text),
                    Word::Bare(word) => token(&word)?,
                });
            }
        }
    }
    hex(&digits, &mut tokens)?;
    Ok(tokens)
}

fn hex(digits: &str, tokens: &mut Vec<Token>) -> Result<(), String> {
    for pair in digits.as_bytes().chunks(2) {
        let pair = std::str::from_utf8(pair).unwrap_or_default();
        if pair == ".." {
            tokens.push(Token::Any);
            continue;
        }
        let byte = (pair.len() == 2)
            .then(|| u8::from_str_radix(pair, 16).ok())
            .flatten();
        let byte =
            byte.ok_or_else(|| format!("'{digits}' does not consist of whole hexadecimal bytes"))?;
        match tokens.last_mut() {
            Some(Token::Bytes(bytes)) => bytes.push(byte),
            _ => tokens.push(Token::Bytes(vec![byte])),
        }
    }
    Ok(())
}

fn token(word: &str) -> Result<Token, String> {
    let bytes = |bytes: Option<Vec<u8>>| {
        bytes
            .map(Token::Bytes)
            .ok_or_else(|| format!("bad number in '{word}'"))
    };
    let (name, argument) = word.split_once(':').unwrap_or((word, ""));
    match name {
        "NBDMAGIC" => bytes(Some(wire::NBDMAGIC.to_be_bytes().to_vec())),
        "IHAVEOPT" => bytes(Some(wire::IHAVEOPT.to_be_bytes().to_vec())),
        "OPTREPLY" => bytes(Some(wire::OPTION_REPLY.to_be_bytes().to_vec())),
        "u16" => bytes(
            number(argument).and_then(|n| Some(u16::try_from(n).ok()?.to_be_bytes().to_vec())),
        ),
        "u32" => bytes(
            number(argument).and_then(|n| Some(u32::try_from(n).ok()?.to_be_bytes().to_vec())),
        ),
        "u64" => bytes(number(argument).map(|n| n.to_be_bytes().to_vec())),
        "zero" => bytes(count(argument).map(|n| vec![0; n])),
        "fill" => bytes(
            argument
                .split_once('*')
                .and_then(|(byte, n)| Some(vec![u8::try_from(number(byte)?).ok()?; count(n)?])),
        ),
        "cookie" if argument.is_empty() => Ok(Token::Cookie(Which::Last)),
        "cookie" => which(argument).map(Token::Cookie),
        "data" => {
            let range = argument
                .split_once('+')
                .and_then(|(offset, n)| Some((number(offset)?, count(n)?)));
            let (offset, length) =
                range.ok_or_else(|| format!("'{word}' is not data:OFFSET+LENGTH"))?;
            Ok(Token::Data { offset, length })
        }
        _ => Err(format!("unknown token '{word}'")),
    }
}

/// A length that a script may use.
fn count(word: &str) -> Option<usize> {
    number(word)
        .filter(|&count| count <= 1 << 30)?
        .try_into()
        .ok()
}

fn which(word: &str) -> Result<Which, String> {
    match number(word) {
        Some(k) if k > 0 => Ok(Which::Number(k as usize)),
        _ => Err(format!("requests are numbered from 1, not '{word}'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Step {
        let script = Script::parse(line).unwrap();
        assert_eq!(script.0.len(), 1);
        script.0[0].1.clone()
    }

    fn bytes(bytes: &[u8]) -> Vec<Token> {
        vec![Token::Bytes(bytes.to_vec())]
    }

    #[test]
    fn hex_ignores_white_space() {
        assert_eq!(
            parse("send 25609513 00 0 1 # end"),
            Step::Send(bytes(&[0x25, 0x60, 0x95, 0x13, 0, 1]))
        );
        assert_eq!(
            parse("expect 01..02"),
            Step::Expect([bytes(&[1]), vec![Token::Any], bytes(&[2])].concat())
        );
    }

    #[test]
    fn tokens_stand_for_bytes() {
        let Step::Send(tokens) =
            parse(r#"send NBDMAGIC u16:3 u32:0x102 u64:5 "a #\"b" zero:2 fill:0xfe*3"#)
        else {
            panic!("not a send");
        };
        let Token::Bytes(all) =
            tokens
                .iter()
                .fold(Token::Bytes(Vec::new()), |all, token| match (all, token) {
                    (Token::Bytes(mut all), Token::Bytes(more)) => {
                        all.extend(more);
                        Token::Bytes(all)
                    }
                    _ => panic!("only bytes"),
                })
        else {
            panic!("only bytes");
        };
        assert_eq!(
            all,
            b"NBDMAGIC\0\x03\0\0\x01\x02\0\0\0\0\0\0\0\x05a #\"b\0\0\xfe\xfe\xfe"
        );
    }

    #[test]
    fn cookies_and_data_are_looked_up_later() {
        let expected = vec![
            Token::Cookie(Which::Last),
            Token::Cookie(Which::Number(2)),
            Token::Data {
                offset: 4096,
                length: 16,
            },
        ];
        assert_eq!(
            parse("send cookie cookie:2 data:0x1000+16"),
            Step::Send(expected)
        );
    }

    #[test]
    fn replies_name_their_request_before_or_behind() {
        let expected = Step::Simple {
            to: Which::Number(2),
            error: 5,
            data: Vec::new(),
        };
        assert_eq!(parse("@2 simple EIO"), expected);
        assert_eq!(parse("simple @2 5"), expected);
        let to = Which::Last;
        assert_eq!(
            parse("chunk DONE NONE"),
            Step::Chunk {
                to,
                flags: 1,
                kind: 0,
                payload: vec![]
            }
        );
        let kind = 0x8001;
        let expected = Step::ExtChunk {
            to,
            flags: 0,
            kind,
            offset: None,
            payload: bytes(&[0, 0, 0, 5]),
        };
        assert_eq!(parse("ext-chunk 0 error = u32:5"), expected);
    }

    #[test]
    fn steps_of_the_handshake() {
        assert_eq!(parse("read-option GO"), Step::ReadOption(Some(7)));
        assert_eq!(parse("read-option"), Step::ReadOption(None));
        assert_eq!(
            parse("option-reply TLS_REQD"),
            Step::OptionReply {
                kind: 0x8000_0005,
                data: vec![]
            }
        );
        assert_eq!(
            parse("read-request write-zeroes"),
            Step::ReadRequest(Some(6))
        );
        assert_eq!(
            parse("serve structured"),
            Step::Serve(Some(Replies::Structured))
        );
    }

    #[test]
    fn errors_name_the_line() {
        let error = |text| Script::parse(text).unwrap_err();
        assert_eq!(error("close\n\nopen"), "line 3: unknown step 'open'");
        for bad in [
            "send 123",
            "send 1.",
            "send ..",
            "send u16:65536",
            "send zero:x",
            "send \"abc",
            "send cookie:0",
            "read",
            "read x",
            "read 1 2",
            "close now",
            "@1 send 00",
            "simple",
            "chunk 0 0x10000",
            "sleep \"1\"",
        ] {
            assert!(error(bad).starts_with("line 1: "), "{bad}");
        }
    }
}
