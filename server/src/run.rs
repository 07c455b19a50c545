//! Follows a script.

use std::thread;

use crate::config::Replies;
use crate::disk::fill_pattern;
use crate::greeting::{self, Agreement};
use crate::options;
use crate::script::{Script, Step, Token, Which};
use crate::session::{End, Session, Stop, Talk};
use crate::transmission;
use crate::wire::{self, Names, Request};

/// Longest part of a message that a violation report shows.
const SHOWN: usize = 256;

/// Follows `script` to its end, or to the first step that the client does not follow.
pub(crate) fn run(session: &mut Session<'_>, script: &Script) -> Talk<End> {
    let mut runner = Runner {
        session,
        line: 0,
        option: 0,
        requests: Vec::new(),
        agreement: None,
    };
    for (line, step) in script.steps() {
        runner.line = *line;
        match runner.take(step) {
            Ok(None) => {}
            Err(Stop::End(End::Closed | End::ClosedInside)) => {
                let closed: Talk<()> = runner.fail("the client closed");
                drop(closed);
                return Ok(End::ScriptFailed);
            }
            Err(Stop::End(End::Dropped)) => return Ok(End::ScriptFailed),
            Ok(Some(end)) | Err(Stop::End(end)) => return Ok(end),
            Err(stop) => return Err(stop),
        }
    }
    Ok(End::ScriptDone)
}

struct Runner<'s, 'c> {
    session: &'s mut Session<'c>,
    /// Line of the current step.
    line: usize,
    /// The last option read.
    option: u32,
    requests: Vec<Request>,
    agreement: Option<Agreement>,
}

impl Runner<'_, '_> {
    fn complain(&mut self, text: &str) {
        let line = self.line;
        self.session
            .violation(format!("script line {line}: {text}"));
    }

    /// Gives up because the client does not follow the script.
    fn fail<T>(&mut self, text: &str) -> Talk<T> {
        self.complain(text);
        Err(Stop::End(End::Dropped))
    }

    /// Performs one step, and returns whether it was the last.
    fn take(&mut self, step: &Step) -> Talk<Option<End>> {
        match step {
            Step::Send(tokens) => {
                let bytes = self.bytes(tokens)?;
                self.session.send(&bytes)?;
            }
            Step::Expect(tokens) => self.expect(tokens)?,
            Step::Read(count) => drop(self.session.receive(*count)?),
            Step::ReadOption(wanted) => self.read_option(*wanted)?,
            Step::OptionReply { kind, data } => {
                let data = self.bytes(data)?;
                self.session
                    .send(&wire::option_reply(self.option, *kind, &data))?;
            }
            Step::ReadRequest(wanted) => self.read_request(*wanted)?,
            Step::Simple { to, error, data } => {
                let data = self.bytes(data)?;
                let cookie = self.request(*to)?.cookie;
                self.session
                    .send(&wire::simple_reply(*error, cookie, &data))?;
            }
            Step::Chunk {
                to,
                flags,
                kind,
                payload,
            } => {
                let payload = self.bytes(payload)?;
                let cookie = self.request(*to)?.cookie;
                self.session
                    .send(&wire::structured_chunk(*flags, *kind, cookie, &payload))?;
            }
            Step::ExtChunk {
                to,
                flags,
                kind,
                offset,
                payload,
            } => {
                let payload = self.bytes(payload)?;
                let request = self.request(*to)?;
                let (cookie, offset) = (request.cookie, offset.unwrap_or(request.offset));
                self.session.send(&wire::extended_chunk(
                    *flags, *kind, cookie, offset, &payload,
                ))?;
            }
            Step::Handshake => self.agreement = Some(greeting::handshake(self.session)?),
            Step::Serve(replies) => {
                let bare = || Agreement::bare(self.session, replies.unwrap_or(Replies::Simple));
                let agreement = self.agreement.clone().unwrap_or_else(bare);
                return match transmission::serve(self.session, &agreement) {
                    Err(Stop::End(end @ (End::Closed | End::ClosedInside))) => Ok(Some(end)),
                    end => end.map(Some),
                };
            }
            Step::Sleep(time) => thread::sleep(*time),
            Step::WaitEof => drop(self.session.receive_rest()?),
            Step::ExpectEof => match self.session.receive_rest()? {
                0 => {}
                count => return self.fail(&format!("{count} bytes where the client should close")),
            },
            Step::ShutdownWrite => self.session.shutdown_write()?,
            Step::Close => return Ok(Some(End::ScriptDone)),
        }
        Ok(None)
    }

    fn request(&mut self, which: Which) -> Talk<Request> {
        let found = match which {
            Which::Last => self.requests.last(),
            Which::Number(number) => self.requests.get(number.wrapping_sub(1)),
        };
        match found.cloned() {
            Some(request) => Ok(request),
            None => self.fail("the request to reply to was not read"),
        }
    }

    /// The bytes that tokens stand for; `None` matches any byte.
    fn resolve(&mut self, tokens: &[Token]) -> Talk<Vec<Option<u8>>> {
        let mut bytes = Vec::new();
        for token in tokens {
            match token {
                Token::Bytes(literal) => bytes.extend(literal.iter().copied().map(Some)),
                Token::Any => bytes.push(None),
                Token::Cookie(which) => {
                    bytes.extend(self.request(*which)?.cookie.to_be_bytes().map(Some))
                }
                Token::Data { offset, length } => {
                    let mut data = vec![0; *length];
                    fill_pattern(*offset, &mut data);
                    bytes.extend(data.into_iter().map(Some));
                }
            }
        }
        Ok(bytes)
    }

    /// The bytes that tokens stand for when they are sent; `..` may be any byte.
    fn bytes(&mut self, tokens: &[Token]) -> Talk<Vec<u8>> {
        Ok(self
            .resolve(tokens)?
            .into_iter()
            .map(Option::unwrap_or_default)
            .collect())
    }

    fn expect(&mut self, tokens: &[Token]) -> Talk<()> {
        let wanted = self.resolve(tokens)?;
        let got = self.session.receive(wanted.len())?;
        let got: Vec<_> = got.into_iter().map(Some).collect();
        let differs = |(wanted, got): (&Option<u8>, &Option<u8>)| wanted.is_some() && wanted != got;
        let Some(index) = wanted.iter().zip(&got).position(differs) else {
            return Ok(());
        };
        let start = index.saturating_sub(SHOWN / 2) & !3;
        let (wanted, got) = (dump(&wanted[start..]), dump(&got[start..]));
        let from = if start > 0 {
            format!(" (shown from byte {start})")
        } else {
            String::new()
        };
        self.fail(&format!(
            "byte {index} differs{from}\n  expected {wanted}\n  received {got}"
        ))
    }

    fn read_option(&mut self, wanted: Option<u32>) -> Talk<()> {
        self.option = options::receive_option(self.session)?.0;
        self.compare(&wire::OPTIONS, wanted, self.option)
    }

    fn read_request(&mut self, wanted: Option<u16>) -> Talk<()> {
        let request = self.session.receive_request()?;
        let command = request.command;
        self.requests.push(request);
        self.compare(&wire::COMMANDS, wanted.map(u32::from), command.into())
    }

    fn compare(&mut self, names: &Names, wanted: Option<u32>, got: u32) -> Talk<()> {
        match wanted {
            Some(wanted) if wanted != got => {
                let (wanted, got) = (names.show(wanted), names.show(got));
                self.fail(&format!("expected {wanted}, received {got}"))
            }
            _ => Ok(()),
        }
    }
}

/// The first bytes in hexadecimal, in groups of four.
fn dump(bytes: &[Option<u8>]) -> String {
    let hex = |byte: &Option<u8>| byte.map_or("..".to_owned(), |byte| format!("{byte:02x}"));
    let shown = &bytes[..bytes.len().min(SHOWN)];
    let groups = shown
        .chunks(4)
        .map(|group| group.iter().map(hex).collect::<String>());
    let mut text = groups.collect::<Vec<_>>().join(" ");
    if bytes.len() > SHOWN {
        text.push_str(" ...");
    }
    text
}
