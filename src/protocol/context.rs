//! Meta contexts (NBD protocol, metadata querying).

use std::ffi::CStr;
use std::sync::Arc;

/// A meta context that the server granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetaContext {
    /// The number that stands for it in replies.
    pub id: u32,
    /// Its name.  Clones share it: a server may grant many, with long names.
    pub name: Arc<CStr>,
}
