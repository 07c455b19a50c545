//! Meta contexts (NBD protocol, metadata querying).

use std::ffi::CStr;
use std::sync::Arc;

/// A meta context that the server granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetaContext {
    /// The number that identifies it in replies.
    pub id: u32,
    /// Its name.  Clones share it, because a server may grant many contexts
    /// with long names.
    pub name: Arc<CStr>,
}
