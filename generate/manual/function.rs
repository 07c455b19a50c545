//! The page of one function.

use std::collections::BTreeSet;

use super::super::function::Function;
use super::super::header;
use super::super::sources::{Family, Interface, Type};
use super::Manual;
use super::introduction::Introduction;
use super::markup::Names;
use super::roff;

/// Where standards are found.
const REPOSITORY: &str = "https://github.com/NetworkBlockDevice/nbd/blob/master/doc/";
const DOCUMENTS: [(&str, &str); 2] = [
    ("NBD protocol", "proto.md"),
    ("NBD URI specification", "uri.md"),
];

pub fn page(
    manual: &Manual,
    interface: &Interface,
    family: &Family,
    function: &Function,
) -> Result<String, &'static str> {
    let code = &function.prototype;
    let types = types(manual, code);
    let names = Names {
        page: &function.name,
        pages: &manual.pages,
        variables: parameters(code)
            .chain(
                types
                    .iter()
                    .flat_map(|declared| parameters(declared.code())),
            )
            .collect(),
    };

    let mut page = roff::beginning(&function.name, &purpose(&function.comment.summary)?);
    page += &synopsis(interface, code, &names.variables);
    page += &description(family, function, &names);
    page += &callbacks(&types, &names);
    page += &return_value(function, &names);
    page += &errors(function, &names);
    page += &handle_state(function, &names);
    page += &standards(function, &names);
    page += &history(interface, function, &names);
    page += &examples(manual, &names);
    page += &see_also(manual, interface, function);
    Ok(roff::finished(&page))
}

/// The summary as it stands in lists of pages: without marks, and beginning
/// in lower case.
fn purpose(summary: &str) -> Result<String, &'static str> {
    let text = summary.replace('`', "");
    let text = text.strip_suffix('.').ok_or("the summary has no end")?;
    lower_first(text).ok_or("there is no summary")
}

fn lower_first(text: &str) -> Option<String> {
    let mut characters = text.chars();
    let first = characters.next()?;
    Some(first.to_lowercase().chain(characters).collect())
}

/// The types that a declaration mentions, and those that these mention.
fn types<'a>(manual: &Manual<'a>, code: &str) -> Vec<&'a Type> {
    let mentioned = |code: &str| {
        let words: BTreeSet<String> = words(code).map(str::to_owned).collect();
        manual
            .types
            .iter()
            .filter(move |declared| words.contains(&declared.name))
    };
    let direct: Vec<&Type> = mentioned(code).collect();
    let deeper = direct.iter().flat_map(|declared| {
        mentioned(declared.code()).filter(|inner| inner.name != declared.name)
    });
    deeper.chain(direct.iter().copied()).collect()
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
}

/// The names in front of a comma or a closing parenthesis, outside comments.
fn parameters(code: &str) -> impl Iterator<Item = &str> {
    code.lines()
        .filter(|line| !line.trim_start().starts_with(['/', '*']))
        .flat_map(|line| line.split_inclusive([',', ')']))
        .filter_map(|part| part.strip_suffix([',', ')']))
        .filter_map(|part| words(part).last())
        .filter(|name| !name.is_empty() && *name != "void")
}

fn synopsis(interface: &Interface, code: &str, variables: &BTreeSet<&str>) -> String {
    let mut prototype = String::new();
    for part in code.split_inclusive([',', ')', '\n']) {
        let end = part.trim_end_matches([',', ')', '\n']);
        let name = words(end).last().unwrap_or_default();
        let (before, after) = part.split_at(end.len());
        if variables.contains(name) {
            let before = before.strip_suffix(name).unwrap_or(before);
            prototype += &format!("{}\\fI{name}\\fB{after}", roff::literal(before));
        } else {
            prototype += &roff::literal(part);
        }
    }
    let lines: String = prototype
        .lines()
        .map(|line| format!("\\fB{line}\\fR\n"))
        .collect();
    roff::section("SYNOPSIS")
        + &format!(".nf\n\\fB#include <{}.h>\\fR\n.PP\n", interface.name)
        + &lines
        + ".fi\n.PP\nLink with \\fB\\-lnbd\\fR.\n"
}

fn description(family: &Family, function: &Function, names: &Names) -> String {
    let sentence = lower_first(&function.comment.summary).unwrap_or_default();
    let mut text = roff::section("DESCRIPTION");
    text += &names.text(&format!("`{}` {sentence}", names.page));
    text += &names.blocks(&function.comment.description);
    text += &names.blocks(&function.flags());
    text + &introduction(family, names)
}

/// What the functions of the family have in common.
fn introduction(family: &Family, names: &Names) -> String {
    let introduction = Introduction::of(family);
    let text = names.blocks(&introduction.text);
    if text.is_empty() {
        text
    } else {
        roff::subsection(&introduction.title) + &text
    }
}

fn callbacks(types: &[&Type], names: &Names) -> String {
    if types.is_empty() {
        return String::new();
    }
    let declarations: Vec<String> = types
        .iter()
        .map(|declared| header::tidy(&declared.text))
        .collect();
    roff::subsection("Types")
        + &names.text("The section CALLBACKS of `libnbd` describes how long callbacks live.")
        + &roff::code(&declarations.join("\n\n"))
}

fn return_value(function: &Function, names: &Names) -> String {
    let sentence = format!("`{}` returns {}", names.page, function.returns());
    roff::section("RETURN VALUE") + &names.text(&sentence)
}

fn errors(function: &Function, names: &Names) -> String {
    let items: Vec<String> = function
        .errors()
        .iter()
        .map(|error| format!("- {error}"))
        .collect();
    let beginning = match (items.is_empty(), names.variables.contains("h")) {
        (true, true) => "None, if `h` is a valid handle.",
        (true, false) => "None.",
        (false, _) => {
            "If the call fails, `nbd_get_errno` returns one of the following, and \
             `nbd_get_error` returns a message that explains it."
        }
    };
    roff::section("ERRORS") + &names.text(beginning) + &names.blocks(&items)
}

fn handle_state(function: &Function, names: &Names) -> String {
    match function.states() {
        Some(states) => roff::section("HANDLE STATE") + &names.text(&states),
        None => String::new(),
    }
}

fn history(interface: &Interface, function: &Function, names: &Names) -> String {
    let text = format!(
        "This function was added in version {} of {}. Programs can check for it at compile time:",
        function.since(),
        match interface.name {
            // The C library has this interface as well.
            "libnbd" => "the interface",
            name => name,
        }
    );
    let question = format!("#ifdef {}", header::have(names.page));
    roff::section("HISTORY") + &names.text(&text) + &roff::code(&question)
}

/// The program of that name, or pages with programs that call the function.
fn examples(manual: &Manual, names: &Names) -> String {
    if let Some(program) = manual.programs.get(names.page) {
        return roff::section("EXAMPLES") + &roff::code(program);
    }
    let pages: Vec<String> = manual
        .programs
        .iter()
        .filter(|(_, program)| words(program).any(|word| word == names.page))
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    match pages.split_last() {
        None => String::new(),
        Some((last, others)) => {
            let list = if others.is_empty() {
                last.clone()
            } else {
                format!("{} and {last}", others.join(", "))
            };
            let text = format!("For programs that call this function, see {list}.");
            roff::section("EXAMPLES") + &names.text(&text)
        }
    }
}

fn see_also(manual: &Manual, interface: &Interface, function: &Function) -> String {
    roff::see_also(
        words(&function.comment.see_also)
            .chain([interface.name])
            .filter(|name| manual.pages.contains(*name)),
    )
}

fn standards(function: &Function, names: &Names) -> String {
    match function.comment.source.clone() {
        None => String::new(),
        Some(mut source) => {
            for (document, file) in DOCUMENTS {
                if source.contains(document) {
                    source += &format!(" The {document} is {REPOSITORY}{file}.");
                }
            }
            roff::section("STANDARDS") + &names.text(&source)
        }
    }
}
