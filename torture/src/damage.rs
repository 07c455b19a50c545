//! What a hostile server can make of a session.

use std::fmt;
use std::ops::Range;

use crate::anatomy::dissect;
use crate::caller::STALE;
use crate::session::{Session, Step};

/// A change to what the server sends.  Messages are counted from 0, bytes from
/// the beginning of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// None at all.
    None,
    /// The connection ends after so many bytes.
    Cut(usize),
    /// A byte is changed by this mask.
    Flip(usize, u8),
    /// A length in a message becomes another number.
    Length(usize, Range<usize>, u64),
    /// A message is sent twice.
    Double(usize),
    /// A message is left out.
    Drop(usize),
    /// A message and the next one change places.
    Swap(usize),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => write!(f, "undamaged"),
            Self::Cut(at) => write!(f, "cut after byte {at}"),
            Self::Flip(at, mask) => write!(f, "byte {at} changed by {mask:#04x}"),
            Self::Length(message, at, value) => {
                write!(f, "message {message}, bytes {at:?} are {value:#x}")
            }
            Self::Double(message) => write!(f, "message {message} twice"),
            Self::Drop(message) => write!(f, "message {message} missing"),
            Self::Swap(message) => write!(f, "message {message} behind the next one"),
        }
    }
}

/// Everything that can happen to a session.
pub fn all(session: &Session) -> Vec<Damage> {
    let messages = session.messages();
    let total: usize = messages.iter().map(|message| message.len()).sum();
    let mut all = vec![Damage::None];
    all.extend((0..total).map(Damage::Cut));
    let mut start = 0;
    for (nth, message) in messages.iter().enumerate() {
        all.extend([Damage::Double(nth), Damage::Drop(nth)]);
        if nth + 1 < messages.len() {
            all.push(Damage::Swap(nth));
        }
        // A simple reply is all that does not say how long it is.
        let anatomy = dissect(message, |_| message.len().saturating_sub(16));
        let anatomy = anatomy.unwrap_or_else(|| panic!("{}: message {nth}", session.name));
        let header = start..start + anatomy.header;
        let bits = header.flat_map(|at| (0..8).map(move |bit| Damage::Flip(at, 1 << bit)));
        all.extend(bits);
        all.extend(
            (start + anatomy.header..start + message.len()).map(|at| Damage::Flip(at, 0xff)),
        );
        for at in anatomy.lengths {
            let values = lengths(&message[at.clone()]);
            all.extend(values.map(|value| Damage::Length(nth, at.clone(), value)));
        }
        start += message.len();
    }
    // What is changed to stale memory would look like it.
    all.retain(|damage| !is_blind(session, damage));
    all
}

fn is_blind(session: &Session, damage: &Damage) -> bool {
    let stream = session.messages().concat();
    assert!(!stream.contains(&STALE), "{}: looks stale", session.name);
    matches!(damage, Damage::Flip(at, mask) if stream[*at] ^ mask == STALE)
}

/// What a number becomes: 0, 1, one less, one more, the largest, and the
/// largest that a signed number can be.
fn lengths(field: &[u8]) -> impl Iterator<Item = u64> {
    let now = field
        .iter()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    let largest = u64::MAX >> (64 - 8 * field.len());
    let values = [
        0,
        1,
        now.wrapping_sub(1),
        now.wrapping_add(1),
        largest,
        largest >> 1,
    ];
    values.into_iter().map(move |value| value & largest)
}

impl Damage {
    /// The session with this damage.  A cut ends it for the server.
    pub fn applied(&self, session: &Session) -> Vec<Step> {
        let mut steps = session.steps.clone();
        let places: Vec<usize> = (0..steps.len())
            .filter(|at| matches!(steps[*at], Step::Server(_)))
            .collect();
        match self {
            Self::None => {}
            Self::Cut(at) => {
                let mut left = *at;
                for message in messages(&mut steps) {
                    message.truncate(left);
                    left -= message.len();
                }
            }
            Self::Flip(at, mask) => {
                let mut at = *at;
                for message in messages(&mut steps) {
                    if let Some(byte) = message.get_mut(at) {
                        *byte ^= mask;
                        break;
                    }
                    at -= message.len();
                }
            }
            Self::Length(nth, at, value) => {
                let bytes = &value.to_be_bytes()[8 - at.len()..];
                for message in messages(&mut steps).skip(*nth).take(1) {
                    message[at.clone()].copy_from_slice(bytes);
                }
            }
            Self::Double(nth) => steps.insert(places[*nth], steps[places[*nth]].clone()),
            Self::Drop(nth) => drop(steps.remove(places[*nth])),
            Self::Swap(nth) => steps.swap(places[*nth], places[*nth + 1]),
        }
        steps
    }

    /// Whether the server hangs up where its bytes end, and not at the end of
    /// the session.
    pub fn hangs_up(&self) -> Option<usize> {
        match self {
            Self::Cut(at) => Some(*at),
            _ => None,
        }
    }
}

fn messages(steps: &mut [Step]) -> impl Iterator<Item = &mut Vec<u8>> {
    steps.iter_mut().filter_map(|step| match step {
        Step::Server(bytes) => Some(bytes),
        _ => None,
    })
}
