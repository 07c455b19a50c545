//! Statistics of a handle.  They count from its creation, and are never reset.

use super::getters;

getters! {
    /// Bytes of the protocol sent so far, TLS not counted.
    stats_bytes_sent() -> u64 = STATS_BYTES_SENT, |client| client.stats_bytes_sent();
    /// Options and requests sent so far.
    stats_chunks_sent() -> u64 = STATS_CHUNKS_SENT, |client| client.stats_chunks_sent();
    /// Bytes of the protocol received so far, TLS not counted.
    stats_bytes_received() -> u64 = STATS_BYTES_RECEIVED,
        |client| client.stats_bytes_received();
    /// Greetings, option replies and replies received so far.
    stats_chunks_received() -> u64 = STATS_CHUNKS_RECEIVED,
        |client| client.stats_chunks_received();
    /// Estimate of the memory that the handle uses, in bytes.
    get_handle_size() -> usize = GET_HANDLE_SIZE, |client| client.handle_size();
}
