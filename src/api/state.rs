//! Where a handle is in its life.  Exactly one of these predicates is true at
//! any time, and they answer without locking the handle, so also while another
//! thread is inside a call.

use std::ffi::CStr;

use super::{functions, unlocked};
use crate::handle::entry::States;

unlocked! {
    /// Whether no connection has been started.
    aio_is_created() -> bool = AIO_IS_CREATED, |handle| handle.state() == States::CREATED;
    /// Whether the handle is connecting, or in the handshake or an option.
    aio_is_connecting() -> bool = AIO_IS_CONNECTING,
        |handle| handle.state() == States::CONNECTING;
    /// Whether the handle waits in option mode for the caller's next option.
    aio_is_negotiating() -> bool = AIO_IS_NEGOTIATING,
        |handle| handle.state() == States::NEGOTIATING;
    /// Whether commands can be sent, and neither a request nor a reply is half
    /// way.
    aio_is_ready() -> bool = AIO_IS_READY, |handle| handle.is_ready();
    /// Whether a request or a reply is half way.
    aio_is_processing() -> bool = AIO_IS_PROCESSING, |handle| handle.is_processing();
    /// Whether the connection has ended in order.
    aio_is_closed() -> bool = AIO_IS_CLOSED, |handle| handle.state() == States::CLOSED;
    /// Whether the connection has broken.
    aio_is_dead() -> bool = AIO_IS_DEAD, |handle| handle.state() == States::DEAD;
}

functions! {
    /// Name and description of the state, for messages.
    connection_state() -> &'static CStr = CONNECTION_STATE, |client| Ok(client.connection_state());
}
