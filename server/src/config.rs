//! What the server does: everything that the command line can express, as one struct.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::disk::Disk;
use crate::fault::Faults;
use crate::script::Script;
use crate::wire::{self, Request, opt};

/// Behaviour towards every client.
#[derive(Clone, Debug)]
pub struct Config {
    /// The disk behind all exports.
    pub disk: Arc<Disk>,
    /// Refuse to change the disk.
    pub read_only: bool,
    /// Form of the greeting.
    pub handshake: Handshake,
    /// Offer to leave out the zeroes after the reply to EXPORT_NAME.
    pub no_zeroes: bool,
    /// Options that get an error reply.
    pub refusals: Vec<Refusal>,
    /// The richest form of replies that may be negotiated.
    pub replies: Replies,
    /// Transmission flags to send in place of the true ones.
    pub flags: Option<u16>,
    /// Block sizes to advertise, and then to enforce.
    pub block_size: Option<BlockSize>,
    /// Names to serve; the first is the default export. If empty, every name is served.
    pub exports: Vec<Export>,
    /// Meta contexts to offer.
    pub contexts: Vec<Context>,
    /// Collect up to this many pending requests, and reply to the last one first.
    pub reorder: usize,
    /// Longest data chunk of a structured reply to READ.
    pub split_reads: Option<u32>,
    /// Send hole chunks for zero blocks.
    pub sparse_reads: bool,
    /// Commands that fail.
    pub failures: Vec<Failure>,
    /// Damage to the output.
    pub faults: Faults,
    /// Follow this script instead of serving.
    pub script: Option<Script>,
    /// Called for each option, request and violation.
    pub observer: Observer,
}

impl Default for Config {
    /// A writable RAM disk of 8 MiB with a fixed newstyle handshake, all features, no advertised
    /// block sizes, and the context `base:allocation`.
    fn default() -> Self {
        Config {
            disk: Arc::new(Disk::ram(8 << 20)),
            read_only: false,
            handshake: Handshake::Fixed,
            no_zeroes: true,
            refusals: Vec::new(),
            replies: Replies::Extended,
            flags: None,
            block_size: None,
            exports: Vec::new(),
            contexts: vec![Context::allocation()],
            reorder: 1,
            split_reads: None,
            sparse_reads: false,
            failures: Vec::new(),
            faults: Faults::default(),
            script: None,
            observer: Observer::default(),
        }
    }
}

/// Form of the greeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// Size and flags at once, no options.
    Oldstyle,
    /// Options without replies: EXPORT_NAME only.
    Newstyle,
    /// Options with replies.
    Fixed,
}

impl FromStr for Handshake {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "oldstyle" => Ok(Handshake::Oldstyle),
            "newstyle" => Ok(Handshake::Newstyle),
            "fixed" => Ok(Handshake::Fixed),
            _ => Err(format!("unknown handshake '{word}'")),
        }
    }
}

/// Form of the replies, poorest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Replies {
    /// Simple replies only.
    Simple,
    /// Structured replies, compact headers.
    Structured,
    /// Extended headers.
    Extended,
}

impl FromStr for Replies {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "simple" => Ok(Replies::Simple),
            "structured" => Ok(Replies::Structured),
            "extended" => Ok(Replies::Extended),
            _ => Err(format!("unknown reply form '{word}'")),
        }
    }
}

/// An option that gets an error reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Number of the option; `None` means all except ABORT and STARTTLS.
    pub option: Option<u32>,
    /// Type of the error reply.
    pub reply: u32,
    /// Text for people.
    pub message: String,
}

impl Refusal {
    /// Is this option refused?
    pub fn applies_to(&self, option: u32) -> bool {
        match self.option {
            Some(wanted) => wanted == option,
            None => option != opt::ABORT && option != opt::STARTTLS,
        }
    }
}

impl FromStr for Refusal {
    type Err = String;
    /// `OPTION[=ERROR][:message]`
    fn from_str(text: &str) -> Result<Self, String> {
        let (codes, message) = text.split_once(':').unwrap_or((text, ""));
        let (option, reply) = codes.split_once('=').unwrap_or((codes, "UNSUP"));
        let option = if option == "all" {
            None
        } else {
            Some(wire::OPTIONS.parse(option)?)
        };
        Ok(Refusal {
            option,
            reply: wire::REPLIES.parse(reply)?,
            message: message.to_owned(),
        })
    }
}

/// A command that always fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Number of the command.
    pub command: u16,
    /// Error value of the reply.
    pub error: u32,
}

impl FromStr for Failure {
    type Err = String;
    /// `COMMAND=ERROR`
    fn from_str(text: &str) -> Result<Self, String> {
        let (command, error) = text.split_once('=').ok_or("a failure is COMMAND=ERROR")?;
        let command = wire::COMMANDS
            .parse(command)?
            .try_into()
            .map_err(|_| "not a 16-bit command")?;
        Ok(Failure {
            command,
            error: wire::ERRORS.parse(error)?,
        })
    }
}

/// The three sizes of NBD_INFO_BLOCK_SIZE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockSize {
    /// Granularity of offsets and lengths.
    pub minimum: u32,
    /// Size of efficient requests.
    pub preferred: u32,
    /// Longest payload.
    pub maximum: u32,
}

impl FromStr for BlockSize {
    type Err = String;
    /// `MINIMUM,PREFERRED,MAXIMUM`, each with an optional K, M or G.
    fn from_str(text: &str) -> Result<Self, String> {
        let sizes: Vec<u32> = text
            .split(',')
            .filter_map(|word| size(word)?.try_into().ok())
            .collect();
        match sizes[..] {
            [minimum, preferred, maximum] => Ok(BlockSize {
                minimum,
                preferred,
                maximum,
            }),
            _ => Err(format!(
                "block sizes are MINIMUM,PREFERRED,MAXIMUM, not '{text}'"
            )),
        }
    }
}

/// Reads a size: decimal or 0x, with an optional K, M or G.
pub fn size(word: &str) -> Option<u64> {
    let (digits, shift) = match word.char_indices().last()? {
        (end, 'K' | 'k') => (&word[..end], 10),
        (end, 'M' | 'm') => (&word[..end], 20),
        (end, 'G' | 'g') => (&word[..end], 30),
        _ => (word, 0),
    };
    wire::number(digits)?.checked_mul(1 << shift)
}

/// An export by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Export {
    /// Name.
    pub name: String,
    /// Text for people, may be empty.
    pub description: String,
}

impl FromStr for Export {
    type Err = std::convert::Infallible;
    /// `NAME[=DESCRIPTION]`
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, description) = text.split_once('=').unwrap_or((text, ""));
        Ok(Export {
            name: name.to_owned(),
            description: description.to_owned(),
        })
    }
}

/// A meta context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Name, `namespace:leaf`.
    pub name: String,
    /// What it reports about the disk.
    pub extents: Extents,
}

/// Source of a meta context's extents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extents {
    /// Holes and data as they are on the disk.
    Allocation,
    /// Length and flags, from the start of the disk on; flags 0 after the last one.
    List(Vec<(u64, u64)>),
}

impl Context {
    /// `base:allocation`, as it is on the disk.
    pub fn allocation() -> Context {
        Context {
            name: "base:allocation".to_owned(),
            extents: Extents::Allocation,
        }
    }

    /// The extent that begins at `offset`: length, at most up to the end of the disk, and flags.
    pub fn extent_at(&self, disk: &Disk, offset: u64) -> (u64, u64) {
        let Extents::List(list) = &self.extents else {
            return disk.allocation(offset);
        };
        let left = disk.size().saturating_sub(offset);
        let mut end = 0_u64;
        for &(length, flags) in list {
            end = end.saturating_add(length);
            if offset < end {
                return ((end - offset).min(left), flags);
            }
        }
        (left, 0)
    }

    /// Do some flags need more than 32 bits?
    pub fn is_wide(&self) -> bool {
        match &self.extents {
            Extents::Allocation => false,
            Extents::List(list) => list.iter().any(|&(_, flags)| flags > u32::MAX.into()),
        }
    }
}

impl FromStr for Context {
    type Err = String;
    /// `NAME[=LENGTH:FLAGS,...]`, each length with an optional K, M or G.
    fn from_str(text: &str) -> Result<Self, String> {
        let Some((name, list)) = text.rsplit_once('=') else {
            return Ok(Context {
                name: text.to_owned(),
                extents: Extents::Allocation,
            });
        };
        let extent = |text: &str| {
            let (length, flags) = text.split_once(':')?;
            Some((
                size(length).filter(|&length| length > 0)?,
                wire::number(flags)?,
            ))
        };
        let list = list
            .split(',')
            .map(|text| extent(text).ok_or_else(|| format!("bad extent '{text}'")));
        Ok(Context {
            name: name.to_owned(),
            extents: Extents::List(list.collect::<Result<_, _>>()?),
        })
    }
}

/// Something a client did.
#[derive(Debug)]
pub enum Event<'a> {
    /// Sent an option.
    Option {
        /// Its number.
        number: u32,
        /// Its data.
        data: &'a [u8],
    },
    /// Sent a request.
    Request(&'a Request),
    /// Broke the protocol, or did not do what the script expects.
    Violation(&'a str),
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Option { number, data } => {
                write!(
                    f,
                    "option {} length={}",
                    wire::OPTIONS.show(*number),
                    data.len()
                )
            }
            Event::Request(request) => write!(f, "request {request}"),
            Event::Violation(text) => write!(f, "violation: {text}"),
        }
    }
}

/// A function that is called for each [`Event`], in the thread that serves the client.
#[derive(Clone)]
pub struct Observer(pub Arc<dyn Fn(&Event<'_>) + Send + Sync>);

impl Default for Observer {
    /// Prints violations to standard error.
    fn default() -> Self {
        Observer(Arc::new(|event| {
            if let Event::Violation(_) = event {
                eprintln!("embedded-server: {event}");
            }
        }))
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_refusals() {
        let parse = |text: &str| text.parse::<Refusal>();
        let refusal = |option, reply, message: &str| Refusal {
            option,
            reply,
            message: message.to_owned(),
        };
        assert_eq!(parse("GO"), Ok(refusal(Some(7), 0x8000_0001, "")));
        assert_eq!(
            parse("go=tls-reqd:use TLS: now"),
            Ok(refusal(Some(7), 0x8000_0005, "use TLS: now"))
        );
        assert_eq!(
            parse("42=0x80001234"),
            Ok(refusal(Some(42), 0x8000_1234, ""))
        );
        assert_eq!(parse("all=POLICY"), Ok(refusal(None, 0x8000_0002, "")));
        assert!(parse("GONE").is_err());
        assert!(parse("GO=NO").is_err());
    }

    #[test]
    fn reads_contexts() {
        assert_eq!("base:allocation".parse(), Ok(Context::allocation()));
        let bitmap: Context = "qemu:dirty-bitmap:a=b=64K:1,0x10:0x100000000"
            .parse()
            .unwrap();
        assert_eq!(bitmap.name, "qemu:dirty-bitmap:a=b");
        assert_eq!(
            bitmap.extents,
            Extents::List(vec![(65536, 1), (16, 1 << 32)])
        );
        assert!(bitmap.is_wide());
        assert!(
            "a:b=0:1".parse::<Context>().is_err(),
            "an extent of no bytes"
        );
        assert!("a:b=".parse::<Context>().is_err());
    }

    #[test]
    fn reads_sizes() {
        assert_eq!(size("1G"), Some(1 << 30));
        assert_eq!(size("0x10k"), Some(16384));
        assert_eq!(size("17"), Some(17));
        assert_eq!(size(""), None);
        assert_eq!(size("99999999999G"), None);
        let block = BlockSize {
            minimum: 512,
            preferred: 4096,
            maximum: 1 << 25,
        };
        assert_eq!("512,4K,32M".parse(), Ok(block));
        assert!("512,4K".parse::<BlockSize>().is_err());
    }

    #[test]
    fn reads_failures() {
        assert_eq!(
            "write-zeroes=EIO".parse(),
            Ok(Failure {
                command: 6,
                error: 5
            })
        );
        assert!("read".parse::<Failure>().is_err());
    }
}
