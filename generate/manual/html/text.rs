//! Texts in HTML, without links.

use super::super::page::Span;

/// Text in which every character stands for itself.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// What a heading is called in addresses.
pub fn slug(title: &str) -> String {
    let words: Vec<String> = title
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join("-")
}

/// The text alone.
pub fn plain(text: &[Span]) -> String {
    text.iter()
        .map(|span| match span {
            Span::Own(name) if name.contains('_') => format!("{name}()"),
            Span::Words(text)
            | Span::Own(text)
            | Span::Page(text)
            | Span::Variable(text)
            | Span::Name(text) => text.clone(),
        })
        .collect()
}
