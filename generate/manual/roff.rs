//! The language of manual pages, man(7).

/// The licence of the text, which is also that of the library.
const COPYRIGHT: &str = "\
Copyright the contributors of libnbd in Rust.
Licence: MIT or Apache 2.0, as you prefer.
";

/// The beginning of a page. It has a version and no date: a date would differ
/// between builds of the same sources. Names are too long for hyphens and even
/// margins.
pub fn beginning(name: &str, summary: &str) -> String {
    format!(
        ".nr HY 0\n.TH {name} 3 \"\" \"libnbd in Rust {}\" \"libnbd\"\n.ad l\n\
         .SH NAME\n{name} \\- {}\n",
        env!("CARGO_PKG_VERSION"),
        literal(summary)
    )
}

pub fn section(title: &str) -> String {
    format!(".SH {}\n", literal(title))
}

pub fn subsection(title: &str) -> String {
    format!(".SS {}\n", literal(title))
}

/// A section with the names of other pages, in the order of the alphabet.
pub fn see_also<'a>(pages: impl IntoIterator<Item = &'a str>) -> String {
    let mut pages: Vec<&str> = pages.into_iter().collect();
    pages.sort_unstable();
    pages.dedup();
    let pages: Vec<String> = pages
        .iter()
        .map(|page| format!(".BR {} (3)", literal(page)))
        .collect();
    section("SEE ALSO") + &pages.join(",\n") + "\n"
}

/// The page with its end, and without marks of paragraphs below headings, which
/// begin a paragraph by themselves.
pub fn finished(page: &str) -> String {
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
pub fn code(text: &str) -> String {
    let lines: String = text
        .trim_end()
        .lines()
        .map(|line| guarded(&literal(line)) + "\n")
        .collect();
    format!(".PP\n.in +2n\n.EX\n{lines}.EE\n.in\n")
}

pub fn bold(text: &str) -> String {
    format!("\\fB{}\\fR", literal(text))
}

pub fn italic(text: &str) -> String {
    format!("\\fI{}\\fR", literal(text))
}

/// Text in which every character stands for itself, as in ASCII.
pub fn literal(text: &str) -> String {
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
pub fn words(text: &str) -> String {
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
pub fn guarded(line: &str) -> String {
    if line.starts_with(['.', '\'']) {
        format!("\\&{line}")
    } else {
        line.to_owned()
    }
}
