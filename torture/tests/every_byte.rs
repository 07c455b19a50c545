//! Every byte: recorded sessions with every damage that a server can do to
//! them, whole and one byte at a time.
//!
//! The short form does a sample; `TORTURE=long` does all.  The last line is the
//! table of what was done.

#![allow(missing_docs)]

use std::cell::RefCell;

use torture::caller::warm_up;
use torture::damage::{self, Damage};
use torture::replay::{Pace, Run, replay};
use torture::session::{Session, Step};

/// In the short form, of the damages to a session only every nth is done.
const SAMPLE: usize = 61;

fn is_long() -> bool {
    std::env::var_os("TORTURE").is_some_and(|form| form == "long")
}

thread_local! {
    /// What is being replayed.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// A closure that fails ends the program, so the place must be told before.
fn tell_the_place() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PLACE.with_borrow(|place| eprintln!("{place}:"));
        usual(panic);
    }));
}

/// What the client sends in a recording.
fn recorded(session: &Session) -> Vec<u8> {
    let sent = session.steps.iter().filter_map(|step| match step {
        Step::Client(bytes) => Some(bytes.as_slice()),
        _ => None,
    });
    sent.collect::<Vec<_>>().concat()
}

#[test]
fn undamaged_sessions_repeat() {
    warm_up();
    for session in Session::all() {
        let whole = replay(&session.steps, Pace::Whole, None);
        let has_errors = session.title.contains("fail");
        for line in &whole.outcome.log {
            let failed = line.starts_with("poll: ")
                || line.contains("completed ") && !line.ends_with("completed 0");
            assert!(has_errors || !failed, "{}: {line}", session.name);
        }
        let expected = recorded(&session);
        assert_eq!(
            whole.sent, expected,
            "{}: the client says something else",
            session.name
        );
        // It also holds if the server does not wait for the end of a request.
        let early = replay(&session.steps, Pace::Early, None);
        assert_eq!(early.sent, expected, "{}: early replies", session.name);
        assert_eq!(
            early.outcome.memory, whole.outcome.memory,
            "{}: early replies",
            session.name
        );
        for number in 1..=whole.outcome.memory.len() {
            let [one, other] = [&whole, &early].map(|run| story(&run.outcome.log, number));
            assert_eq!(one, other, "{}: early replies", session.name);
        }
    }
}

#[test]
fn damaged_sessions_end_in_the_same_way_however_they_arrive() {
    warm_up();
    tell_the_place();
    let (mut inputs, mut bytes) = (0, 0);
    let sessions = Session::all();
    for session in &sessions {
        let damages = damage::all(session);
        let sample = if is_long() { 1 } else { SAMPLE };
        // Which ones are done differs from session to session.
        for damage in damages.iter().skip(inputs % sample).step_by(sample) {
            bytes += damaged(session, damage);
            inputs += 3;
        }
    }
    println!(
        "torture: every byte: {} sessions, {inputs} inputs, {bytes} bytes, 0 findings",
        sessions.len()
    );
}

/// Runs a session with a damage; returns how many bytes the server has sent.
fn damaged(session: &Session, damage: &Damage) -> usize {
    let place = || format!("{}: {damage}", session.name);
    PLACE.set(place());
    let steps = damage.applied(session);
    let run = |pace| replay(&steps, pace, damage.hangs_up());
    let (whole, bytewise) = (run(Pace::Whole), run(Pace::Bytewise));
    whole.work.check(&place);
    bytewise.work.check(&place);
    run(Pace::Early).work.check(&place);
    must_agree(&whole, &bytewise, &place);
    whole.work.received + bytewise.work.received
}

/// Both runs told the program the same.  Bytes that nobody has asked for may be
/// looked at before or after the next call, so if they break the connection, it
/// may end before or after what that call began.
fn must_agree(whole: &Run, bytewise: &Run, place: &dyn Fn() -> String) {
    if whole.outcome == bytewise.outcome && whole.sent == bytewise.sent {
        return;
    }
    let logs = [&whole.outcome.log, &bytewise.outcome.log];
    let is_broken = |log: &&Vec<String>| log.iter().any(|line| line.starts_with("state DEAD"));
    assert!(logs.iter().all(is_broken), "{}: {logs:#?}", place());
    for number in 1..=whole.outcome.memory.len() {
        let [one, other] = logs.map(|log| story(log, number));
        let agree = one.starts_with(&other) || other.starts_with(&one);
        assert!(agree, "{}: {number} of {logs:#?}", place());
    }
}

/// What the closures of a command were told before the connection broke.
fn story(log: &[String], number: usize) -> Vec<&str> {
    let lines = log
        .iter()
        .filter_map(|line| line.strip_prefix(&format!("{number}: ")));
    lines
        .filter(|line| *line != format!("completed {}", libc::ENOTCONN))
        .collect()
}
