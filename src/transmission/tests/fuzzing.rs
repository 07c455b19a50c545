//! The transmission phase, with a server that sends what the fuzzer says.

use crate::protocol::reply::Style;
use crate::protocol::request::Command;
use crate::testing::{Pace, STALE};

use super::caller::Verdict;
use super::rig::{Interest, Order, Session, order, terms};

/// The first byte chooses the number of commands, the second one in which pieces
/// the replies arrive.  Six bytes describe each command; the rest is what the
/// server sends.
pub fn transmission(style: Style, input: &[u8]) {
    let Some((&[count, step], mut rest)) = input.split_first_chunk() else {
        return;
    };
    let mut orders = Vec::new();
    for _ in 0..=count % 8 {
        let Some((description, behind)) = rest.split_first_chunk() else {
            break;
        };
        orders.push(described(*description));
        rest = behind;
    }
    // Memory that nobody has filled must look like nothing else.
    let replies = rest
        .iter()
        .map(|byte| if *byte == STALE { !STALE } else { *byte });
    let session = Session {
        name: "fuzzed",
        terms: terms(style),
        orders,
        replies: replies.collect(),
    };
    let whole = session.run(&session.replies, Pace::Whole);
    let stepwise = session.run(&session.replies, Pace::Steps(1 + usize::from(step)));
    stepwise.must_be(&whole, || format!("{session:?}"));
}

fn described([command, manner, offset @ .., high, low]: [u8; 6]) -> Order {
    let offset = u16::from_be_bytes(offset).into();
    let count = u16::from_be_bytes([high, low]).into();
    let (command, interest) = match command % 8 {
        0 => (Command::Read, Interest::None),
        1 => (Command::Read, Interest::Chunks),
        2 => (Command::Write, Interest::None),
        3 => return order(Command::Flush, 0, 0),
        4 => (Command::WriteZeroes, Interest::None),
        5 => (Command::BlockStatus, Interest::Extents32),
        _ => (Command::BlockStatus, Interest::Extents64),
    };
    let order = order(command, offset, count).telling(interest);
    match manner % 5 {
        1 if command == Command::Read => order.unsanitised(),
        2 => order.concluding(Verdict::RETIRE),
        3 => order.along(&[Verdict::fail(libc::EPERM)]),
        4 => order.concluding(Verdict::fail(libc::EIO)),
        _ => order,
    }
}
