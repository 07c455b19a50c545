//! The comment at the top of a file of `src/ffi`, which says what its functions
//! have in common.

use super::super::sources::Family;

/// A title, and what is to be known beyond it.
pub struct Introduction {
    pub title: String,
    /// Lines of text; empty if the first sentence of the comment is all of it.
    pub text: Vec<String>,
}

impl Introduction {
    /// The title ends with the first sentence or at a colon in it; what follows
    /// the colon begins the text.
    pub fn of(family: &Family) -> Self {
        let end = family.comment.iter().position(String::is_empty);
        let (first, more) = family.comment.split_at(end.unwrap_or(family.comment.len()));
        let first = first.join(" ");
        let (sentence, rest) = match first.split_once(". ") {
            Some((sentence, rest)) => (sentence, rest),
            None => (first.trim_end_matches('.'), ""),
        };
        let (title, detail) = sentence.split_once(": ").unwrap_or((sentence, ""));

        let mut text = Vec::new();
        if !rest.is_empty() || !more.is_empty() {
            if !detail.is_empty() {
                text.push(upper_first(detail) + ".");
            }
            text.push(rest.to_owned());
            text.retain(|line| !line.is_empty());
            text.extend_from_slice(more);
        }
        Self {
            title: title.replace('`', ""),
            text,
        }
    }
}

fn upper_first(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map(|first| first.to_uppercase().chain(characters).collect())
        .unwrap_or_default()
}
