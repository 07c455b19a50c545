//! Sessions as strings of bytes, for the fuzzer: any string is a session, and
//! every recorded session has a string.

use crate::call::{Call, Command, Limited, Opt, Setting, Verb};
use crate::caller::STALE;
use crate::session::Step;

const SET: u8 = 0;
const CONTEXT: u8 = 1;
const EXPORT: u8 = 2;
const CONNECT: u8 = 3;
const OPTION: u8 = 4;
const COMMAND: u8 = 5;
const DISCONNECT: u8 = 6;
const SERVER: u8 = 7;
const LIMIT: u8 = 8;
const WAIT: u8 = 9;
const CANCEL_COMMAND: u8 = 10;
const CANCEL: u8 = 11;
const KINDS: u8 = 12;

/// The string of a session.
pub fn encode(steps: &[Step]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for step in steps {
        match step {
            Step::Call(call, _) => encode_call(call, &mut bytes),
            Step::Client(_) => {}
            Step::Server(message) => {
                for part in message.chunks(usize::from(u8::MAX)) {
                    bytes.push(SERVER);
                    push_counted(part, &mut bytes);
                }
            }
        }
    }
    bytes
}

fn encode_call(call: &Call, bytes: &mut Vec<u8>) {
    match call {
        Call::Set(setting, value) => {
            bytes.extend([SET, position(Setting::ALL, setting), low_byte(*value)]);
        }
        Call::Context(name) => {
            bytes.push(CONTEXT);
            push_counted(name.as_bytes(), bytes);
        }
        Call::Export(name) => {
            bytes.push(EXPORT);
            push_counted(name.as_bytes(), bytes);
        }
        Call::Connect => bytes.push(CONNECT),
        Call::Option(option) => bytes.extend([OPTION, position(Opt::ALL, option)]),
        Call::Command(command) => {
            bytes.extend([COMMAND, position(Verb::ALL, &command.verb)]);
            bytes.push(low_byte(command.flags));
            bytes.extend(&command.count.to_be_bytes()[2..]);
            bytes.extend(&command.offset.to_be_bytes()[5..]);
        }
        Call::Disconnect => bytes.push(DISCONNECT),
        Call::Limit(on, time) => {
            bytes.extend([LIMIT, position(Limited::ALL, on), low_byte(*time)]);
        }
        Call::Wait(time) => bytes.extend([WAIT, low_byte(*time)]),
        Call::CancelCommand(cookie) => bytes.extend([CANCEL_COMMAND, low_byte(*cookie)]),
        Call::Cancel => bytes.push(CANCEL),
    }
}

fn push_counted(part: &[u8], bytes: &mut Vec<u8>) {
    bytes.push(u8::try_from(part.len()).expect("a short part"));
    bytes.extend(part);
}

fn position<T: PartialEq>(all: &[T], wanted: &T) -> u8 {
    let position = all.iter().position(|it| it == wanted);
    u8::try_from(position.expect("one of all")).expect("not many")
}

fn low_byte(value: u32) -> u8 {
    value.to_be_bytes()[3]
}

/// The session of a string.
pub fn decode(bytes: &[u8]) -> Vec<Step> {
    let mut bytes = Bytes(bytes);
    std::iter::from_fn(|| bytes.step()).collect()
}

/// What is left of a string.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self, width: usize) -> Option<u64> {
        (0..width).try_fold(0, |sum, _| Some(sum << 8 | u64::from(self.byte()?)))
    }

    fn counted(&mut self) -> Option<Vec<u8>> {
        let count = usize::from(self.byte()?).min(self.0.len());
        let (part, rest) = self.0.split_at(count);
        self.0 = rest;
        Some(part.to_vec())
    }

    fn text(&mut self) -> Option<String> {
        let text = self.counted()?;
        Some(String::from_utf8_lossy(&text).replace('\0', ""))
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        Some(all[usize::from(self.byte()?) % all.len()])
    }

    fn step(&mut self) -> Option<Step> {
        let call = match self.byte()? % KINDS {
            SET => Call::Set(self.one_of(Setting::ALL)?, self.byte()?.into()),
            CONTEXT => Call::Context(self.text()?),
            EXPORT => Call::Export(self.text()?),
            CONNECT => Call::Connect,
            OPTION => Call::Option(self.one_of(Opt::ALL)?),
            COMMAND => Call::Command(Command {
                verb: self.one_of(Verb::ALL)?,
                flags: self.byte()?.into(),
                count: u32::try_from(self.number(2)?).ok()?,
                offset: self.number(3)?,
            }),
            DISCONNECT => Call::Disconnect,
            LIMIT => Call::Limit(self.one_of(Limited::ALL)?, self.byte()?.into()),
            WAIT => Call::Wait(self.byte()?.into()),
            CANCEL_COMMAND => Call::CancelCommand(self.byte()?.into()),
            CANCEL => Call::Cancel,
            _ => {
                // Memory that nobody has filled must look like nothing else.
                let message = self.counted()?.into_iter();
                let message = message.map(|byte| if byte == STALE { !STALE } else { byte });
                return Some(Step::Server(message.collect()));
            }
        };
        Some(Step::Call(call, false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Session;

    #[test]
    fn a_recorded_session_has_a_string() {
        for session in Session::all() {
            let steps = decode(&encode(&session.steps));
            assert_eq!(calls(&steps), calls(&session.steps), "{}", session.name);
            assert_eq!(stream(&steps), stream(&session.steps), "{}", session.name);
        }
    }

    fn calls(steps: &[Step]) -> Vec<&Call> {
        let calls = steps.iter().filter_map(|step| match step {
            Step::Call(call, _) => Some(call),
            _ => None,
        });
        calls.collect()
    }

    fn stream(steps: &[Step]) -> Vec<u8> {
        let messages = steps.iter().filter_map(|step| match step {
            Step::Server(bytes) => Some(bytes.as_slice()),
            _ => None,
        });
        messages.collect::<Vec<_>>().concat()
    }
}
