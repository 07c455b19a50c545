//! Validated words: flags, and choices by number.  The rules are in the table.

use crate::client::Client;
use crate::error::{Error, Result};
use crate::table::{Row, Word};

/// Rejects values that the table does not accept.  The strict mode of a command
/// may let more flags pass.
#[inline]
fn admit(row: &Row, name: &str, value: i64, is_lenient: bool) -> Result<()> {
    let outside = |bits: u32| value & !i64::from(bits) != 0;
    let is_wrong = match row.word {
        Word::None => false,
        Word::Choice(last) => !(0..=last.into()).contains(&value),
        Word::Mask(bits) => outside(bits),
        Word::Command(bits) => outside(bits) && !is_lenient,
    };
    if is_wrong {
        return Err(unaccepted(row, name, value));
    }
    Ok(())
}

/// Kept out of `admit`, of which every function with a word has a copy.
#[cold]
#[inline(never)]
fn unaccepted(row: &Row, name: &str, value: i64) -> Error {
    let text = match row.word {
        Word::None | Word::Choice(_) => format!("{name}: {value} is out of range"),
        Word::Mask(_) => format!("{name}: unknown flags in {value:#x}"),
        Word::Command(bits) => format!("invalid flags: {value:#x} (accepted: {bits:#x})"),
    };
    Error::new(libc::EINVAL, text)
}

/// A choice among a few numbers.
pub mod choice {
    use super::*;
    use crate::api::trace::Trace;

    pub type Raw = i32;

    pub fn show(name: &str, value: Raw, line: &mut Trace) {
        line.value(name, value);
    }

    #[inline]
    pub fn take<T: From<i32>>(_client: &Client, row: &Row, name: &str, value: Raw) -> Result<T> {
        admit(row, name, value.into(), false).map(|()| value.into())
    }
}

/// Flags.
pub mod mask {
    use super::*;
    use crate::api::trace::Trace;

    pub type Raw = u32;

    pub fn show(name: &str, flags: Raw, line: &mut Trace) {
        line.flags(name, flags);
    }

    #[inline]
    pub fn take(_client: &Client, row: &Row, name: &str, flags: Raw) -> Result<u32> {
        admit(row, name, flags.into(), false).map(|()| flags)
    }
}

/// Flags of a command.  The strict mode can let unknown ones pass if they fit
/// into the field on the wire.
pub mod command {
    pub use super::mask::{Raw, show};
    use super::*;
    use crate::transmission::request::CommandFlags;

    #[inline]
    pub fn take(client: &Client, row: &Row, name: &str, flags: Raw) -> Result<CommandFlags> {
        let room = u16::try_from(flags);
        admit(
            row,
            name,
            flags.into(),
            client.lets_flags_pass() && room.is_ok(),
        )?;
        room.map(CommandFlags).map_err(|_| too_wide(flags))
    }

    #[cold]
    #[inline(never)]
    fn too_wide(flags: Raw) -> Error {
        Error::new(libc::EINVAL, format!("invalid flags: {flags:#x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table;

    #[test]
    fn words_are_as_the_table_says() {
        let refused = |row, value, lenient| match admit(row, "word", value, lenient) {
            Ok(()) => false,
            Err(error) => error.errno() == libc::EINVAL,
        };
        for (value, is_refused) in [(0, false), (2, false), (3, true), (-1, true)] {
            assert_eq!(
                refused(&table::set_tls, value, false),
                is_refused,
                "{value}"
            );
        }
        for (value, is_refused) in [(0, false), (3, false), (4, true), (0xffff_ffff, true)] {
            let row = &table::set_handshake_flags;
            assert_eq!(refused(row, value, false), is_refused, "{value}");
            assert_eq!(refused(row, value, true), is_refused, "{value}");
        }
        assert!(!refused(&table::pread_structured, 4, false));
        assert!(refused(&table::pread_structured, 1, false));
        assert!(!refused(&table::pread_structured, 1, true));
    }
}
