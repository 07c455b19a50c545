//! The wire as data: magic numbers, codes under their protocol names, message layouts.
//!
//! Written from the NBD protocol document, and deliberately independent of the client library, so
//! that a wrong constant there is not repeated here.

/// First eight bytes of every connection.
pub const NBDMAGIC: u64 = 0x4e42_444d_4147_4943;
/// Second magic of the oldstyle greeting.
pub const CLISERV: u64 = 0x0000_4202_8186_1253;
/// Second magic of the newstyle greeting, and magic of every option request.
pub const IHAVEOPT: u64 = 0x4948_4156_454f_5054;
/// First eight bytes of every option reply.
pub const OPTION_REPLY: u64 = 0x0003_e889_0455_65a9;
/// Compact request.
pub const REQUEST: u32 = 0x2560_9513;
/// Extended request.
pub const EXTENDED_REQUEST: u32 = 0x21e4_1c71;
/// Simple reply.
pub const SIMPLE_REPLY: u32 = 0x6744_6698;
/// Structured reply chunk.
pub const STRUCTURED_REPLY: u32 = 0x668e_33ef;
/// Extended reply chunk.
pub const EXTENDED_REPLY: u32 = 0x6e8a_278c;

/// Longest string the protocol allows (names, descriptions, queries, messages).
pub const MAX_STRING: usize = 4096;
/// Maximum payload if no block sizes are advertised.
pub const DEFAULT_MAX_PAYLOAD: u32 = 1 << 25;

/// Declares protocol codes and the table of their names side by side.
macro_rules! codes {
    ($(#[$doc:meta])* $table:ident: $kind:literal, mod $module:ident: $int:ty { $($name:ident = $value:literal),* $(,)? }) => {
        $(#[$doc])*
        #[allow(missing_docs)]
        pub mod $module { $(pub const $name: $int = $value;)* }
        $(#[$doc])*
        pub const $table: Names = Names { kind: $kind, codes: &[$((stringify!($name), $value)),*] };
    };
}

/// Codes of one family, to convert from and to text.
#[derive(Debug)]
pub struct Names {
    kind: &'static str,
    codes: &'static [(&'static str, u32)],
}

impl Names {
    /// Reads a name (any case, `-` for `_`) or a number (decimal or 0x).
    pub fn parse(&self, word: &str) -> Result<u32, String> {
        let wanted = word.replace('-', "_");
        let known = self
            .codes
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(&wanted));
        match known {
            Some(&(_, code)) => Ok(code),
            None => number(word)
                .and_then(|code| code.try_into().ok())
                .ok_or_else(|| format!("unknown {} '{word}'", self.kind)),
        }
    }

    /// The name of `code`, or the number in hex.
    pub fn show(&self, code: u32) -> String {
        let known = self.codes.iter().find(|&&(_, value)| value == code);
        known.map_or_else(
            || format!("{} {code:#x}", self.kind),
            |(name, _)| (*name).to_owned(),
        )
    }
}

/// Reads a decimal or 0x number.
pub fn number(word: &str) -> Option<u64> {
    match word.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => word.parse().ok(),
    }
}

codes! {
    /// Options of the handshake.
    OPTIONS: "option", mod opt: u32 {
        EXPORT_NAME = 1, ABORT = 2, LIST = 3, PEEK_EXPORT = 4, STARTTLS = 5, INFO = 6, GO = 7,
        STRUCTURED_REPLY = 8, LIST_META_CONTEXT = 9, SET_META_CONTEXT = 10, EXTENDED_HEADERS = 11,
    }
}
codes! {
    /// Option reply types.
    REPLIES: "option reply type", mod rep: u32 {
        ACK = 1, SERVER = 2, INFO = 3, META_CONTEXT = 4,
        UNSUP = 0x8000_0001, POLICY = 0x8000_0002, INVALID = 0x8000_0003, PLATFORM = 0x8000_0004,
        TLS_REQD = 0x8000_0005, UNKNOWN = 0x8000_0006, SHUTDOWN = 0x8000_0007,
        BLOCK_SIZE_REQD = 0x8000_0008, TOO_BIG = 0x8000_0009, EXT_HEADER_REQD = 0x8000_000a,
    }
}
codes! {
    /// Information types of INFO and GO.
    INFOS: "information type", mod info: u16 { EXPORT = 0, NAME = 1, DESCRIPTION = 2, BLOCK_SIZE = 3 }
}
codes! {
    /// Commands of the transmission phase.
    COMMANDS: "command", mod cmd: u16 {
        READ = 0, WRITE = 1, DISC = 2, FLUSH = 3, TRIM = 4, CACHE = 5, WRITE_ZEROES = 6, BLOCK_STATUS = 7,
    }
}
codes! {
    /// Command flags.
    COMMAND_FLAGS: "command flag", mod cmd_flag: u16 {
        FUA = 0x01, NO_HOLE = 0x02, DF = 0x04, REQ_ONE = 0x08, FAST_ZERO = 0x10, PAYLOAD_LEN = 0x20,
    }
}
codes! {
    /// Transmission flags.
    FLAGS: "transmission flag", mod flag: u16 {
        HAS_FLAGS = 0x0001, READ_ONLY = 0x0002, SEND_FLUSH = 0x0004, SEND_FUA = 0x0008, ROTATIONAL = 0x0010,
        SEND_TRIM = 0x0020, SEND_WRITE_ZEROES = 0x0040, SEND_DF = 0x0080, CAN_MULTI_CONN = 0x0100,
        SEND_CACHE = 0x0400, SEND_FAST_ZERO = 0x0800, BLOCK_STATUS_PAYLOAD = 0x1000,
    }
}
codes! {
    /// Reply flags of a chunk.
    REPLY_FLAGS: "reply flag", mod reply_flag: u16 { DONE = 1 }
}
codes! {
    /// Chunk types.
    CHUNKS: "chunk type", mod chunk: u16 {
        NONE = 0, OFFSET_DATA = 1, OFFSET_HOLE = 2, BLOCK_STATUS = 5, BLOCK_STATUS_EXT = 6,
        ERROR = 0x8001, ERROR_OFFSET = 0x8002,
    }
}
codes! {
    /// Error values.
    ERRORS: "error", mod error: u32 {
        EPERM = 1, EIO = 5, ENOMEM = 12, EINVAL = 22, ENOSPC = 28, EOVERFLOW = 75, ENOTSUP = 95, ESHUTDOWN = 108,
    }
}

/// Handshake flags, and the client flags of the same meaning.
pub mod handshake_flag {
    /// Structured option replies.
    pub const FIXED_NEWSTYLE: u16 = 1;
    /// The reply to EXPORT_NAME omits the 124 zero bytes.
    pub const NO_ZEROES: u16 = 2;
}

/// Status flags of `base:allocation`.
pub mod state {
    /// Not allocated.
    pub const HOLE: u64 = 1;
    /// Reads as zeroes.
    pub const ZERO: u64 = 2;
}

/// Takes big-endian fields from the front of a message.
#[derive(Debug)]
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    /// The next `count` bytes, or nothing if the message is shorter.
    pub fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }
    /// The next 16-bit integer.
    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }
    /// The next 32-bit integer.
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }
    /// The next 64-bit integer.
    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }
    /// A string preceded by its 32-bit length.
    pub fn counted(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()?;
        self.bytes(length as usize)
    }
}

/// One request of the transmission phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Sent with the extended header.
    pub extended: bool,
    /// Command flags.
    pub flags: u16,
    /// Command number.
    pub command: u16,
    /// The client's name for the request.
    pub cookie: u64,
    /// Where on the export.
    pub offset: u64,
    /// The length field as it was sent.
    pub length: u64,
    /// What followed the header.
    pub payload: Vec<u8>,
}

impl Request {
    /// Length of a request header after its magic.
    pub fn header_rest(extended: bool) -> usize {
        if extended { 28 } else { 24 }
    }

    /// Decodes the header after its magic.
    pub fn decode(extended: bool, rest: &[u8]) -> Option<Request> {
        let mut fields = Fields(rest);
        Some(Request {
            extended,
            flags: fields.u16()?,
            command: fields.u16()?,
            cookie: fields.u64()?,
            offset: fields.u64()?,
            length: if extended {
                fields.u64()?
            } else {
                fields.u32()?.into()
            },
            payload: Vec::new(),
        })
    }

    /// Is this command flag set?
    pub fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    /// How many payload bytes follow the header.
    ///
    /// Strictly, an extended WRITE without PAYLOAD_LEN has no payload, but a client that forgets
    /// the flag (as QEMU 10.0 does) sends the data all the same.
    pub fn payload_length(&self) -> u64 {
        let follows = self.extended && self.has(cmd_flag::PAYLOAD_LEN);
        if follows || self.command == cmd::WRITE {
            self.length
        } else {
            0
        }
    }

    /// Is the flag missing that an extended WRITE must have?
    pub fn lacks_payload_len(&self) -> bool {
        self.extended && self.command == cmd::WRITE && !self.has(cmd_flag::PAYLOAD_LEN)
    }
}

impl std::fmt::Display for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Request {
            flags,
            cookie,
            offset,
            length,
            ..
        } = self;
        let command = COMMANDS.show(self.command.into());
        write!(
            f,
            "{command} flags={flags:#06x} cookie={cookie:#x} offset={offset:#x} length={length:#x}"
        )
    }
}

/// Encodes an option reply.
pub fn option_reply(option: u32, kind: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = OPTION_REPLY.to_be_bytes().to_vec();
    for field in [option, kind, data.len() as u32] {
        bytes.extend(field.to_be_bytes());
    }
    bytes.extend(data);
    bytes
}

/// Encodes a simple reply.
pub fn simple_reply(error: u32, cookie: u64, data: &[u8]) -> Vec<u8> {
    let mut bytes = SIMPLE_REPLY.to_be_bytes().to_vec();
    bytes.extend(error.to_be_bytes());
    bytes.extend(cookie.to_be_bytes());
    bytes.extend(data);
    bytes
}

/// Encodes a structured reply chunk.
pub fn structured_chunk(flags: u16, kind: u16, cookie: u64, payload: &[u8]) -> Vec<u8> {
    let mut bytes = STRUCTURED_REPLY.to_be_bytes().to_vec();
    bytes.extend(flags.to_be_bytes());
    bytes.extend(kind.to_be_bytes());
    bytes.extend(cookie.to_be_bytes());
    bytes.extend((payload.len() as u32).to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Encodes an extended reply chunk.
pub fn extended_chunk(flags: u16, kind: u16, cookie: u64, offset: u64, payload: &[u8]) -> Vec<u8> {
    let mut bytes = EXTENDED_REPLY.to_be_bytes().to_vec();
    bytes.extend(flags.to_be_bytes());
    bytes.extend(kind.to_be_bytes());
    for field in [cookie, offset, payload.len() as u64] {
        bytes.extend(field.to_be_bytes());
    }
    bytes.extend(payload);
    bytes
}

/// Encodes the payload of an error chunk without offset.
pub fn error_payload(error: u32, message: &str) -> Vec<u8> {
    let message = &message.as_bytes()[..message.len().min(MAX_STRING)];
    let mut bytes = error.to_be_bytes().to_vec();
    bytes.extend((message.len() as u16).to_be_bytes());
    bytes.extend(message);
    bytes
}
