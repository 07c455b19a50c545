//! The page of one function.

use std::collections::BTreeSet;

use super::super::declarations::{Declaration, Family};
use super::super::header;
use super::Manual;
use super::comment::Comment;
use super::introduction::Introduction;
use super::markup::{Names, blocks};
use super::roff;

const OVERVIEW: &str = "libnbd";

/// Where standards are found.
const REPOSITORY: &str = "https://github.com/NetworkBlockDevice/nbd/blob/master/doc/";
const DOCUMENTS: [(&str, &str); 2] = [
    ("NBD protocol", "proto.md"),
    ("NBD URI specification", "uri.md"),
];

pub fn page(
    manual: &Manual,
    family: &Family,
    function: &Declaration,
) -> Result<String, &'static str> {
    let lines = function.comment();
    let comment = Comment::parse(&lines);
    let code = function.code();
    let types = types(manual, &code);
    let type_codes: Vec<String> = types.iter().map(|declared| declared.code()).collect();
    let names = Names {
        page: &function.name,
        pages: &manual.pages,
        variables: parameters(&code)
            .chain(type_codes.iter().flat_map(|code| parameters(code)))
            .collect(),
    };

    let mut page = roff::beginning(&function.name, &purpose(&comment.summary)?);
    page += &synopsis(&code, &names.variables);
    page += &description(family, &comment, &names);
    page += &callbacks(&types, &names);
    page += &return_value(&comment, &names)?;
    page += &errors(&comment, &names)?;
    page += &handle_state(&comment, &names);
    page += &standards(&comment, &names);
    page += &history(&comment, &names)?;
    page += &examples(manual, &names);
    page += &see_also(manual, &comment);
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
fn types<'a>(manual: &Manual<'a>, code: &str) -> Vec<&'a Declaration> {
    let mentioned = |code: &str| {
        let words: BTreeSet<String> = words(code).map(str::to_owned).collect();
        manual
            .types
            .iter()
            .filter(move |declared| words.contains(&declared.name))
    };
    let direct: Vec<&Declaration> = mentioned(code).collect();
    let deeper = direct.iter().flat_map(|declared| {
        mentioned(&declared.code()).filter(|inner| inner.name != declared.name)
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

fn synopsis(code: &str, variables: &BTreeSet<&str>) -> String {
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
        + ".nf\n\\fB#include <libnbd.h>\\fR\n.PP\n"
        + &lines
        + ".fi\n.PP\nLink with \\fB\\-lnbd\\fR.\n"
}

fn description(family: &Family, comment: &Comment, names: &Names) -> String {
    let sentence = lower_first(&comment.summary).unwrap_or_default();
    let mut text = roff::section("DESCRIPTION");
    text += &names.text(&format!("`{}` {sentence}", names.page));
    for block in blocks(&comment.description) {
        text += &names.block(&block);
    }
    text + &introduction(family, names)
}

/// What the functions of the family have in common.
fn introduction(family: &Family, names: &Names) -> String {
    let introduction = Introduction::of(family);
    let text: String = blocks(&introduction.text)
        .iter()
        .map(|block| names.block(block))
        .collect();
    if text.is_empty() {
        text
    } else {
        roff::subsection(&introduction.title) + &text
    }
}

fn callbacks(types: &[&Declaration], names: &Names) -> String {
    if types.is_empty() {
        return String::new();
    }
    let declarations: Vec<String> = types
        .iter()
        .map(|declared| header::tidy(&declared.text))
        .collect();
    roff::subsection("Types")
        + &names.text("How long callbacks live is said in `libnbd`, under CALLBACKS.")
        + &roff::code(&declarations.join("\n\n"))
}

fn return_value(comment: &Comment, names: &Names) -> Result<String, &'static str> {
    let returns = comment.text("Returns:").ok_or("no Returns:")?;
    let sentence = format!("`{}` returns {returns}", names.page);
    Ok(roff::section("RETURN VALUE") + &names.text(&sentence))
}

fn errors(comment: &Comment, names: &Names) -> Result<String, &'static str> {
    let lines = comment.lines("Errors:").ok_or("no Errors:")?;
    let blocks = blocks(lines);
    let mut text = roff::section("ERRORS");
    if lines.first() == Some(&"none.") {
        return Ok(text
            + &names.text(match names.variables.contains("h") {
                true => "None, if `h` is a valid handle.",
                false => "None.",
            }));
    }
    text += &names.text(
        "After a failure `nbd_get_errno` returns one of the following, and \
         `nbd_get_error` explains it.",
    );
    for block in &blocks {
        text += &names.block(block);
    }
    Ok(text)
}

fn handle_state(comment: &Comment, names: &Names) -> String {
    let Some(states) = comment.text("States:") else {
        return String::new();
    };
    let states = states.trim_end_matches('.');
    let text = match states.strip_prefix("any") {
        Some(exception) => format!("The handle can be in any state{exception}."),
        None => format!(
            "The handle must be {}. In any other state the call fails, as \
             `{OVERVIEW}` says under STATES.",
            states.replace(" and ", " or ")
        ),
    };
    roff::section("HANDLE STATE") + &names.text(&text)
}

fn history(comment: &Comment, names: &Names) -> Result<String, &'static str> {
    let since = comment.text("Since:").ok_or("no Since:")?;
    let text = format!(
        "This function has been part of the interface since version {since} Where \
         it may be missing, a program can ask the header:"
    );
    let question = format!("#ifdef {}", header::have(names.page));
    Ok(roff::section("HISTORY") + &names.text(&text) + &roff::code(&question))
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
            let text = format!("Programs that call this function are shown in {list}.");
            roff::section("EXAMPLES") + &names.text(&text)
        }
    }
}

fn see_also(manual: &Manual, comment: &Comment) -> String {
    let related = comment.text("See also:").unwrap_or_default();
    roff::see_also(
        words(&related)
            .chain([OVERVIEW])
            .filter(|name| manual.pages.contains(*name)),
    )
}

fn standards(comment: &Comment, names: &Names) -> String {
    match comment.text("Source:") {
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
