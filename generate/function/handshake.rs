//! What functions have in common that take part in the handshake, or report
//! what it has brought.

use super::Function;
use crate::table::States;

/// Options that every server accepts: `nbd_opt_go` has an older form, and
/// `nbd_opt_abort` can always hang up.
const UNIVERSAL: [&str; 2] = ["go", "abort"];

/// The option that a function sends: the end of its name.
fn option(function: &Function) -> Option<&str> {
    let (start, option) = function.name.split_once("opt_")?;
    (function.row.states == States::NEGOTIATING && matches!(start, "nbd_" | "nbd_aio_"))
        .then_some(option)
}

/// What is refused before anything is sent.
pub fn checks(function: &Function) -> Vec<String> {
    let mut errors = Vec::new();
    if option(function).is_some_and(|option| !UNIVERSAL.contains(&option)) {
        errors.push("`ENOTSUP`: the server does not negotiate options; nothing was sent.");
    }
    if reports_description(function) {
        errors.push("`EINVAL`: the server has not described the export yet.");
    }
    errors.into_iter().map(str::to_owned).collect()
}

/// What the server says of the export comes with `NBD_INFO_...` replies.
fn reports_description(function: &Function) -> bool {
    let source = function.comment.source.as_deref().unwrap_or_default();
    function.row.states.contains(States::CLOSED)
        && ["NBD_INFO_", "NBD_FLAG_"]
            .iter()
            .any(|it| source.contains(it))
}

/// How waiting for the server can end.
pub fn outcomes(function: &Function) -> &'static [&'static str] {
    if function.is_asynchronous() {
        &[]
    } else if function.name.starts_with("nbd_connect_") {
        &[
            "0: the peer does not speak NBD, closed the connection during the handshake, or \
             violated the protocol.",
            "`ENOTSUP`, `EINVAL`, `ENOENT`, `ESHUTDOWN`, or 0: the server refused the export; its \
             reason is in the message.",
            "`ENOTSUP`: TLS is required, and the server does not offer it.",
            "`EINVAL`, `ENXIO`, or any errno of reading a file: a setting for TLS cannot be used.",
            "0: the TLS handshake failed, or the server's certificate is not accepted.",
        ]
    } else if option(function).is_some_and(|option| option != "abort") {
        &[
            "Any errno, or 0: the connection broke, or the server violated the protocol; the \
             handle is dead.",
        ]
    } else {
        &[]
    }
}
