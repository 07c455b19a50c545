//! The little Markdown that doc comments and the pages in `man/` are written
//! in: paragraphs, lists, headings, indented code, and names in backquotes.

use std::collections::BTreeSet;

use super::page::{Part, Span, Text};

/// A piece of text between empty lines, or an item of a list.
#[derive(Debug, PartialEq, Eq)]
pub enum Block {
    Section(String),
    Subsection(String),
    Paragraph(String),
    /// What is explained, if the item has the form of an explanation, and the
    /// rest.
    Item(Option<String>, String),
    Code(String),
    /// A line `@word argument`, for the page to fill in.
    Insertion(String),
}

/// Takes a text apart.
pub fn blocks<S: AsRef<str>>(lines: &[S]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut text: Vec<&str> = Vec::new();
    for line in lines.iter().map(AsRef::as_ref).chain([""]) {
        let in_code = text.first().is_some_and(|first| first.starts_with("    "));
        if in_code && (line.is_empty() || line.starts_with("    ")) {
            text.push(line);
            continue;
        }
        if in_code || line.is_empty() || line.starts_with("- ") {
            blocks.extend(block(&text));
            text.clear();
        }
        if !line.is_empty() {
            text.push(line);
        }
    }
    blocks.extend(block(&text));
    blocks
}

fn block(lines: &[&str]) -> Option<Block> {
    let first = lines.first()?;
    let words: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    let text = words.join(" ");
    Some(if first.starts_with("    ") {
        let code: Vec<&str> = lines
            .iter()
            .map(|line| line.strip_prefix("    ").unwrap_or(line))
            .collect();
        Block::Code(code.join("\n").trim_end().to_owned())
    } else if let Some(title) = text.strip_prefix("## ") {
        Block::Subsection(title.to_owned())
    } else if let Some(title) = text.strip_prefix("# ") {
        Block::Section(title.to_owned())
    } else if let Some(insertion) = text.strip_prefix('@') {
        Block::Insertion(insertion.to_owned())
    } else if let Some(item) = text.strip_prefix("- ") {
        match item.split_once(": ").filter(|(start, _)| is_tag(start)) {
            Some((tag, rest)) => Block::Item(Some(tag.to_owned()), rest.to_owned()),
            None => Block::Item(None, item.to_owned()),
        }
    } else {
        Block::Paragraph(text)
    })
}

/// Whether an item that begins like this and a colon explains what it begins with.
/// Otherwise it is a sentence in which there is a colon.
fn is_tag(start: &str) -> bool {
    const LONGEST_PHRASE: usize = 64;
    let is_list_of_names = || start.split(", ").all(|name| name.starts_with('`'));
    !start.contains(". ") && (start.len() <= LONGEST_PHRASE || is_list_of_names())
}

/// What names in backquotes stand for on one page.
pub struct Names<'a> {
    /// The page itself.
    pub page: &'a str,
    /// All pages of section 3.
    pub pages: &'a BTreeSet<String>,
    /// Names that stand for a value: parameters and the like.
    pub variables: BTreeSet<&'a str>,
}

impl Names<'_> {
    /// Text that is given in lines.
    pub fn blocks(&self, lines: &[String]) -> Vec<Part> {
        let blocks = blocks(lines);
        blocks
            .iter()
            .filter_map(|block| self.block(block))
            .collect()
    }

    /// A block as a part of the page; insertions are left to the caller.
    pub fn block(&self, block: &Block) -> Option<Part> {
        Some(match block {
            Block::Section(title) => Part::Section(title.clone()),
            Block::Subsection(title) => Part::Subsection(title.clone()),
            Block::Paragraph(text) => self.paragraph(text),
            Block::Item(tag, text) => {
                Part::Item(tag.as_ref().map(|tag| self.text(tag)), self.text(text))
            }
            Block::Code(code) => Part::Code(code.clone()),
            Block::Insertion(_) => return None,
        })
    }

    pub fn paragraph(&self, text: &str) -> Part {
        Part::Paragraph(self.text(text))
    }

    pub fn text(&self, text: &str) -> Text {
        text.split('`')
            .enumerate()
            .filter(|(_, part)| !part.is_empty())
            .map(|(i, part)| match i % 2 {
                0 => Span::Words(part.to_owned()),
                _ => self.name(part),
            })
            .collect()
    }

    fn name(&self, name: &str) -> Span {
        let variable = name
            .trim_start_matches('*')
            .split(['[', '.'])
            .next()
            .unwrap_or(name);
        let kind = if name == self.page {
            Span::Own
        } else if self.pages.contains(name) {
            Span::Page
        } else if self.variables.contains(variable) {
            Span::Variable
        } else {
            Span::Name
        };
        kind(name.to_owned())
    }
}
