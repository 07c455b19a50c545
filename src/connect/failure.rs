//! Why no connection came about.

use std::fmt;
use std::io;

use super::Seat;
use crate::sys::address::is_vsock;

/// The end of a try to connect to all addresses.
#[derive(Debug)]
pub struct Failure {
    pub reason: Reason,
    /// Nobody listens at some address, or the name is not known: a server that
    /// is not up yet may be the cause.
    pub nobody_listens: bool,
    /// For the next try.
    pub seat: Seat,
}

/// The reason that is reported.
#[derive(Debug)]
pub enum Reason {
    /// The name has no address; in words, because errno does not describe it.
    Unresolved(String),
    /// The first address that failed did so for this reason.
    System(io::Error),
}

/// The failures of several addresses.
#[derive(Debug, Default)]
pub struct Failures {
    first: Option<io::Error>,
    nobody_listens: bool,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unresolved(reason) => f.write_str(reason),
            Self::System(error) => error.fmt(f),
        }
    }
}

impl Failure {
    /// Not even the first address could be tried.
    pub fn of_system(error: io::Error, seat: Seat) -> Self {
        Self {
            reason: Reason::System(error),
            nobody_listens: false,
            seat,
        }
    }
}

impl Failures {
    /// Adds that of an address of this family.
    pub fn add(&mut self, error: io::Error, family: i32) {
        self.nobody_listens |= nobody_listens(&error, family);
        self.first.get_or_insert(error);
    }

    /// All addresses have failed.
    pub fn conclude(self, seat: Seat) -> Failure {
        let none = || io::Error::from_raw_os_error(libc::EADDRNOTAVAIL);
        Failure {
            reason: Reason::System(self.first.unwrap_or_else(none)),
            nobody_listens: self.nobody_listens,
            seat,
        }
    }
}

/// Whether an error of connecting means that nobody listens at an address, or
/// that so many clients are waiting already that there is no room for more.
fn nobody_listens(error: &io::Error, family: i32) -> bool {
    match (error.raw_os_error(), family) {
        (Some(libc::ECONNREFUSED), _) => true,
        (Some(libc::ENOENT | libc::EAGAIN), libc::AF_UNIX) => true,
        // This is how a refusal by a virtual machine looks.
        (Some(libc::ECONNRESET), family) => is_vsock(family),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_not_up_is_told_from_other_failures() {
        for (errno, family, wanted) in [
            (libc::ECONNREFUSED, libc::AF_INET, true),
            (libc::ECONNREFUSED, libc::AF_UNIX, true),
            (libc::ENOENT, libc::AF_UNIX, true),
            (libc::EAGAIN, libc::AF_UNIX, true),
            (libc::EAGAIN, libc::AF_INET, false),
            (libc::ECONNRESET, libc::AF_VSOCK, true),
            (libc::ECONNRESET, libc::AF_INET, false),
            (libc::EACCES, libc::AF_UNIX, false),
            (libc::ENETUNREACH, libc::AF_INET6, false),
        ] {
            let error = io::Error::from_raw_os_error(errno);
            assert_eq!(nobody_listens(&error, family), wanted, "{error} {family}");
        }
    }

    #[test]
    fn one_address_without_a_listener_is_enough() {
        let mut failures = Failures::default();
        failures.add(
            io::Error::from_raw_os_error(libc::ENETUNREACH),
            libc::AF_INET6,
        );
        failures.add(
            io::Error::from_raw_os_error(libc::ECONNREFUSED),
            libc::AF_INET,
        );
        let failure = failures.conclude(Seat::new(&std::sync::Arc::default()));
        assert!(failure.nobody_listens);
        assert!(matches!(failure.reason, Reason::System(error)
            if error.raw_os_error() == Some(libc::ENETUNREACH)));
    }
}
