//! The words that have rules: flags, and what is chosen by number.  The rules
//! are in the table.

use crate::client::Client;
use crate::error::{Error, Result};
use crate::table::{Row, Word};

/// Refuses what the table does not accept.  A command may have let others pass.
fn admit(row: &Row, name: &str, value: i64, is_lenient: bool) -> Result<()> {
    let outside = |bits: u32| value & !i64::from(bits) != 0;
    let wrong = match row.word {
        Word::None => return Ok(()),
        Word::Choice(last) if (0..=last.into()).contains(&value) => return Ok(()),
        Word::Choice(_) => format!("{name}: {value} is out of range"),
        Word::Mask(bits) if outside(bits) => format!("{name}: unknown flags in {value:#x}"),
        Word::Command(bits) if outside(bits) && !is_lenient => {
            format!("invalid flags: {value:#x} (accepted: {bits:#x})")
        }
        Word::Mask(_) | Word::Command(_) => return Ok(()),
    };
    Err(Error::new(libc::EINVAL, wrong))
}

/// A number among a few.
pub mod choice {
    use super::*;
    use crate::api::trace::Trace;

    pub type Raw = i32;

    pub fn show(name: &str, value: Raw, line: &mut Trace) {
        line.value(name, value);
    }

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

    pub fn take(_client: &Client, row: &Row, name: &str, flags: Raw) -> Result<u32> {
        admit(row, name, flags.into(), false).map(|()| flags)
    }
}

/// Flags of a command, which the strict mode can let pass as far as the wire has
/// room for them.
pub mod command {
    pub use super::mask::{Raw, show};
    use super::*;
    use crate::transmission::request::CommandFlags;

    pub fn take(client: &Client, row: &Row, name: &str, flags: Raw) -> Result<CommandFlags> {
        let room = u16::try_from(flags);
        admit(
            row,
            name,
            flags.into(),
            client.lets_flags_pass() && room.is_ok(),
        )?;
        room.map(CommandFlags)
            .map_err(|_| Error::new(libc::EINVAL, format!("invalid flags: {flags:#x}")))
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
