//! Writes the recorded sessions in the forms that the fuzz targets take.
//!
//!     cargo run -p torture --bin seeds -- DIRECTORY
//!
//! Each target gets a directory with one file for each session.

use std::path::{Path, PathBuf};

use torture::bytes::encode;
use torture::call::{Call, Command, Opt, Setting, Verb};
use torture::session::{Session, Step};

fn main() {
    let directory = PathBuf::from(std::env::args().nth(1).expect("a directory"));
    let write = |target: &str, name: &str, bytes: Vec<u8>| {
        let directory = directory.join(target);
        std::fs::create_dir_all(&directory).expect("a directory");
        std::fs::write(Path::new(&directory).join(name), bytes).expect("a file");
    };
    for session in Session::all() {
        let name = &session.name;
        write("api", name, encode(&session.steps));
        let (handshake, transmission) = halves(&session.steps);
        write("negotiation", name, talk(0, &session, &stream(handshake)));
        for (nth, part) in options(handshake).enumerate() {
            if let Some(Step::Call(Call::Option(option), _)) = part.first() {
                let bytes = talk(request(*option), &session, &stream(part));
                write("negotiation", &format!("{name}-{nth}"), bytes);
            }
        }
        let replies = stream(transmission);
        if !replies.is_empty() {
            write(style(transmission), name, commands(transmission, &replies));
        }
    }
}

/// What comes before the first command, and the rest.
fn halves(steps: &[Step]) -> (&[Step], &[Step]) {
    let is_command = |step: &Step| matches!(step, Step::Call(Call::Command(_), _));
    let first = steps.iter().position(is_command);
    steps.split_at(first.unwrap_or(steps.len()))
}

/// The steps, cut before each call.
fn options(steps: &[Step]) -> impl Iterator<Item = &[Step]> {
    steps.chunk_by(|_, next| !matches!(next, Step::Call(..)))
}

fn stream(steps: &[Step]) -> Vec<u8> {
    let messages = steps.iter().filter_map(|step| match step {
        Step::Server(bytes) => Some(bytes.as_slice()),
        _ => None,
    });
    messages.collect::<Vec<_>>().concat()
}

/// In the form of the target `negotiation`.
fn talk(request: u8, session: &Session, stream: &[u8]) -> Vec<u8> {
    let mut settings = 0b1_0111;
    for step in &session.steps {
        let Step::Call(Call::Set(setting, value), _) = step else {
            continue;
        };
        let bit = match setting {
            Setting::StructuredReplies => 0,
            Setting::ExtendedHeaders => 1,
            Setting::BlockSize => 2,
            Setting::FullInfo => 3,
            Setting::MetaContext => 4,
            Setting::OptMode => 5,
            _ => continue,
        };
        settings = settings & !(1 << bit) | u8::from(*value != 0) << bit;
    }
    [&[request, settings, 0], stream].concat()
}

fn request(option: Opt) -> u8 {
    match option {
        Opt::Go => 1,
        Opt::Info => 2,
        Opt::Abort => 3,
        Opt::List => 4,
        Opt::StartTls => 5,
        Opt::ExtendedHeaders => 6,
        Opt::StructuredReply => 7,
        Opt::ListContexts => 8,
        Opt::SetContexts => 9,
    }
}

/// The target for this form of replies.
fn style(steps: &[Step]) -> &'static str {
    let has = |magic: u32| {
        let magic = magic.to_be_bytes();
        let starts = |step: &Step| matches!(step, Step::Server(bytes) if bytes.starts_with(&magic));
        steps.iter().any(starts)
    };
    if has(0x6e8a_278c) {
        "extended"
    } else if has(0x668e_33ef) {
        "structured"
    } else {
        "simple"
    }
}

/// In the form of the targets for the transmission phase.
fn commands(steps: &[Step], replies: &[u8]) -> Vec<u8> {
    let described = |command: &Command| {
        let kind = match command.verb {
            Verb::Read => 0,
            Verb::ReadChunks => 1,
            Verb::Write => 2,
            Verb::Flush => 3,
            Verb::Trim | Verb::Cache | Verb::Zero => 4,
            Verb::Status => 5,
            Verb::Status64 | Verb::StatusFilter => 6,
        };
        let (offset, count) = (command.offset.to_be_bytes(), command.count.to_be_bytes());
        [kind, 0, offset[6], offset[7], count[2], count[3]]
    };
    let described = steps.iter().filter_map(|step| match step {
        Step::Call(Call::Command(command), _) => Some(described(command)),
        _ => None,
    });
    let described: Vec<_> = described.take(8).collect();
    let count = u8::try_from(described.len())
        .expect("at most 8")
        .saturating_sub(1);
    [&[count, 0], described.as_flattened(), replies].concat()
}
