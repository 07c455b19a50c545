//! The manual, section 3: a page for each function, from its doc comment and
//! what follows from signature and table, and the pages that are written by
//! hand in `man/`.  It is written as manual pages and as HTML.

mod article;
mod function;
mod html;
mod introduction;
mod markup;
mod page;
mod roff;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use super::sources::{Family, Interface, Type};
use page::Page;

/// All that pages are made from and refer to.
pub struct Manual<'a> {
    types: &'a [Type],
    interfaces: &'a [Interface],
    /// Pages that are written by hand, by name.
    articles: BTreeMap<String, String>,
    /// The pages of section 3.
    pages: BTreeSet<String>,
    /// Example programs by name, without the extension.
    programs: BTreeMap<String, String>,
    /// The same for pictures.
    pictures: BTreeMap<String, String>,
    /// Of the release, so that it is the same for every build.
    date: &'a str,
}

/// All pages; those of functions with the family that they belong to.
type Pages<'a> = [(Page, Option<&'a Family>)];

impl<'a> Manual<'a> {
    pub fn read(
        sources: &Path,
        examples: &Path,
        types: &'a [Type],
        interfaces: &'a [Interface],
        date: &'a str,
    ) -> Result<Self, Box<dyn Error>> {
        let articles = files(sources, "md")?;
        let functions = interfaces.iter().flat_map(Interface::functions);
        let mut programs = files(&sources.join("examples"), "c")?;
        programs.append(&mut files(examples, "rs")?);
        Ok(Self {
            types,
            interfaces,
            pages: functions
                .map(|function| function.name.clone())
                .chain(articles.keys().cloned())
                .collect(),
            articles,
            programs,
            pictures: files(sources, "svg")?,
            date,
        })
    }

    /// Writes manual pages into a directory.
    pub fn write_roff(&self, directory: &Path) -> Result<(), Box<dyn Error>> {
        let written = self.pages()?;
        let written = written.iter().map(|(page, _)| {
            let file = format!("{}.3", page.name);
            (file, roff::page(page, self.date))
        });
        save(directory, written.collect())
    }

    /// Writes the HTML pages into a directory, with all that they need.
    pub fn write_html(&self, directory: &Path) -> Result<(), Box<dyn Error>> {
        save(directory, html::site(self, &self.pages()?)?)
    }

    fn pages(&self) -> Result<Box<Pages<'a>>, Box<dyn Error>> {
        let mut pages = Vec::new();
        for (name, source) in &self.articles {
            let page = article::page(self, name, source);
            pages.push((page.map_err(|e| format!("{name}: {e}"))?, None));
        }
        for interface in self.interfaces {
            for family in &interface.families {
                for function in &family.functions {
                    let page = function::page(self, interface, family, function);
                    let page = page.map_err(|e| format!("{}: {e}", function.name))?;
                    pages.push((page, Some(family)));
                }
            }
        }
        Ok(pages.into())
    }
}

/// Writes files, and removes those of functions that no longer exist.
fn save(directory: &Path, contents: BTreeMap<String, String>) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(directory)?;
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let name = name.to_str().unwrap_or_default();
        // There may be pages of other projects next to ours.
        let is_ours = name.starts_with("nbd") && name.contains("_") && name.contains(".3");
        if is_ours && !contents.contains_key(name) {
            fs::remove_file(directory.join(name))?;
        }
    }
    for (name, text) in contents {
        fs::write(directory.join(name), text)?;
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
