//! The state of a handle.  Exactly one of these predicates is true at any time.
//! They do not lock the handle, so they can be used even while another thread
//! is inside a call.

use std::ffi::CStr;

use super::{functions, unlocked};
use crate::table::States;

unlocked! {
    /// Returns whether no connection has been started.
    aio_is_created() -> bool, |handle| handle.state() == States::CREATED;
    /// Returns whether the handle is connecting, or in the handshake or an
    /// option.
    aio_is_connecting() -> bool, |handle| handle.state() == States::CONNECTING;
    /// Returns whether the handle waits in option mode for the caller's next
    /// option.
    aio_is_negotiating() -> bool, |handle| handle.state() == States::NEGOTIATING;
    /// Returns whether commands can be sent, and no request or reply is partly
    /// transferred.
    aio_is_ready() -> bool, |handle| handle.is_ready();
    /// Returns whether a request or a reply is partly transferred.
    aio_is_processing() -> bool, |handle| handle.is_processing();
    /// Returns whether the connection was closed in an orderly way.
    aio_is_closed() -> bool, |handle| handle.state() == States::CLOSED;
    /// Returns whether the connection has failed.
    aio_is_dead() -> bool, |handle| handle.state() == States::DEAD;
}

functions! {
    /// Returns the name and a description of the state, for messages.
    connection_state() -> &'static CStr, |client| Ok(client.state.label());
}
