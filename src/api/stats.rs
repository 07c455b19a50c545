//! Statistics of a handle.  They count from its creation, and are never reset.

use super::{functions, unlocked};

functions! {
    /// Estimate of the memory that the handle uses, in bytes.
    get_handle_size() -> usize, |client| Ok(client.handle_size());
}

unlocked! {
    /// Bytes of the protocol sent so far, TLS not counted.
    stats_bytes_sent() -> u64, |handle| handle.statistics().bytes_sent.get();
    /// Options and requests sent so far.
    stats_chunks_sent() -> u64, |handle| handle.statistics().chunks_sent.get();
    /// Bytes of the protocol received so far, TLS not counted.
    stats_bytes_received() -> u64, |handle| handle.statistics().bytes_received.get();
    /// Greetings, option replies and replies received so far.
    stats_chunks_received() -> u64, |handle| handle.statistics().chunks_received.get();
}
