//! The list of meta contexts to ask the server for.

use std::ffi::CString;

use super::arguments::ToText;
use super::functions;
use crate::client::settings::check_length;
use crate::error::Error;

functions! {
    /// One more meta context to ask for, such as
    /// [`CONTEXT_BASE_ALLOCATION`](crate::CONTEXT_BASE_ALLOCATION).
    ///
    /// States: created and negotiating.  Errors: `EINVAL`, `ENAMETOOLONG`; see
    /// `nbd_add_meta_context`.
    add_meta_context(name: impl ToText), |client| {
        check_length(name.as_ref())?;
        client.settings.handshake.contexts.push(name.as_ref().to_owned());
        Ok(())
    };
    /// No meta context to ask for.
    ///
    /// States: created and negotiating.  Errors: `EINVAL`; see
    /// `nbd_clear_meta_contexts`.
    clear_meta_contexts(), |client| {
        client.settings.handshake.contexts.clear();
        Ok(())
    };
    /// A meta context of the list, counted from 0.
    ///
    /// States: any.  Errors: `EINVAL`, `ENOMEM`; see `nbd_get_meta_context`.
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
    /// How many meta contexts to ask for.
    get_nr_meta_contexts() -> usize, |client| Ok(client.settings.handshake.contexts.len());
}
