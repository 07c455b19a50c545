//! The list of meta contexts to request from the server.

use std::ffi::CString;

use super::arguments::ToText;
use super::functions;
use crate::client::settings::check_length;
use crate::error::Error;

functions! {
    /// Adds a meta context to the list, such as
    /// [`CONTEXT_BASE_ALLOCATION`](crate::CONTEXT_BASE_ALLOCATION).
    add_meta_context(name: impl ToText), |client| {
        check_length(name.as_ref())?;
        client.settings.handshake.contexts.push(name.as_ref().to_owned());
        Ok(())
    };
    /// Clears the list.
    clear_meta_contexts(), |client| {
        client.settings.handshake.contexts.clear();
        Ok(())
    };
    /// Returns a meta context of the list, counted from 0.
    get_meta_context(i: usize) -> CString, |client| {
        let contexts = &client.settings.handshake.contexts;
        contexts.get(i).cloned().ok_or_else(|| {
            let number = contexts.len();
            Error::new(
                libc::EINVAL,
                format!("meta context {i} does not exist: there are {number}"),
            )
        })
    };
    /// Returns the length of the list.
    get_nr_meta_contexts() -> usize, |client| Ok(client.settings.handshake.contexts.len());
}
