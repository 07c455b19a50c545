//! What a program calls, as a line of text.

use std::fmt;
use std::str::FromStr;

/// One call on a handle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A setting and its value.
    Set(Setting, u32),
    /// The name of the export.
    Export(String),
    /// A meta context to request.
    Context(String),
    /// Connecting, up to the end of the handshake or to option mode.
    Connect,
    /// An option.
    Option(Opt),
    /// A command.
    Command(Command),
    /// The orderly end.
    Disconnect,
    /// A time limit, in milliseconds.
    Limit(Limited, u32),
    /// So many milliseconds pass.
    Wait(u32),
    /// Ends the command with this cookie.
    CancelCommand(u32),
    /// Cancels whatever waits on the handle.
    Cancel,
}

/// A command and its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command {
    /// Which one.
    pub verb: Verb,
    /// The length of the range, in bytes.
    pub count: u32,
    /// Where it begins.
    pub offset: u64,
    /// The command flags.
    pub flags: u32,
}

/// Declares an enumeration whose variants have names in the text.
macro_rules! words {
    ($(#[$doc:meta])* $type:ident { $($variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the words say it")]
        pub enum $type { $($variant),* }

        impl $type {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word for it.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl FromStr for $type {
            type Err = String;

            fn from_str(word: &str) -> Result<Self, String> {
                let found = Self::ALL.iter().find(|it| it.word() == word);
                found.copied().ok_or_else(|| format!("'{word}' is unknown"))
            }
        }
    };
}

words! {
    /// A setting.
    Setting {
        OptMode = "opt-mode",
        StructuredReplies = "structured-replies",
        ExtendedHeaders = "extended-headers",
        MetaContext = "meta-context",
        BlockSize = "block-size",
        FullInfo = "full-info",
        Initialize = "initialize",
        HandshakeFlags = "handshake-flags",
        Strict = "strict",
        Tls = "tls",
    }
}

words! {
    /// An option.
    Opt {
        Go = "go",
        Info = "info",
        Abort = "abort",
        List = "list",
        StartTls = "starttls",
        ExtendedHeaders = "extended-headers",
        StructuredReply = "structured-reply",
        ListContexts = "list-contexts",
        SetContexts = "set-contexts",
    }
}

words! {
    /// A command.
    Verb {
        Read = "read",
        ReadChunks = "read-chunks",
        Write = "write",
        Flush = "flush",
        Trim = "trim",
        Cache = "cache",
        Zero = "zero",
        Status = "status",
        Status64 = "status-64",
        StatusFilter = "status-filter",
    }
}

words! {
    /// What a time limit is on.
    Limited {
        Connect = "connect",
        Call = "call",
        Silence = "silence",
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(setting, value) => write!(f, "set {} {value}", setting.word()),
            Self::Export(name) => write!(f, "export {name}"),
            Self::Context(name) => write!(f, "context {name}"),
            Self::Connect => f.write_str("connect"),
            Self::Option(option) => write!(f, "option {}", option.word()),
            Self::Command(command) => command.fmt(f),
            Self::Disconnect => f.write_str("disconnect"),
            Self::Limit(on, time) => write!(f, "limit {} {time}", on.word()),
            Self::Wait(time) => write!(f, "wait {time}"),
            Self::CancelCommand(cookie) => write!(f, "cancel-command {cookie}"),
            Self::Cancel => f.write_str("cancel"),
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            verb,
            count,
            offset,
            flags,
        } = self;
        write!(f, "{} {count} {offset} {flags}", verb.word())
    }
}

impl FromStr for Call {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        Ok(match words[..] {
            ["set", setting, value] => Self::Set(setting.parse()?, number(value)?),
            ["export", name] => Self::Export(name.to_owned()),
            ["context", name] => Self::Context(name.to_owned()),
            ["connect"] => Self::Connect,
            ["option", option] => Self::Option(option.parse()?),
            [verb, count, offset, flags] => Self::Command(Command {
                verb: verb.parse()?,
                count: number(count)?,
                offset: number(offset)?,
                flags: number(flags)?,
            }),
            ["disconnect"] => Self::Disconnect,
            ["limit", on, time] => Self::Limit(on.parse()?, number(time)?),
            ["wait", time] => Self::Wait(number(time)?),
            ["cancel-command", cookie] => Self::CancelCommand(number(cookie)?),
            ["cancel"] => Self::Cancel,
            _ => return Err(format!("'{text}' is no call")),
        })
    }
}

fn number<T: FromStr>(word: &str) -> Result<T, String> {
    word.parse().map_err(|_| format!("'{word}' is no number"))
}
