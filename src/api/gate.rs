//! The gate: the single way into a handle, for every public function of both
//! interfaces.
//!
//! The order of the steps is part of the interface: a call in the wrong state
//! reports that state even if its arguments are invalid as well.

use std::ffi::CStr;
use std::process;

use super::buffers::Target;
use super::trace::{Shown, Trace};
use crate::client::debug;
use crate::client::{Client, Deadlock, Handle, Locked, thread};
use crate::error::{Error, Result};
use crate::table::Row;
use crate::transmission::request::ReadBuffer;
use crate::unwind::contain;

impl Handle {
    /// Runs a function that works on the locked handle and may fail.
    ///
    /// `given` is what the caller hands over, mainly closures and buffers.
    /// `show` adds it to a debug line, and `prepare` converts it to a form that
    /// is safe even if the state check has rejected the call.  If any step
    /// fails, it is freed with the lock held.
    pub(crate) fn call<G, P, R: Shown>(
        &self,
        row: &'static Row,
        given: G,
        show: impl Fn(&G, &mut Trace),
        prepare: impl FnOnce(&Self, G) -> P,
        operation: impl FnOnce(&mut Client, P) -> Result<R>,
    ) -> Result<R> {
        let run = |given, client: Result<&mut Client>| {
            let prepared = prepare(self, given);
            operation(client?, prepared)
        };
        let mut call = Call {
            todo: Some((given, run)),
            show,
            value: None,
        };
        if row.often {
            self.pass(row, &mut call)?;
        } else {
            self.pass_seldom(row, &mut call)?;
        }
        call.value.ok_or_else(Error::internal)
    }

    /// Passes any call through the gate.  This is compiled only once, and not in
    /// every public function.
    #[inline(never)]
    fn pass_seldom(&self, row: &'static Row, call: &mut dyn Passage) -> Result<()> {
        self.pass(row, call)
    }

    /// Passes a call through the gate.
    #[inline]
    fn pass<C: Passage + ?Sized>(&self, row: &'static Row, call: &mut C) -> Result<()> {
        thread::with(|thread| {
            let _context = debug::enter(thread, row.name);
            // Declared after the context, so it ends before it.
            let mut locked = self.lock(thread);
            if self.debug().enabled() {
                entered(self, row, &|line| call.show(line));
            }
            // Whatever a panic leaves inconsistent is protected by the lock, and the
            // connection ends because of the panic.
            let passed = contain(|| call.run(permitted(&mut locked, row)))
                .unwrap_or_else(|| Err(panicked(&mut locked)));
            if self.debug().enabled() {
                left(self, row, passed.as_ref().err(), &|| call.value());
            }
            passed
        })
    }

    /// Runs an operation on the locked handle that has no function in C.
    pub(crate) fn within<R>(
        &self,
        name: &'static CStr,
        operation: impl FnOnce(&mut Client) -> Result<R>,
    ) -> Result<R> {
        thread::with(|thread| {
            let _context = debug::enter(thread, name);
            let mut client = self.lock(thread).map_err(Deadlock::error)?;
            contain(|| operation(&mut client)).unwrap_or_else(|| Err(ended(&mut client)))
        })
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
            left(self, row, None, &|| result.show());
        }
        result
    }
}

/// A call, whatever it takes and returns.
trait Passage {
    /// Adds the arguments to a debug line.
    fn show(&self, line: &mut Trace);

    /// Does the work, once, unless the client is refused.
    fn run(&mut self, client: Result<&mut Client>) -> Result<()>;

    /// The value that a call returns that has succeeded.
    fn value(&self) -> String;
}

struct Call<G, S, O, R> {
    /// What is given, and the operation that takes it.
    todo: Option<(G, O)>,
    show: S,
    value: Option<R>,
}

impl<G, S, O, R> Passage for Call<G, S, O, R>
where
    S: Fn(&G, &mut Trace),
    O: FnOnce(G, Result<&mut Client>) -> Result<R>,
    R: Shown,
{
    fn show(&self, line: &mut Trace) {
        if let Some((given, _)) = &self.todo {
            (self.show)(given, line);
        }
    }

    #[inline]
    fn run(&mut self, client: Result<&mut Client>) -> Result<()> {
        if let Some((given, operation)) = self.todo.take() {
            self.value = Some(operation(given, client)?);
        }
        Ok(())
    }

    fn value(&self) -> String {
        self.value.as_ref().map(Shown::show).unwrap_or_default()
    }
}

type Entered<'a> = std::result::Result<Locked<'a>, Deadlock>;

/// What the lock protects, if the table permits the call in this state.
#[inline]
fn permitted<'a>(locked: &'a mut Entered, row: &Row) -> Result<&'a mut Client> {
    match locked {
        Ok(client) => client.permit(row).map(|()| &mut **client),
        Err(deadlock) => Err(deadlock.error()),
    }
}

/// Ends the connection after a panic.
#[cold]
#[inline(never)]
fn panicked(locked: &mut Entered) -> Error {
    match locked {
        Ok(client) => ended(client),
        // Nothing has happened to the connection.
        Err(deadlock) => deadlock.error(),
    }
}

/// Ends the connection after a panic.  If this panics as well, commands may
/// remain that refer to memory whose owner takes it back when the call returns;
/// in that case the call must not return.
#[cold]
#[inline(never)]
fn ended(client: &mut Client) -> Error {
    contain(|| client.panicked()).unwrap_or_else(|| process::abort())
}

// These rare paths are kept out of the generic function so that they are
// compiled only once.

#[cold]
#[inline(never)]
fn entered(handle: &Handle, row: &Row, show: &dyn Fn(&mut Trace)) {
    handle.debug().message(row.name, &Trace::of(show));
}

#[cold]
#[inline(never)]
fn left(handle: &Handle, row: &Row, error: Option<&Error>, value: &dyn Fn() -> String) {
    let line = match error {
        None => format!("leave: ret={}", value()),
        Some(error) => format!("leave: error=\"{}\"", error.in_function(row.name)),
    };
    handle.debug().message(row.name, &line);
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
