//! Statistics of a handle.  They count from its creation, and are never reset.

use super::{functions, unlocked};

functions! {
    /// Returns an estimate of the memory that the handle uses, in bytes.
    get_handle_size() -> usize, |client| Ok(client.handle_size());
}

unlocked! {
    /// Returns the number of bytes of the protocol sent so far, excluding the
    /// overhead of TLS.
    stats_bytes_sent() -> u64, |handle| handle.statistics().bytes_sent.get();
    /// Returns the number of options and requests sent so far.
    stats_chunks_sent() -> u64, |handle| handle.statistics().chunks_sent.get();
    /// Returns the number of bytes of the protocol received so far, excluding
    /// the overhead of TLS.
    stats_bytes_received() -> u64, |handle| handle.statistics().bytes_received.get();
    /// Returns the number of greetings, option replies and replies received so
    /// far.
    stats_chunks_received() -> u64, |handle| handle.statistics().chunks_received.get();
}
