//! Pages in the language of manual pages, man(7).

use super::page::{Page, Part, Span};

/// The licence of the text, which is also that of the library.
const COPYRIGHT: &str = "\
Copyright the contributors of libnbd in Rust.
Licence: MIT or Apache 2.0, as you prefer.
";

/// The whole page.
pub fn page(page: &Page, date: &str) -> String {
    let mut text = beginning(page, date);
    for part in &page.parts {
        text += &written(part);
    }
    finished(&text)
}

/// Names are too long for hyphens and even margins.
fn beginning(page: &Page, date: &str) -> String {
    let name = &page.name;
    format!(
        ".nr HY 0\n.TH {name} 3 \"{date}\" \"libnbd in Rust {}\" \"libnbd\"\n.ad l\n\
         .SH NAME\n{name} \\- {}\n",
        env!("CARGO_PKG_VERSION"),
        literal(&page.purpose)
    )
}

fn written(part: &Part) -> String {
    match part {
        Part::Section(title) => section(title),
        Part::Subsection(title) => format!(".SS {}\n", literal(title)),
        Part::Paragraph(content) | Part::Item(None, content) => format!(".PP\n{}", text(content)),
        Part::Item(Some(tag), content) => format!(".TP\n{}\n{}", inline(tag), text(content)),
        Part::Code(program) => code(program),
        Part::Synopsis(header, prototype) => synopsis(header, prototype),
        Part::Picture(_) => String::new(),
        Part::SeeAlso(pages) => {
            let pages: Vec<String> = pages
                .iter()
                .map(|page| format!(".BR {} (3)", literal(page)))
                .collect();
            pages.join(",\n") + "\n"
        }
    }
}

fn section(title: &str) -> String {
    format!(".SH {}\n", literal(title))
}

/// The page with its end, and without marks of paragraphs below headings, which
/// begin a paragraph by themselves.
fn finished(page: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in page.lines() {
        let below_heading = lines
            .last()
            .is_some_and(|last| last.starts_with(".SH ") || last.starts_with(".SS "));
        if line != ".PP" || !below_heading {
            lines.push(line);
        }
    }
    lines.join("\n") + "\n" + &section("COPYRIGHT") + COPYRIGHT
}

/// Code that is shown as it stands.
fn code(text: &str) -> String {
    let lines: String = text
        .lines()
        .map(|line| guarded(&literal(line)) + "\n")
        .collect();
    format!(".PP\n.in +2n\n.EX\n{lines}.EE\n.in\n")
}

fn synopsis(header: &str, prototype: &[Span]) -> String {
    let code: String = prototype
        .iter()
        .map(|span| match span {
            Span::Variable(name) => format!("\\fI{name}\\fB"),
            Span::Words(name) | Span::Own(name) | Span::Page(name) | Span::Name(name) => {
                literal(name)
            }
        })
        .collect();
    let lines: String = code
        .lines()
        .map(|line| format!("\\fB{line}\\fR\n"))
        .collect();
    format!(
        ".nf\n\\fB#include <{header}.h>\\fR\n.PP\n{lines}.fi\n.PP\nLink with \\fB\\-lnbd\\fR.\n"
    )
}

/// Sentences, each on its own lines.
fn text(content: &[Span]) -> String {
    inline(content)
        .replace(". ", ".\n")
        .lines()
        .map(|line| guarded(line) + "\n")
        .collect()
}

fn inline(content: &[Span]) -> String {
    content
        .iter()
        .map(|span| match span {
            Span::Words(text) => words(text),
            Span::Own(name) if name.contains('_') => bold(name) + "()",
            Span::Own(name) | Span::Name(name) => bold(name),
            Span::Page(name) => bold(name) + "(3)",
            Span::Variable(name) => italic(name),
        })
        .collect()
}

fn bold(text: &str) -> String {
    format!("\\fB{}\\fR", literal(text))
}

fn italic(text: &str) -> String {
    format!("\\fI{}\\fR", literal(text))
}

/// Text in which every character stands for itself, as in ASCII.
fn literal(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, character| {
        match character {
            '\\' => out.push_str("\\e"),
            '-' => out.push_str("\\-"),
            '\'' => out.push_str("\\(aq"),
            '`' => out.push_str("\\(ga"),
            '^' => out.push_str("\\(ha"),
            '~' => out.push_str("\\(ti"),
            _ => out.push(character),
        }
        out
    })
}

/// Words, in which hyphens and apostrophes are those of a text.
fn words(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let next_is_digit = characters.peek().is_some_and(char::is_ascii_digit);
        match character {
            '\\' => out.push_str("\\e"),
            '-' if next_is_digit => out.push_str("\\-"),
            _ => out.push(character),
        }
    }
    out
}

/// A line of text that must not be taken for a request.
fn guarded(line: &str) -> String {
    if line.starts_with(['.', '\'']) {
        format!("\\&{line}")
    } else {
        line.to_owned()
    }
}
