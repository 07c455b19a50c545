//! The manual, section 3: a page for each function, from its doc comment and
//! what follows from signature and table, and the pages that are written by
//! hand in `man/`.

mod article;
mod function;
mod introduction;
mod markup;
mod roff;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use super::sources::{Interface, Type};

/// All that pages are made from and refer to.
struct Manual<'a> {
    types: &'a [Type],
    interfaces: &'a [Interface],
    /// The pages of section 3.
    pages: BTreeSet<String>,
    /// Example programs by name, without the extension.
    programs: BTreeMap<String, String>,
}

/// Writes the pages into a directory, and removes those of an earlier version.
pub fn write(
    directory: &Path,
    sources: &Path,
    examples: &Path,
    types: &[Type],
    interfaces: &[Interface],
) -> Result<(), Box<dyn Error>> {
    let articles = files(sources, "md")?;
    let functions = interfaces.iter().flat_map(Interface::functions);
    let mut programs = files(&sources.join("examples"), "c")?;
    programs.append(&mut files(examples, "rs")?);
    let manual = Manual {
        types,
        interfaces,
        pages: functions
            .map(|function| function.name.clone())
            .chain(articles.keys().cloned())
            .collect(),
        programs,
    };

    fs::create_dir_all(directory)?;
    for name in files(directory, "3")?.keys() {
        // There may be pages of other projects next to ours.
        if name.starts_with("nbd") && name.contains('_') && !manual.pages.contains(name) {
            fs::remove_file(directory.join(format!("{name}.3")))?;
        }
    }
    let save = |name: &str, page: String| fs::write(directory.join(format!("{name}.3")), page);
    for interface in interfaces {
        for family in &interface.families {
            for function in &family.functions {
                let page = function::page(&manual, interface, family, function);
                save(
                    &function.name,
                    page.map_err(|e| format!("{}: {e}", function.name))?,
                )?;
            }
        }
    }
    for (name, source) in &articles {
        let page = article::page(&manual, name, source);
        save(name, page.map_err(|e| format!("{name}: {e}"))?)?;
    }
    Ok(())
}

/// The files of a directory that have an extension: name without it, contents.
fn files(directory: &Path, extension: &str) -> Result<BTreeMap<String, String>, Box<dyn Error>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let has_extension = path.extension() == Some(OsStr::new(extension));
        let name = path.file_stem().and_then(OsStr::to_str);
        if let Some(name) = name.filter(|_| has_extension) {
            files.insert(name.to_owned(), fs::read_to_string(&path)?);
        }
    }
    Ok(files)
}
