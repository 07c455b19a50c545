//! Connecting: which addresses of a host are used.

use std::ffi::c_int;

use crate::api::functions;
use crate::error::Error;

functions! {
    /// Which addresses of a host to connect to by TCP: `AF_INET`, `AF_INET6` or
    /// `AF_UNSPEC`, which is all of them and the default.
    set_address_family(family: c_int), |client| {
        if ![libc::AF_UNSPEC, libc::AF_INET, libc::AF_INET6].contains(&family) {
            let wrong = format!("family: {family} is not AF_UNSPEC, AF_INET or AF_INET6");
            return Err(Error::new(libc::EINVAL, wrong));
        }
        client.settings.address_family = family;
        Ok(())
    };
    /// See [`Handle::set_address_family`](Self::set_address_family).
    get_address_family() -> c_int, |client| Ok(client.settings.address_family);
}
