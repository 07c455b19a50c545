//! A C header: types and functions in a frame, such as `src/ffi/libnbd.h.in`.
//!
//! Of a function it has what an editor shows to somebody who points at the
//! name: what it does and what it returns.  The rest is in the manual.

use super::function::Function;
use super::sources::{Family, Type};

/// How long lines can be.
const WIDTH: usize = 79;

/// The whole header.
pub fn text(frame: &str, types: &[Type], families: &[Family]) -> String {
    let types: String = types.iter().map(type_entry).collect();
    let functions: String = families
        .iter()
        .map(|family| {
            let functions: String = family.functions.iter().map(function_entry).collect();
            heading(&family.comment) + &functions
        })
        .collect();
    frame
        .replace("\n@TYPES@\n", &types)
        .replace("\n@FUNCTIONS@\n", &functions)
}

fn type_entry(declared: &Type) -> String {
    let mut entry = format!("\n{}\n", tidy(&declared.text));
    if declared.is_announced() {
        entry += &announcement(&declared.name);
    }
    entry
}

fn function_entry(function: &Function) -> String {
    let comment = &function.comment;
    let returns = wrapped(&format!("Returns {}", function.returns()));
    let parts = match function.is_getter() {
        true => [returns, comment.description.clone(), Vec::new()],
        false => [
            wrapped(&comment.summary),
            comment.description.clone(),
            returns,
        ],
    };
    let parts: Vec<String> = parts
        .iter()
        .filter(|lines| !lines.is_empty())
        .map(|lines| lines.join("\n"))
        .collect();

    let comment: String = parts
        .join("\n\n")
        .lines()
        .map(|line| format!(" * {line}\n"))
        .collect();
    let declaration = function.prototype.trim_end_matches(';');
    let code = match function.attributes().join(" ") {
        attributes if attributes.is_empty() => format!("{declaration};"),
        attributes if declaration.len().saturating_add(attributes.len()) < WIDTH => {
            format!("{declaration} {attributes};")
        }
        attributes => format!("{declaration}\n{attributes};"),
    };
    format!(
        "\n{}\n{}",
        tidy(&format!("/**\n{comment} */\n{code}")),
        announcement(&function.name)
    )
}

/// The definition of the macro that announces a function.
fn announcement(name: &str) -> String {
    format!("#define {} 1\n", have(name))
}

/// The name of that macro: `LIBNBD_HAVE_NBD_...` or `LIBNBDX_HAVE_NBDX_...`.
pub fn have(name: &str) -> String {
    let prefix = name.split('_').next().unwrap_or_default();
    format!("LIB{prefix}_HAVE_{name}").to_uppercase()
}

/// The comment at the top of a file, as the heading of a family.
fn heading(comment: &[String]) -> String {
    let lines: String = comment
        .iter()
        .map(|line| format!(" * {line}").trim_end().replace('`', "") + "\n")
        .collect();
    format!("\n/{}\n{lines} {}/\n", "*".repeat(78), "*".repeat(77))
}

/// A declaration with its comments, as a C programmer would lay it out.
pub fn tidy(declaration: &str) -> String {
    // Backquotes mark C names for rustdoc, and a comment with two stars is for
    // tools that nobody needs here.
    let text = declaration.replace('`', "").replace("/**\n", "/*\n");
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        match lines.last_mut() {
            Some(start) if start.trim() == "/*" => {
                start.push_str(line.trim_start().trim_start_matches('*'));
            }
            // A comment of one line ends on it.
            Some(comment) if line.trim() == "*/" && comment.trim_start().starts_with("/*") => {
                comment.push_str(" */");
            }
            _ if line.starts_with("LIBNBD_ATTRIBUTE_") => lines.push(format!("    {line}")),
            _ => lines.push(line.to_owned()),
        }
    }
    lines.join("\n")
}

/// A paragraph in lines that fit in a comment.
fn wrapped(paragraph: &str) -> Vec<String> {
    let paragraph = paragraph.replace('`', "");
    let width = WIDTH.saturating_sub(" * ".len());
    let mut lines: Vec<String> = Vec::new();
    for word in paragraph.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len().saturating_add(word.len()) < width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
