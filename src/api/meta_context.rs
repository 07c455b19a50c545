//! The list of meta contexts to ask the server for.

use std::ffi::CString;

use super::arguments::ToText;
use super::functions;

functions! {
    /// One more meta context to ask for, such as
    /// [`CONTEXT_BASE_ALLOCATION`](crate::CONTEXT_BASE_ALLOCATION).
    ///
    /// States: created and negotiating.  Errors: `EINVAL`, `ENAMETOOLONG`; see
    /// `nbd_add_meta_context`.
    add_meta_context(name: impl ToText), |client| client.add_meta_context(name.as_ref());
    /// No meta context to ask for.
    ///
    /// States: created and negotiating.  Errors: `EINVAL`; see
    /// `nbd_clear_meta_contexts`.
    clear_meta_contexts(), |client| client.clear_meta_contexts();
    /// A meta context of the list, counted from 0.
    ///
    /// States: any.  Errors: `EINVAL`, `ENOMEM`; see `nbd_get_meta_context`.
    get_meta_context(i: usize) -> CString, |client| client.meta_context(i);
    /// How many meta contexts to ask for.
    get_nr_meta_contexts() -> usize, |client| Ok(client.nr_meta_contexts());
}
