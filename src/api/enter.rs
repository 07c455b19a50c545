//! The way into a handle, the same for every public function and both skins.
//!
//! The order of the steps is part of the interface: a call in the wrong state
//! reports the state even if its arguments are wrong as well.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;

use super::line::{Line, Shown};
use crate::error::{Error, Result};
use crate::handle::entry::Entry;
use crate::handle::{Client, Handle, ReadBuffer, debug};
use crate::memory::loan::Target;

use super::arguments::missing;

impl Handle {
    /// A function that works on the locked handle and may fail.
    ///
    /// `owned` is what the caller hands over, closures in the first place: if
    /// any step fails, it is freed under the lock.
    pub(crate) fn call<O, V, R: Shown>(
        &self,
        entry: &'static Entry,
        owned: O,
        show: impl FnOnce(&O, &mut Line),
        check: impl FnOnce(&Client, &O) -> Result<V>,
        operation: impl FnOnce(&mut Client, O, V) -> Result<R>,
    ) -> Result<R> {
        self.steps(entry, owned, show, |_, owned| owned, check, operation)
    }

    /// As `call`, for a function that fills a buffer, its first argument: what
    /// has not been filled is sanitised, even if the state forbids the rest.
    pub(crate) fn call_reading<O, V, R: Shown>(
        &self,
        entry: &'static Entry,
        target: Target,
        owned: O,
        show: impl FnOnce(&O, &mut Line),
        check: impl FnOnce(&Client, &O) -> Result<V>,
        operation: impl FnOnce(&mut Client, ReadBuffer, O, V) -> Result<R>,
    ) -> Result<R> {
        const NAME: &str = "buf";
        self.steps(
            entry,
            (target, owned),
            |(target, owned), line| {
                line.out_buffer(NAME, target.count());
                show(owned, line);
            },
            |client, (target, owned)| {
                let buffer = target.lend().map(|memory| client.read_buffer(memory));
                (buffer, owned)
            },
            |client, (buffer, owned)| match buffer {
                Some(_) => check(client, owned),
                None => Err(missing(NAME)),
            },
            |client, (buffer, owned), checked| match buffer {
                Some(buffer) => operation(client, buffer, owned, checked),
                None => Err(missing(NAME)),
            },
        )
    }

    fn steps<O, P, V, R: Shown>(
        &self,
        entry: &'static Entry,
        owned: O,
        show: impl FnOnce(&O, &mut Line),
        prepare: impl FnOnce(&Client, O) -> P,
        check: impl FnOnce(&Client, &P) -> Result<V>,
        operation: impl FnOnce(&mut Client, P, V) -> Result<R>,
    ) -> Result<R> {
        let _context = debug::enter(entry.name);
        let mut client = self.lock();
        let debug = self.debug();
        if debug.enabled() {
            debug.message(entry.name, &Line::of(|line| show(&owned, line)));
        }
        // Whatever a panic leaves half done is behind the lock, and the
        // connection ends with it.
        let result = catch_unwind(AssertUnwindSafe(|| {
            let prepared = prepare(&client, owned);
            client.permit(entry)?;
            let checked = check(&client, &prepared)?;
            operation(&mut client, prepared, checked)
        }))
        .unwrap_or_else(|_| Err(ended(&mut client)));
        if debug.enabled() {
            let line = match &result {
                Ok(value) => format!("leave: ret={}", value.show()),
                Err(error) => format!("leave: error=\"{}\"", error.in_function(entry.name)),
            };
            debug.message(entry.name, &line);
        }
        result
    }

    /// A getter that cannot fail.
    pub(crate) fn look<R: Shown>(
        &self,
        entry: &'static Entry,
        operation: impl FnOnce(&Client) -> R,
    ) -> R {
        self.peek(entry, |handle| operation(&handle.lock()))
    }

    /// A function that cannot fail, and reads what needs no lock.
    pub(crate) fn peek<R: Shown>(
        &self,
        entry: &'static Entry,
        operation: impl FnOnce(&Self) -> R,
    ) -> R {
        let debug = self.debug();
        if debug.enabled() {
            debug.message(entry.name, "enter:");
        }
        let result = operation(self);
        if debug.enabled() {
            debug.message(entry.name, &format!("leave: ret={}", result.show()));
        }
        result
    }
}

/// Ends the connection after a panic.  If this panics as well, commands may be
/// left that know memory whose owner takes it back when the call is over: then
/// it must not be over.
fn ended(client: &mut Client) -> Error {
    catch_unwind(AssertUnwindSafe(|| client.panicked())).unwrap_or_else(|_| process::abort())
}

/// The body of a function that works on the locked handle.
macro_rules! body {
    (
        $handle:expr, $entry:ident, ($($argument:ident),*), ($($flags:ident: $check:ident)?),
        |$client:ident| $operation:expr
    ) => {
        $handle.call(
            &$crate::handle::entry::$entry,
            ($($argument,)*),
            |($($argument,)*), _line| {
                $($crate::api::arguments::Argument::show(
                    $argument,
                    stringify!($argument),
                    _line,
                );)*
                $(_line.flags(stringify!($flags), $flags);)?
            },
            |_client, ($($argument,)*)| {
                $($crate::api::arguments::Argument::check(
                    $argument,
                    stringify!($argument),
                )?;)*
                Ok(($($crate::api::arguments::$check(
                    _client,
                    &$crate::handle::entry::$entry,
                    stringify!($flags),
                    $flags,
                )?,)?))
            },
            |$client, ($($argument,)*), ($($flags,)?)| {
                $(let $argument = $crate::api::arguments::Argument::value($argument);)*
                $operation
            },
        )
    };
}

/// Writes functions that work on the locked handle: documentation, arguments,
/// row of the table, operation.  Flags stand last, behind a semicolon, with the
/// check that they pass.
macro_rules! functions {
    ($(
        $(#[$doc:meta])*
        $name:ident($($argument:ident: $type:ty),* $(; $flags:ident: $check:ident)?) -> $result:ty
            = $entry:ident, |$client:ident| $operation:expr;
    )*) => {
        impl $crate::handle::Handle {$(
            $(#[$doc])*
            pub fn $name(
                &self $(, $argument: $type)* $(, $flags: u32)?
            ) -> $crate::error::Result<$result> {
                $crate::api::enter::body!(
                    self, $entry, ($($argument),*), ($($flags: $check)?), |$client| $operation
                )
            }
        )*}
    };
}

/// As `functions`, for those that wait, and borrow a callback meanwhile.  It
/// stands behind an arrow.
macro_rules! waiting_functions {
    ($(
        $(#[$doc:meta])*
        $name:ident(
            $($argument:ident: $type:ty),* => $lent:ident: $callback:ident
            $(; $flags:ident: $check:ident)?
        ) -> $result:ty = $entry:ident, |$client:ident| $operation:expr;
    )*) => {
        impl $crate::handle::Handle {$(
            $(#[$doc])*
            pub fn $name(
                &self $(, $argument: $type)*, $lent: $callback<'_> $(, $flags: u32)?
            ) -> $crate::error::Result<$result> {
                $lent.while_waiting(|$lent| {
                    $crate::api::enter::body!(
                        self,
                        $entry,
                        ($($argument,)* $lent),
                        ($($flags: $check)?),
                        |$client| $operation
                    )
                })
            }
        )*}
    };
}

/// Writes getters that always have an answer.
macro_rules! getters {
    ($(
        $(#[$doc:meta])*
        $name:ident() -> $result:ty = $entry:ident, |$client:ident| $operation:expr;
    )*) => {
        impl $crate::handle::Handle {$(
            $(#[$doc])*
            pub fn $name(&self) -> $result {
                self.look(&$crate::handle::entry::$entry, |$client| $operation)
            }
        )*}
    };
}

/// Writes functions that take no lock.
macro_rules! unlocked {
    ($(
        $(#[$doc:meta])*
        $name:ident($($argument:ident: $type:ty),*) -> $result:ty
            = $entry:ident, |$handle:ident| $operation:expr;
    )*) => {
        impl $crate::handle::Handle {$(
            $(#[$doc])*
            pub fn $name(&self $(, $argument: $type)*) -> $result {
                self.peek(&$crate::handle::entry::$entry, |$handle| $operation)
            }
        )*}
    };
}

pub(super) use {body, functions, getters, unlocked, waiting_functions};
