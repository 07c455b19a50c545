//! What the states that permit a call say about it.

use crate::table::States;

/// What the section HANDLE STATE says.
pub fn sentence(states: States) -> String {
    if states == States::ANY {
        return "The handle can be in any state.".to_owned();
    }
    let others = others(states).to_string();
    if !others.contains(" or ") {
        return format!("The handle can be in any state but {others}.");
    }
    let mut names: Vec<String> = states
        .to_string()
        .split(" or ")
        .map(str::to_owned)
        .collect();
    let last = names.pop().unwrap_or_default();
    let list = match names.as_slice() {
        [] => last,
        names => format!("{} or {last}", names.join(", ")),
    };
    format!(
        "The handle must be {list}. In any other state the call fails; see the \
         section STATES of `libnbd`."
    )
}

/// The errors of a call in another state.
pub fn errors(states: States) -> Vec<String> {
    let others = others(states);
    let mut errors = Vec::new();
    if others.contains(States::CREATED) {
        errors.push("`ENOTCONN`: no connection has been started.".to_owned());
    }
    errors.extend(invalid(states, others).map(|reason| format!("`EINVAL`: {reason}.")));
    errors
}

fn others(states: States) -> States {
    States::from_bits(!states.to_bits())
}

/// Why a handle that has left the created state cannot be used.
fn invalid(states: States, others: States) -> Option<String> {
    let started = States::CONNECTING.or(States::CONNECTED);
    if states == States::NEGOTIATING {
        return Some("the handle is not negotiating".to_owned());
    }
    if states.contains(States::CREATED) && others.contains(started) {
        return Some(match states.contains(States::NEGOTIATING) {
            true => "the handshake is in progress or over".to_owned(),
            false => "a connection has already been started".to_owned(),
        });
    }
    let early = match (
        others.contains(States::CONNECTING),
        others.contains(States::NEGOTIATING),
    ) {
        (true, true) => Some("the handshake is not over yet"),
        (true, false) => Some("the handle is still connecting"),
        (false, _) => None,
    };
    let late = match (
        others.contains(States::CLOSED),
        others.contains(States::DEAD),
    ) {
        (true, true) => Some("the connection has ended"),
        (false, true) => Some("the connection is broken"),
        (_, false) => None,
    };
    let reasons: Vec<&str> = early.into_iter().chain(late).collect();
    Some(reasons.join(", or ")).filter(|reasons| !reasons.is_empty())
}
