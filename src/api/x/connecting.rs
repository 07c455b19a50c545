//! Connecting: which addresses are used, and for how long.

use std::ffi::c_int;
use std::time::Duration;

use crate::api::arguments::ToTime;
use crate::api::functions;
use crate::error::{Error, Result};
use crate::sys;

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
    /// For how long to try again to connect if nobody listens.  `None`, the
    /// default, means once only; a duration of zero is an error.
    set_connect_retry(milliseconds: impl ToTime), |client| {
        possible(milliseconds)?;
        client.settings.connect_retry = milliseconds;
        Ok(())
    };
    /// See [`Handle::set_connect_retry`](Self::set_connect_retry).
    get_connect_retry() -> Option<Duration>, |client| Ok(client.settings.connect_retry);
    /// How long to wait for one address of a host before the next is tried as
    /// well.  `None`, the default, means until the first has failed; a duration
    /// of zero is an error.
    set_address_race(milliseconds: impl ToTime), |client| {
        possible(milliseconds)?;
        client.settings.address_race = milliseconds;
        Ok(())
    };
    /// See [`Handle::set_address_race`](Self::set_address_race).
    get_address_race() -> Option<Duration>, |client| Ok(client.settings.address_race);
}

/// A pause and a race are polled like one descriptor, which not every system
/// has.
fn possible(time: Option<Duration>) -> Result<()> {
    if sys::HAS_TIMERS || time.is_none() {
        return Ok(());
    }
    Err(Error::new(libc::ENOTSUP, "this system cannot do that"))
}
