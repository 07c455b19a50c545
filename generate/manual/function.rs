//! The page of one function.

use std::collections::BTreeSet;

use super::super::function::Function;
use super::super::header;
use super::super::sources::{Family, Interface, Type};
use super::Manual;
use super::introduction::Introduction;
use super::markup::Names;
use super::page::{Page, Part, Span, Text};

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
) -> Result<Page, &'static str> {
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

    let mut parts = synopsis(interface, code, &names.variables);
    parts.extend(description(family, function, &names));
    parts.extend(callbacks(&types, &names));
    parts.extend(return_value(function, &names));
    parts.extend(errors(function, &names));
    parts.extend(handle_state(function, &names));
    parts.extend(standards(function, &names));
    parts.extend(history(interface, function, &names));
    parts.extend(examples(manual, &names));
    parts.extend(see_also(manual, interface, function));
    Ok(Page {
        name: function.name.clone(),
        purpose: purpose(&function.comment.summary)?,
        parts,
    })
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

fn section(title: &str) -> Part {
    Part::Section(title.to_owned())
}

fn synopsis(interface: &Interface, code: &str, variables: &BTreeSet<&str>) -> Vec<Part> {
    let mut prototype = Text::new();
    for part in code.split_inclusive([',', ')', '\n']) {
        let end = part.trim_end_matches([',', ')', '\n']);
        let name = words(end).last().unwrap_or_default();
        let (before, after) = part.split_at(end.len());
        match before.strip_suffix(name) {
            Some(before) if variables.contains(name) => prototype.extend([
                Span::Name(before.to_owned()),
                Span::Variable(name.to_owned()),
                Span::Name(after.to_owned()),
            ]),
            _ => prototype.push(Span::Name(part.to_owned())),
        }
    }
    vec![
        section("SYNOPSIS"),
        Part::Synopsis(interface.name, prototype),
    ]
}

fn description(family: &Family, function: &Function, names: &Names) -> Vec<Part> {
    let sentence = lower_first(&function.comment.summary).unwrap_or_default();
    let mut parts = vec![
        section("DESCRIPTION"),
        names.paragraph(&format!("`{}` {sentence}", names.page)),
    ];
    parts.extend(names.blocks(&function.comment.description));
    parts.extend(names.blocks(&function.flags()));
    parts.extend(introduction(family, names));
    parts
}

/// What the functions of the family have in common.
fn introduction(family: &Family, names: &Names) -> Vec<Part> {
    let introduction = Introduction::of(family);
    let mut parts = names.blocks(&introduction.text);
    if !parts.is_empty() {
        parts.insert(0, Part::Subsection(introduction.title));
    }
    parts
}

fn callbacks(types: &[&Type], names: &Names) -> Vec<Part> {
    if types.is_empty() {
        return Vec::new();
    }
    let declarations: Vec<String> = types
        .iter()
        .map(|declared| header::tidy(&declared.text))
        .collect();
    vec![
        Part::Subsection("Types".to_owned()),
        names.paragraph("The section CALLBACKS of `libnbd` describes how long callbacks live."),
        Part::Code(declarations.join("\n\n")),
    ]
}

fn return_value(function: &Function, names: &Names) -> Vec<Part> {
    let sentence = format!("`{}` returns {}", names.page, function.returns());
    vec![section("RETURN VALUE"), names.paragraph(&sentence)]
}

fn errors(function: &Function, names: &Names) -> Vec<Part> {
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
    let mut parts = vec![section("ERRORS"), names.paragraph(beginning)];
    parts.extend(names.blocks(&items));
    parts
}

fn handle_state(function: &Function, names: &Names) -> Vec<Part> {
    match function.states() {
        Some(states) => vec![section("HANDLE STATE"), names.paragraph(&states)],
        None => Vec::new(),
    }
}

fn history(interface: &Interface, function: &Function, names: &Names) -> Vec<Part> {
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
    vec![
        section("HISTORY"),
        names.paragraph(&text),
        Part::Code(question),
    ]
}

/// The program of that name, or pages with programs that call the function.
fn examples(manual: &Manual, names: &Names) -> Vec<Part> {
    if let Some(program) = manual.programs.get(names.page) {
        return vec![
            section("EXAMPLES"),
            Part::Code(program.trim_end().to_owned()),
        ];
    }
    let pages: Vec<String> = manual
        .programs
        .iter()
        .filter(|(_, program)| words(program).any(|word| word == names.page))
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    match pages.split_last() {
        None => Vec::new(),
        Some((last, others)) => {
            let list = if others.is_empty() {
                last.clone()
            } else {
                format!("{} and {last}", others.join(", "))
            };
            let text = format!("For programs that call this function, see {list}.");
            vec![section("EXAMPLES"), names.paragraph(&text)]
        }
    }
}

/// In the order of the alphabet.
fn see_also(manual: &Manual, interface: &Interface, function: &Function) -> Vec<Part> {
    let pages: BTreeSet<&str> = words(&function.comment.see_also)
        .chain([interface.name])
        .filter(|name| manual.pages.contains(*name))
        .collect();
    let pages = pages.into_iter().map(str::to_owned).collect();
    vec![section("SEE ALSO"), Part::SeeAlso(pages)]
}

fn standards(function: &Function, names: &Names) -> Vec<Part> {
    match function.comment.source.clone() {
        None => Vec::new(),
        Some(mut source) => {
            for (document, file) in DOCUMENTS {
                if source.contains(document) {
                    source += &format!(" The {document} is {REPOSITORY}{file}.");
                }
            }
            vec![section("STANDARDS"), names.paragraph(&source)]
        }
    }
}
