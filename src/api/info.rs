//! What the server has said.

use crate::error::Result;
use crate::handle::{Handle, entry};

use super::{c_string, forward, getters, text};

forward! {
    /// Size of the export in bytes (see `nbd_get_size`).
    get_size() -> i64 = GET_SIZE, get_size;
    /// Whether writing is forbidden (see `nbd_is_read_only`).
    is_read_only() -> bool = IS_READ_ONLY, is_read_only;
    /// Whether [`Handle::flush`] works (see `nbd_can_flush`).
    can_flush() -> bool = CAN_FLUSH, can_flush;
    /// Whether the FUA flag works (see `nbd_can_fua`).
    can_fua() -> bool = CAN_FUA, can_fua;
    /// Whether the export is on a spinning disk (see `nbd_is_rotational`).
    is_rotational() -> bool = IS_ROTATIONAL, is_rotational;
    /// Whether [`Handle::trim`] works (see `nbd_can_trim`).
    can_trim() -> bool = CAN_TRIM, can_trim;
    /// Whether [`Handle::zero`] works (see `nbd_can_zero`).
    can_zero() -> bool = CAN_ZERO, can_zero;
    /// Whether the FAST_ZERO flag works (see `nbd_can_fast_zero`).
    can_fast_zero() -> bool = CAN_FAST_ZERO, can_fast_zero;
    /// Whether the DF flag works (see `nbd_can_df`).
    can_df() -> bool = CAN_DF, can_df;
    /// Whether several connections see each other's flushed writes (see
    /// `nbd_can_multi_conn`).
    can_multi_conn() -> bool = CAN_MULTI_CONN, can_multi_conn;
    /// Whether [`Handle::cache`] works (see `nbd_can_cache`).
    can_cache() -> bool = CAN_CACHE, can_cache;
    /// A block size constraint: 0 minimum, 1 preferred, 2 maximum, 3 the
    /// longest payload to send (see `nbd_get_block_size`).
    get_block_size(which: i32) -> i64 = GET_BLOCK_SIZE, get_block_size;
}

getters! {
    /// Bytes of the protocol sent so far (see `nbd_stats_bytes_sent`).
    stats_bytes_sent() -> u64 = stats_bytes_sent;
    /// Bytes of the protocol received so far (see
    /// `nbd_stats_bytes_received`).
    stats_bytes_received() -> u64 = stats_bytes_received;
    /// Options and requests sent so far (see `nbd_stats_chunks_sent`).
    stats_chunks_sent() -> u64 = stats_chunks_sent;
    /// Replies received so far (see `nbd_stats_chunks_received`).
    stats_chunks_received() -> u64 = stats_chunks_received;
    /// Estimate of the memory that the handle uses, in bytes (see
    /// `nbd_get_handle_size`).
    get_handle_size() -> usize = handle_size;
}

impl Handle {
    /// Whether the server granted a meta context (see
    /// `nbd_can_meta_context`).
    pub fn can_meta_context(&self, name: &str) -> Result<bool> {
        let name = c_string(name)?;
        self.call(&entry::CAN_META_CONTEXT, |client| {
            client.can_meta_context(&name)
        })
    }

    /// The variant of the handshake: `oldstyle`, `newstyle` or
    /// `newstyle-fixed` (see `nbd_get_protocol`).
    pub fn get_protocol(&self) -> Result<String> {
        self.call(&entry::GET_PROTOCOL, |client| {
            client.get_protocol().map(text)
        })
    }

    /// The name by which the server knows the export (see
    /// `nbd_get_canonical_export_name`).
    pub fn get_canonical_export_name(&self) -> Result<String> {
        self.call(&entry::GET_CANONICAL_EXPORT_NAME, |client| {
            Ok(text(&client.canonical_export_name()?))
        })
    }

    /// The server's description of the export (see
    /// `nbd_get_export_description`).
    pub fn get_export_description(&self) -> Result<String> {
        self.call(&entry::GET_EXPORT_DESCRIPTION, |client| {
            Ok(text(&client.export_description()?))
        })
    }

    /// Name and description of the state, for messages (see
    /// `nbd_connection_state`).
    pub fn connection_state(&self) -> String {
        text(self.lock().connection_state())
    }
}
