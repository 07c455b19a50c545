//! The handshake in the caller's hands (see `nbd_set_opt_mode`).

use std::ffi::CStr;

use crate::callback::{Context, List};
use crate::error::Result;
use crate::handle::{Handle, entry};

use super::{c_string, forward, text};

forward! {
    /// Opens the export (see `nbd_opt_go`).
    opt_go() -> () = OPT_GO, opt_go;
    /// Asks about the export without opening it (see `nbd_opt_info`).
    opt_info() -> () = OPT_INFO, opt_info;
    /// Ends the session (see `nbd_opt_abort`).
    opt_abort() -> () = OPT_ABORT, opt_abort;
    /// Switches structured replies on; whether the server agrees (see
    /// `nbd_opt_structured_reply`).
    opt_structured_reply() -> bool = OPT_STRUCTURED_REPLY, opt_structured_reply;
    /// Switches extended headers on; whether the server agrees (see
    /// `nbd_opt_extended_headers`).
    opt_extended_headers() -> bool = OPT_EXTENDED_HEADERS, opt_extended_headers;
}

impl Handle {
    /// The exports of the server: name and description of each (see
    /// `nbd_opt_list`).
    pub fn opt_list(&self) -> Result<Vec<(String, String)>> {
        let mut exports = Vec::new();
        let mut found = |name: &CStr, description: &CStr| {
            exports.push((text(name), text(description)));
        };
        self.call(&entry::OPT_LIST, |client| {
            // SAFETY: the call frees the closure before it returns.
            client.opt_list(unsafe { List::borrowed(&mut found) })
        })?;
        Ok(exports)
    }

    /// The meta contexts of the export that match the queries (see
    /// `nbd_opt_list_meta_context_queries`).
    pub fn opt_list_meta_context_queries(&self, queries: &[&str]) -> Result<Vec<String>> {
        let queries = queries.iter().map(c_string).collect::<Result<_>>()?;
        let mut contexts = Vec::new();
        let mut found = |name: &CStr| contexts.push(text(name));
        self.call(&entry::OPT_LIST_META_CONTEXT_QUERIES, |client| {
            // SAFETY: the call frees the closure before it returns.
            let found = unsafe { Context::borrowed(&mut found) };
            client.opt_list_meta_context_queries(queries, found)
        })?;
        Ok(contexts)
    }

    /// Selects the meta contexts that match the queries, and names those that
    /// the server granted (see `nbd_opt_set_meta_context_queries`).
    pub fn opt_set_meta_context_queries(&self, queries: &[&str]) -> Result<Vec<String>> {
        let queries = queries.iter().map(c_string).collect::<Result<_>>()?;
        let mut contexts = Vec::new();
        let mut granted = |name: &CStr| contexts.push(text(name));
        self.call(&entry::OPT_SET_META_CONTEXT_QUERIES, |client| {
            // SAFETY: the call frees the closure before it returns.
            let granted = unsafe { Context::borrowed(&mut granted) };
            client.opt_set_meta_context_queries(queries, granted)
        })?;
        Ok(contexts)
    }
}
