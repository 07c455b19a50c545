//! The environment of a server that finds a listening socket when it starts.

use std::ffi::{CStr, CString};

use crate::sys;

/// The environment of an activated server, except for its process id.
#[derive(Debug)]
pub struct Environment {
    variables: Vec<CString>,
}

impl Environment {
    /// For a server whose listening socket has this name.
    pub fn activated(name: &CStr) -> Self {
        let name = match name.to_bytes() {
            b"" => b"unknown",
            name => name,
        };
        let named = CString::new([b"LISTEN_FDNAMES=", name].concat()).unwrap_or_default();
        // Whoever started this process may have activated it, too.
        let inherited = sys::environment().into_iter().filter(|variable| {
            let name = variable.to_bytes().split(|&byte| byte == b'=').next();
            !["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]
                .iter()
                .any(|own| name == Some(own.as_bytes()))
        });
        Self {
            variables: [c"LISTEN_FDS=1".to_owned(), named]
                .into_iter()
                .chain(inherited)
                .collect(),
        }
    }

    /// The variables.
    pub fn variables(&self) -> &[CString] {
        &self.variables
    }
}
