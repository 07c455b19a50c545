//! A page that is written by hand: `# NAME: purpose`, then sections, in which
//! `@functions` stands for the list of the functions of its interface and
//! `@program NAME` for an example program.

use std::collections::BTreeSet;

use super::super::sources::Family;
use super::Manual;
use super::introduction::Introduction;
use super::markup::{Block, Names, blocks};
use super::roff;

pub fn page(manual: &Manual, name: &str, source: &str) -> Result<String, String> {
    let (title, text) = source.split_once('\n').unwrap_or((source, ""));
    let purpose = title
        .strip_prefix(&format!("# {name}: "))
        .ok_or_else(|| format!("the first line is not \"# {name}: ...\""))?;
    let names = Names {
        page: name,
        pages: &manual.pages,
        variables: BTreeSet::new(),
    };

    let mut page = roff::beginning(name, purpose);
    for block in blocks(&text.lines().collect::<Vec<_>>()) {
        page += &match &block {
            Block::Insertion(insertion) => inserted(manual, &names, insertion)?,
            _ => names.block(&block),
        };
    }
    Ok(roff::finished(&page))
}

fn inserted(manual: &Manual, names: &Names, insertion: &str) -> Result<String, String> {
    match insertion.split_once(' ') {
        Some(("program", name)) => manual
            .programs
            .get(name)
            .map(|program| roff::code(program))
            .ok_or_else(|| format!("there is no program {name}")),
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
fn family(family: &Family, names: &Names) -> String {
    let functions: Vec<String> = family
        .functions
        .iter()
        .map(|function| format!("`{}`", function.name))
        .collect();
    format!(
        ".TP\n{}{}",
        names.text(&Introduction::of(family).title),
        names.text(&format!("{}.", functions.join(", ")))
    )
}
