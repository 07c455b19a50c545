//! The C header: types and functions in the frame of `src/ffi/libnbd.h.in`.

use super::declarations::{Declaration, Family};

/// The whole header.
pub fn text(frame: &str, types: &[Declaration], families: &[Family]) -> String {
    let types: String = types.iter().map(entry).collect();
    let functions: String = families
        .iter()
        .map(|family| {
            let functions: String = family.functions.iter().map(entry).collect();
            heading(&family.comment) + &functions
        })
        .collect();
    frame
        .replace("\n@TYPES@\n", &types)
        .replace("\n@FUNCTIONS@\n", &functions)
}

/// One declaration, with `LIBNBD_HAVE_NBD_...` defined behind it.
fn entry(declaration: &Declaration) -> String {
    let mut entry = format!("\n{}\n", tidy(&declaration.text));
    if declaration.is_announced() {
        entry.push_str(&format!("#define {} 1\n", have(&declaration.name)));
    }
    entry
}

/// The macro that says that the library has it.
pub fn have(name: &str) -> String {
    format!("LIBNBD_HAVE_{}", name.to_uppercase())
}

/// The comment at the top of a file, as the heading of a family.
fn heading(comment: &[String]) -> String {
    let lines: String = comment
        .iter()
        .map(|line| format!(" * {line}").trim_end().replace('`', "") + "\n")
        .collect();
    format!("\n/{}\n{lines} {}/\n", "*".repeat(78), "*".repeat(77))
}

/// One declaration with its comments, as a C programmer would lay it out.
pub fn tidy(declaration: &str) -> String {
    // Backquotes mark C names for rustdoc, and a comment with two stars is for
    // tools that nobody needs here.
    let text = declaration.replace('`', "").replace("/**\n", "/*\n");
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        match lines.as_slice() {
            // A comment of one line needs no line for its beginning and end.
            [.., start, comment] if start.trim() == "/*" && line.trim() == "*/" => {
                let short = format!("{} */", comment.replacen(" * ", "/* ", 1));
                lines.truncate(lines.len().saturating_sub(2));
                lines.push(short);
            }
            _ if line.starts_with("LIBNBD_ATTRIBUTE_") => lines.push(format!("    {line}")),
            _ => lines.push(line.to_owned()),
        }
    }
    lines.join("\n")
}
