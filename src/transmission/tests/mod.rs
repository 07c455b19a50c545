//! The engine, driven from byte strings: whatever a server sends, and however
//! it is cut, the results are the same and nothing is lost or reported twice.

mod bulk;
mod caller;
mod ending;
mod hostile;
mod parting;
mod reach;
mod reading;
mod replies;
mod rig;
mod sending;
mod status;
mod stray;

use crate::protocol::reply::Style;

/// The sessions in which replies come in chunks.
const CHUNKED: [Style; 2] = [Style::Structured, Style::Extended];
