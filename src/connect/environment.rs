//! The environment of a server that finds a listening socket when it starts.

use std::ffi::{CStr, CString, c_char};

use super::sys;

/// The environment of an activated server, except for its process id.
#[derive(Debug)]
pub struct Environment {
    variables: Vec<CString>,
}

impl Environment {
    /// For a server whose listening socket has this name.
    pub fn activated(name: &CStr) -> Self {
        let name = match name.to_bytes() {
            b"" => b"unknown",
            name => name,
        };
        let named = CString::new([b"LISTEN_FDNAMES=", name].concat()).unwrap_or_default();
        // Whoever started this process may have activated it, too.
        let inherited = sys::environment().into_iter().filter(|variable| {
            let name = variable.to_bytes().split(|&byte| byte == b'=').next();
            !["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]
                .iter()
                .any(|own| name == Some(own.as_bytes()))
        });
        Self {
            variables: [c"LISTEN_FDS=1".to_owned(), named]
                .into_iter()
                .chain(inherited)
                .collect(),
        }
    }

    /// The variables.
    pub fn variables(&self) -> impl Iterator<Item = &CStr> {
        self.variables.iter().map(CString::as_c_str)
    }
}

/// The variable with the process id of an activated server.
///
/// It can be made between fork and exec: it allocates nothing.
#[derive(Debug)]
pub struct ProcessId([u8; ProcessId::ROOM]);

impl ProcessId {
    const NAME: &[u8] = b"LISTEN_PID=";
    /// The name, the digits of any number, and the terminator.
    const ROOM: usize = 32;

    /// The variable for a process.
    pub fn new(pid: libc::pid_t) -> Self {
        let mut digits = [0; 10];
        let mut rest = pid.unsigned_abs();
        for digit in digits.iter_mut().rev() {
            *digit = b'0'.saturating_add(u8::try_from(rest % 10).unwrap_or(0));
            rest /= 10;
        }
        let significant = digits.iter().skip_while(|&&digit| digit == b'0');
        let mut text = [0; Self::ROOM];
        for (place, byte) in text.iter_mut().zip(Self::NAME.iter().chain(significant)) {
            *place = *byte;
        }
        Self(text)
    }

    /// The variable as a string.
    pub fn as_ptr(&self) -> *const c_char {
        self.0.as_ptr().cast()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_id_is_written_in_decimal() {
        for pid in [1, 10, 4096, 12_345, i32::MAX] {
            let variable = ProcessId::new(pid);
            let text = CStr::from_bytes_until_nul(&variable.0).unwrap();
            assert_eq!(text.to_str().unwrap(), format!("LISTEN_PID={pid}"));
        }
    }
}
