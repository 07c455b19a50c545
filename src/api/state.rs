//! Where a handle is in its life.  Exactly one of these predicates is true at
//! any time, and they answer without locking the handle, so also while another
//! thread is inside a call.

use std::ffi::CStr;

use super::{functions, unlocked};
use crate::table::States;

unlocked! {
    /// Whether no connection has been started.
    aio_is_created() -> bool, |handle| handle.state() == States::CREATED;
    /// Whether the handle is connecting, or in the handshake or an option.
    aio_is_connecting() -> bool, |handle| handle.state() == States::CONNECTING;
    /// Whether the handle waits in option mode for the caller's next option.
    aio_is_negotiating() -> bool, |handle| handle.state() == States::NEGOTIATING;
    /// Whether commands can be sent, and neither a request nor a reply is half
    /// way.
    aio_is_ready() -> bool, |handle| handle.is_ready();
    /// Whether a request or a reply is half way.
    aio_is_processing() -> bool, |handle| handle.is_processing();
    /// Whether the connection has ended in order.
    aio_is_closed() -> bool, |handle| handle.state() == States::CLOSED;
    /// Whether the connection has broken.
    aio_is_dead() -> bool, |handle| handle.state() == States::DEAD;
}

functions! {
    /// Name and description of the state, for messages.
    connection_state() -> &'static CStr, |client| Ok(client.state.label());
}
