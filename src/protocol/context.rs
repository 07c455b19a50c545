//! Meta contexts (NBD protocol, metadata querying).

use std::ffi::CString;

/// A meta context that the server granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetaContext {
    /// The number that stands for it in replies.
    pub id: u32,
    /// Its name.
    pub name: CString,
}
