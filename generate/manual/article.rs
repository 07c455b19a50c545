//! A page that is written by hand: `# NAME: purpose`, then sections, in which
//! `@functions` stands for the list of the functions of its interface,
//! `@program NAME` for an example program, and `@picture NAME` for a picture, which
//! the text beside it also describes.

use std::collections::BTreeSet;

use super::super::sources::Family;
use super::Manual;
use super::introduction::Introduction;
use super::markup::{Block, Names, blocks};
use super::page::{Page, Part};

pub fn page(manual: &Manual, name: &str, source: &str) -> Result<Page, String> {
    let (title, text) = source.split_once('\n').unwrap_or((source, ""));
    let purpose = title
        .strip_prefix(&format!("# {name}: "))
        .ok_or_else(|| format!("the first line is not \"# {name}: ...\""))?;
    let names = Names {
        page: name,
        pages: &manual.pages,
        variables: BTreeSet::new(),
    };

    let mut parts = Vec::new();
    for block in blocks(&text.lines().collect::<Vec<_>>()) {
        match &block {
            Block::Insertion(insertion) => parts.extend(inserted(manual, &names, insertion)?),
            _ => parts.extend(names.block(&block)),
        }
    }
    Ok(Page {
        name: name.to_owned(),
        purpose: purpose.to_owned(),
        parts,
    })
}

fn inserted(manual: &Manual, names: &Names, insertion: &str) -> Result<Vec<Part>, String> {
    match insertion.split_once(' ') {
        Some(("program", name)) => manual
            .programs
            .get(name)
            .map(|program| vec![Part::Code(program.trim_end().to_owned())])
            .ok_or_else(|| format!("there is no program {name}")),
        Some(("picture", name)) => manual
            .pictures
            .get(name)
            .map(|picture| vec![Part::Picture(picture.clone())])
            .ok_or_else(|| format!("there is no picture {name}")),
        None if insertion == "functions" => manual
            .interfaces
            .iter()
            .find(|interface| interface.name == names.page)
            .map(|interface| {
                let families = interface.families.iter();
                families.map(|it| family(it, names)).collect()
            })
            .ok_or_else(|| format!("there is no interface {}", names.page)),
        _ => Err(format!("unknown: @{insertion}")),
    }
}

/// The functions of a family below its title.
fn family(family: &Family, names: &Names) -> Part {
    let functions: Vec<String> = family
        .functions
        .iter()
        .map(|function| format!("`{}`", function.name))
        .collect();
    Part::Item(
        Some(names.text(&Introduction::of(family).title)),
        names.text(&format!("{}.", functions.join(", "))),
    )
}
