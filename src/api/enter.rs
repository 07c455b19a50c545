//! The way into a handle, the same for every public function and both skins.
//!
//! The order of the steps is part of the interface: a call in the wrong state
//! reports the state even if its arguments are wrong as well.

use std::process;

use super::line::{Line, Shown};
use crate::error::{Error, Result};
use crate::handle::entry::Entry;
use crate::handle::{Client, Handle, ReadBuffer, debug};
use crate::memory::loan::Target;
use crate::unwind::contain;

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
        self.steps(entry, owned, show, |owned| owned, check, operation)
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
            |(target, owned)| {
                let initialize = self.snapshot().pread_initialize();
                let buffer = target.lend();
                let buffer = buffer.map(|memory| ReadBuffer::new(memory, initialize));
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
        prepare: impl FnOnce(O) -> P,
        check: impl FnOnce(&Client, &P) -> Result<V>,
        operation: impl FnOnce(&mut Client, P, V) -> Result<R>,
    ) -> Result<R> {
        let _context = debug::enter(entry.name);
        let mut locked = self.lock();
        let debug = self.debug();
        if debug.enabled() {
            debug.message(entry.name, &Line::of(|line| show(&owned, line)));
        }
        let result = match &mut locked {
            // Whatever a panic leaves half done is behind the lock, and the
            // connection ends with it.
            Ok(client) => contain(|| {
                let prepared = prepare(owned);
                client.permit(entry)?;
                let checked = check(client, &prepared)?;
                operation(client, prepared, checked)
            })
            .unwrap_or_else(|| Err(ended(client))),
            Err(deadlock) => {
                // As in every call that fails: what the caller has handed over
                // is freed, and a buffer sanitised.
                drop(prepare(owned));
                Err(deadlock.error())
            }
        };
        if debug.enabled() {
            let line = match &result {
                Ok(value) => format!("leave: ret={}", value.show()),
                Err(error) => format!("leave: error=\"{}\"", error.in_function(entry.name)),
            };
            debug.message(entry.name, &line);
        }
        result
    }

    /// A function that cannot fail, because it needs no lock.
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
    contain(|| client.panicked()).unwrap_or_else(|| process::abort())
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

/// Writes functions that take no lock.  They cannot fail and never wait, also in
/// a callback of the handle.
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

pub(super) use {body, functions, unlocked, waiting_functions};
