//! The gate: the single way into a handle, for every public function of both
//! interfaces.
//!
//! The order of the steps is part of the interface: a call in the wrong state
//! reports that state even if its arguments are invalid as well.

use std::process;

use super::buffers::Target;
use super::trace::{Shown, Trace};
use crate::client::{Client, Handle, debug};
use crate::error::{Error, Result};
use crate::table::Row;
use crate::transmission::request::ReadBuffer;
use crate::unwind::contain;

impl Handle {
    /// Runs a function that works on the locked handle and may fail.
    ///
    /// `given` is what the caller hands over, mainly closures and buffers.
    /// `show` adds it to a debug line, and `prepare` converts it to a form that
    /// is safe before the state check can reject the call.  If any step fails,
    /// it is freed with the lock held.
    pub(crate) fn call<G, P, R: Shown>(
        &self,
        row: &'static Row,
        given: G,
        show: impl Fn(&G, &mut Trace),
        prepare: impl FnOnce(&Self, G) -> P,
        operation: impl FnOnce(&mut Client, P) -> Result<R>,
    ) -> Result<R> {
        let mut call = Call {
            given: Some((given, prepare, operation)),
            show,
            result: None,
        };
        self.pass(row, &mut call)?;
        // Always there, because the call has succeeded.
        call.result.ok_or_else(no_result)
    }

    /// The steps of every call.
    #[inline(never)]
    fn pass(&self, row: &'static Row, call: &mut dyn Passing) -> Result<()> {
        let _context = debug::enter(row.name);
        let mut locked = self.lock();
        if self.debug().enabled() {
            entered(self, row, &|line| call.show(line));
        }
        let result = match &mut locked {
            // Whatever a panic leaves inconsistent is protected by the lock,
            // and the connection ends because of the panic.
            Ok(client) => {
                contain(|| call.run(self, row, Ok(client))).unwrap_or_else(|| Err(ended(client)))
            }
            // As in every failed call, what the caller has handed over is
            // freed, and a read buffer is sanitised.
            Err(deadlock) => call.run(self, row, Err(deadlock.error())),
        };
        if self.debug().enabled() {
            left(self, row, result.as_ref().map(|()| call.show_result()));
        }
        result
    }

    /// The buffer of a read, unless it is missing.  From here on, the parts
    /// that the server does not fill are sanitised, even if the state does not
    /// permit the call.
    pub(crate) fn read_buffer(&self, target: Target) -> Option<ReadBuffer> {
        let initialize = self.snapshot().pread_initialize();
        let memory = target.lend()?;
        Some(ReadBuffer::new(memory, initialize))
    }

    /// Runs a function that cannot fail, because it needs no lock.
    pub(crate) fn peek<R: Shown>(
        &self,
        row: &'static Row,
        operation: impl FnOnce(&Self) -> R,
    ) -> R {
        if self.debug().enabled() {
            entered(self, row, &|_| ());
        }
        let result = operation(self);
        if self.debug().enabled() {
            left(self, row, Ok(result.show()));
        }
        result
    }
}

/// A call as the gate sees it, without its types.  So the steps are compiled
/// only once, not in every public function.
trait Passing {
    /// Adds the arguments to a debug line.
    fn show(&self, line: &mut Trace);

    /// Runs the operation if the handle is locked and its state permits the
    /// call.  Whatever happens, nothing is left of what the caller has handed
    /// over.
    fn run(&mut self, handle: &Handle, row: &Row, locked: Result<&mut Client>) -> Result<()>;

    /// The result of an operation that has succeeded, for a debug line.
    fn show_result(&self) -> String;
}

/// A call of one public function.
struct Call<G, S, P, O, R> {
    /// What the caller has handed over, and what converts and uses it; until
    /// the call runs.
    given: Option<(G, P, O)>,
    show: S,
    /// Once the operation has succeeded.
    result: Option<R>,
}

impl<G, Q, R, S, P, O> Passing for Call<G, S, P, O, R>
where
    R: Shown,
    S: Fn(&G, &mut Trace),
    P: FnOnce(&Handle, G) -> Q,
    O: FnOnce(&mut Client, Q) -> Result<R>,
{
    fn show(&self, line: &mut Trace) {
        if let Some((given, ..)) = &self.given {
            (self.show)(given, line);
        }
    }

    fn run(&mut self, handle: &Handle, row: &Row, locked: Result<&mut Client>) -> Result<()> {
        if let Some((given, prepare, operation)) = self.given.take() {
            let prepared = prepare(handle, given);
            let client = locked?;
            client.permit(row)?;
            self.result = Some(operation(client, prepared)?);
        }
        Ok(())
    }

    fn show_result(&self) -> String {
        self.result.as_ref().map(Shown::show).unwrap_or_default()
    }
}

#[cold]
#[inline(never)]
fn no_result() -> Error {
    Error::new(libc::ENOTRECOVERABLE, "internal error")
}

// These rare paths are kept out of the way of the others.

#[cold]
#[inline(never)]
fn entered(handle: &Handle, row: &Row, show: &dyn Fn(&mut Trace)) {
    handle.debug().message(row.name, &Trace::of(show));
}

#[cold]
#[inline(never)]
fn left(handle: &Handle, row: &Row, result: std::result::Result<String, &Error>) {
    let line = match result {
        Ok(value) => format!("leave: ret={value}"),
        Err(error) => format!("leave: error=\"{}\"", error.in_function(row.name)),
    };
    handle.debug().message(row.name, &line);
}

/// Ends the connection after a panic.  If this panics as well, commands may
/// remain that refer to memory whose owner takes it back when the call returns;
/// in that case the call must not return.
#[cold]
#[inline(never)]
fn ended(client: &mut Client) -> Error {
    contain(|| client.panicked()).unwrap_or_else(|| process::abort())
}

/// Passes a call through the gate: the row of the table, the arguments, the
/// validated word with its kind (see `words`), and the body of the function.
macro_rules! call {
    (
        $handle:expr, $name:ident, ($($argument:ident),*), ($($word:ident: $kind:ident)?),
        |$client:ident| $body:expr
    ) => {{
        let names = &[$(stringify!($argument)),*];
        $handle.call(
            &$crate::table::$name,
            ($($argument,)*),
            |given, line| {
                $crate::api::arguments::Arguments::show(given, names, line);
                $($crate::api::words::$kind::show(stringify!($word), $word, line);)?
            },
            |_, given| given,
            |$client, given| {
                // They stay together until all have been checked, so that a
                // rejected call frees its closures in order.
                let taken = $crate::api::arguments::Arguments::take(given, names)?;
                $(let $word = $crate::api::words::$kind::take(
                    $client,
                    &$crate::table::$name,
                    stringify!($word),
                    $word,
                )?;)?
                let ($($argument,)*) = taken;
                $body
            },
        )
    }};
}

/// Defines functions that work on the locked handle: documentation, name,
/// arguments, result, and body.  The name is that of the row in the table.  A
/// validated word comes last, after a semicolon.
macro_rules! functions {
    ($(
        $(#[$doc:meta])*
        $name:ident($($argument:ident: $type:ty),* $(; $word:ident: $kind:ident)?)
            $(-> $result:ty)?, |$client:ident| $body:expr;
    )*) => {
        impl $crate::client::Handle {$(
            $(#[$doc])*
            #[doc = $crate::table::docs::$name!()]
            pub fn $name(
                &self $(, $argument: $type)* $(, $word: $crate::api::words::$kind::Raw)?
            ) -> $crate::error::Result<$crate::api::gate::result!($($result)?)> {
                $crate::api::gate::call!(
                    self, $name, ($($argument),*), ($($word: $kind)?), |$client| $body
                )
            }
        )*}
    };
}

/// Like `functions`, for functions that wait, and borrow a callback meanwhile.
/// The callback comes after an arrow.
macro_rules! waiting_functions {
    ($(
        $(#[$doc:meta])*
        $name:ident(
            $($argument:ident: $type:ty),* => $lent:ident: $callback:ident
            $(; $word:ident: $kind:ident)?
        ) $(-> $result:ty)?, |$client:ident| $body:expr;
    )*) => {
        impl $crate::client::Handle {$(
            $(#[$doc])*
            #[doc = $crate::table::docs::$name!()]
            pub fn $name(
                &self $(, $argument: $type)*, $lent: $callback<'_>
                $(, $word: $crate::api::words::$kind::Raw)?
            ) -> $crate::error::Result<$crate::api::gate::result!($($result)?)> {
                $lent.while_waiting(|$lent| {
                    $crate::api::gate::call!(
                        self, $name, ($($argument,)* $lent), ($($word: $kind)?), |$client| $body
                    )
                })
            }
        )*}
    };
}

/// Defines functions that take no lock.  They cannot fail and never wait, not
/// even in a callback of the handle.
macro_rules! unlocked {
    ($(
        $(#[$doc:meta])*
        $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?,
            |$handle:ident| $body:expr;
    )*) => {
        impl $crate::client::Handle {$(
            $(#[$doc])*
            #[doc = $crate::table::docs::$name!()]
            pub fn $name(
                &self $(, $argument: $type)*
            ) -> $crate::api::gate::result!($($result)?) {
                self.peek(&$crate::table::$name, |$handle| $body)
            }
        )*}
    };
}

/// The declared result of a function, or `()`.
macro_rules! result {
    () => {
        ()
    };
    ($result:ty) => {
        $result
    };
}

pub(super) use {call, functions, result, unlocked, waiting_functions};
