//! What a new handle finds in the environment, for programs that nobody will
//! change.

use crate::sys;

/// The variables that begin with `LIBNBD`.
#[derive(Debug, Default)]
pub struct Environment {
    /// Debug messages are wanted.
    pub debug: bool,
    /// Those of libnbdx, in order: names and values.
    pub extension: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Environment {
    /// Reads them.  Normally there is none, and then this allocates nothing.
    pub fn read() -> Self {
        let mut found = Self::default();
        let mut debug = None;
        sys::trusted_variables(b"LIBNBD", |name, value| {
            if name == b"LIBNBD_DEBUG" {
                debug.get_or_insert(value == b"1");
            } else if name.starts_with(b"LIBNBDX_") {
                found.extension.push((name.to_owned(), value.to_owned()));
            }
        });
        found.debug = debug.unwrap_or_default();
        found
    }
}
