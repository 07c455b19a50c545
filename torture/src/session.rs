//! Recorded sessions.
//!
//! A session is a text of lines.  `#` begins a comment, `server` names the
//! program that was recorded, `call` is what the caller does next, `<` is one
//! message from the server and `>` what the client sends, in hexadecimal.  A
//! call that ends in `&` does not wait for its reply before the next one.

use std::fmt::Write;
use std::path::Path;

use crate::call::Call;

/// A session.
#[derive(Debug, Clone)]
pub struct Session {
    /// The name of its file.
    pub name: String,
    /// The comment at the top.
    pub title: String,
    /// The command line of the server that was recorded, if it was one.
    pub server: String,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The caller does this; the flag means that it goes on at once.
    Call(Call, bool),
    /// The server sends one message.
    Server(Vec<u8>),
    /// The client sends this.
    Client(Vec<u8>),
}

impl Session {
    /// Reads a session from its file.
    pub fn load(path: &Path) -> Result<Self, String> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let in_file = |error| format!("{}: {error}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| in_file(error.to_string()))?;
        Self::parse(&name, &text).map_err(in_file)
    }

    /// All sessions of this crate.
    pub fn all() -> Vec<Self> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("sessions");
        let entries = std::fs::read_dir(directory).expect("the sessions");
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
        paths.sort();
        let load = |path| Self::load(path).unwrap_or_else(|error| panic!("{error}"));
        paths.iter().map(|path| load(path)).collect()
    }

    /// Reads a session.
    pub fn parse(name: &str, text: &str) -> Result<Self, String> {
        let mut session = Self {
            name: name.to_owned(),
            title: String::new(),
            server: String::new(),
            steps: Vec::new(),
        };
        for (number, line) in (1..).zip(text.lines()) {
            let wrong = |error: String| format!("line {number}: {error}");
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "" => {}
                "#" if session.title.is_empty() => session.title = rest.to_owned(),
                "#" => {}
                "server" => session.server = rest.to_owned(),
                "call" => {
                    let (call, goes_on) = match rest.strip_suffix(" &") {
                        Some(call) => (call, true),
                        None => (rest, false),
                    };
                    let call = call.parse().map_err(wrong)?;
                    session.steps.push(Step::Call(call, goes_on));
                }
                "<" => session
                    .steps
                    .push(Step::Server(unhex(rest).map_err(wrong)?)),
                ">" => session
                    .steps
                    .push(Step::Client(unhex(rest).map_err(wrong)?)),
                _ => return Err(wrong(format!("'{word}' begins no line"))),
            }
        }
        Ok(session)
    }

    /// The session as the text of its file.
    pub fn text(&self) -> String {
        let mut text = format!("# {}\n", self.title);
        if !self.server.is_empty() {
            text += &format!("server {}\n", self.server);
        }
        let mut after_call = false;
        for step in &self.steps {
            let is_call = matches!(step, Step::Call(..));
            if is_call && !after_call {
                text.push('\n');
            }
            after_call = is_call;
            let line = match step {
                Step::Call(call, false) => format!("call {call}"),
                Step::Call(call, true) => format!("call {call} &"),
                Step::Server(bytes) => format!("< {}", hex(bytes)),
                Step::Client(bytes) => format!("> {}", hex(bytes)),
            };
            text += &line;
            text.push('\n');
        }
        text
    }

    /// The messages of the server.
    pub fn messages(&self) -> Vec<&[u8]> {
        let messages = self.steps.iter().filter_map(|step| match step {
            Step::Server(bytes) => Some(bytes.as_slice()),
            _ => None,
        });
        messages.collect()
    }
}

/// Groups of four bytes.
fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 && at % 4 == 0 {
            text.push(' ');
        }
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn unhex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').collect();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |pair: &[u8]| match *pair {
        [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
        _ => None,
    };
    let bytes: Option<_> = digits.chunks(2).map(byte).collect();
    bytes.ok_or_else(|| format!("'{text}' is not hexadecimal"))
}
