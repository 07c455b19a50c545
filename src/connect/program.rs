//! A command, and finding its program as execvp does.

use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;

use crate::error::{Error, Escaped, Result};

/// The name of a program, and its arguments.
#[derive(Debug, Clone)]
pub struct Argv {
    pub program: CString,
    pub arguments: Vec<CString>,
}

impl Argv {
    /// The first word is the name.
    pub fn new(words: Vec<CString>) -> Result<Self> {
        let mut words = words.into_iter();
        let program = words
            .next()
            .ok_or_else(|| Error::new(libc::EINVAL, "the command has no program name"))?;
        Ok(Self {
            program,
            arguments: words.collect(),
        })
    }

    /// Estimate of the memory in use besides the value itself, in bytes.
    pub fn memory(&self) -> usize {
        let arguments = self.arguments.iter().map(|text| text.count_bytes());
        arguments.fold(self.program.count_bytes(), usize::saturating_add)
    }
}

/// The paths to try for a program: a name with a slash is a path, any other is
/// looked for in the directories of PATH.
pub fn candidates(name: &CStr, path: Option<&OsStr>) -> Result<Vec<CString>> {
    /// What the system searches if there is no PATH.
    const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

    let not_found = || {
        let name = Escaped(name.to_bytes());
        Error::new(libc::ENOENT, format!("no program to run: \"{name}\""))
    };
    if name.is_empty() {
        return Err(not_found());
    }
    if name.to_bytes().contains(&b'/') {
        return Ok(vec![name.to_owned()]);
    }
    let path = path.map_or(DEFAULT_PATH, OsStr::as_bytes);
    if path.is_empty() {
        return Err(not_found());
    }
    Ok(path
        .split(|&byte| byte == b':')
        .filter_map(|directory| in_directory(directory, name))
        .collect())
}

fn in_directory(directory: &[u8], name: &CStr) -> Option<CString> {
    let mut path = match directory {
        b"" => b".".to_vec(),
        directory => directory.to_vec(),
    };
    if !path.ends_with(b"/") {
        path.push(b'/');
    }
    path.extend_from_slice(name.to_bytes());
    CString::new(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(name: &CStr, path: Option<&str>) -> std::result::Result<Vec<String>, i32> {
        match candidates(name, path.map(OsStr::new)) {
            Ok(paths) => Ok(paths
                .into_iter()
                .map(|path| path.into_string().unwrap())
                .collect()),
            Err(error) => Err(error.errno()),
        }
    }

    #[test]
    fn a_name_with_a_slash_is_a_path() {
        assert_eq!(
            paths(c"./server", Some("/bin")),
            Ok(vec!["./server".into()])
        );
    }

    #[test]
    fn other_names_are_searched_for() {
        assert_eq!(
            paths(c"server", Some("/a:/b/::c")),
            Ok(["/a/server", "/b/server", "./server", "c/server"]
                .map(String::from)
                .to_vec())
        );
        assert_eq!(
            paths(c"server", None),
            Ok(vec!["/bin/server".into(), "/usr/bin/server".into()])
        );
    }

    #[test]
    fn nothing_is_found_under_no_name_or_on_an_empty_path() {
        assert_eq!(paths(c"", Some("/bin")), Err(libc::ENOENT));
        assert_eq!(paths(c"server", Some("")), Err(libc::ENOENT));
    }
}
