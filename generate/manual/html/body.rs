//! The parts of a page, with links.

use std::collections::{BTreeMap, BTreeSet};

use super::super::page::{Part, Span};
use super::file;
use super::text::{escaped, plain, slug};

/// What announces the title of a section.
const ANNOUNCEMENTS: [&str; 6] = ["see ", "See ", "section ", "sections ", "under ", "Under "];

/// The context of a page.
pub struct Body<'a> {
    pub page: &'a str,
    /// The titles of the sections of all pages.
    pub titles: &'a BTreeMap<&'a str, Vec<&'a str>>,
}

impl Body<'_> {
    pub fn of(&self, parts: &[Part]) -> Result<String, String> {
        let mut html = String::new();
        let mut list = None;
        let mut ids: BTreeSet<String> = self.own_titles().map(slug).collect();
        for part in parts {
            let needed = match part {
                Part::Item(Some(_), _) => Some("dl"),
                Part::Item(None, _) => Some("ul"),
                _ => None,
            };
            if list != needed {
                html += &list.map_or(String::new(), |list| format!("</{list}>\n"));
                html += &needed.map_or(String::new(), |list| format!("<{list}>\n"));
                list = needed;
            }
            html += &self.part(part, &mut ids)?;
        }
        html += &list.map_or(String::new(), |list| format!("</{list}>\n"));
        Ok(html)
    }

    fn part(&self, part: &Part, ids: &mut BTreeSet<String>) -> Result<String, String> {
        Ok(match part {
            Part::Section(title) => heading("h2", title),
            Part::Subsection(title) => heading("h3", title),
            Part::Paragraph(text) => format!("<p>{}</p>\n", self.text(text)?),
            Part::Item(None, text) => format!("<li>{}</li>\n", self.text(text)?),
            Part::Item(Some(tag), text) => {
                // The first explanation of something can be linked to.
                let id = slug(&plain(tag));
                let id = match ids.insert(id.clone()) {
                    true => format!(" id=\"{id}\""),
                    false => String::new(),
                };
                let (tag, text) = (self.text(tag)?, self.text(text)?);
                format!("<dt{id}>{tag}</dt>\n<dd>{text}</dd>\n")
            }
            Part::Code(code) => self.code(&escaped(code)),
            Part::Synopsis(header, prototype) => format!(
                "<pre tabindex=\"0\">#include &lt;{header}.h&gt;\n\n{}</pre>\n\
                 <p>Link with <code>-lnbd</code>.</p>\n",
                declaration(prototype)
            ),
            Part::Picture(picture) => format!("<figure>\n{}</figure>\n", inner(picture)),
            Part::SeeAlso(pages) => {
                let links: Vec<String> = pages.iter().map(|page| link(page)).collect();
                format!("<p>{}</p>\n", links.join(", "))
            }
        })
    }

    /// Code in which the names of functions are links.  It can be scrolled, also
    /// with the keyboard.
    fn code(&self, code: &str) -> String {
        let words = code.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let linked: String = words
            .map(|part| {
                let word = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                match word != self.page && word.contains('_') && self.titles.contains_key(word) {
                    true => part.replacen(word, &link(word), 1),
                    false => part.to_owned(),
                }
            })
            .collect();
        format!("<pre tabindex=\"0\">{linked}</pre>\n")
    }

    fn text(&self, text: &[Span]) -> Result<String, String> {
        let mut html = String::new();
        for (i, span) in text.iter().enumerate() {
            html += &match span {
                Span::Words(words) => self.words(words, text.get(i.saturating_add(1)))?,
                Span::Own(name) if name.contains('_') => format!("<code>{name}()</code>"),
                Span::Own(name) | Span::Name(name) => format!("<code>{}</code>", escaped(name)),
                Span::Page(name) => format!("<code>{}</code>", link(name)),
                Span::Variable(name) => format!("<var>{}</var>", escaped(name)),
            };
        }
        Ok(html)
    }

    /// Words in which titles and addresses are links.  A title is that of the
    /// page which follows, if the words end in such a way.
    fn words(&self, words: &str, next: Option<&Span>) -> Result<String, String> {
        let mut html = String::new();
        let mut rest = words;
        while let Some(start) = self.announced(rest) {
            let (before, after) = rest.split_at(start);
            let elsewhere = match (next, after.strip_suffix(" of ")) {
                (Some(Span::Page(page)), Some(title)) => Some((page.as_str(), title)),
                _ => None,
            };
            let (page, title) = match elsewhere {
                Some((page, title)) => (page, self.titled(page, title)),
                None => (self.page, self.titled(self.page, after)),
            };
            html += &with_addresses(before);
            let Some(title) = title else {
                // "Under HANDLE STATE" can mean the section of another page.
                if !before.to_lowercase().ends_with("under ") {
                    return Err(format!("there is no such section: {after}"));
                }
                rest = after;
                continue;
            };
            let address = match page == self.page {
                true => String::new(),
                false => file(page),
            };
            html += &format!("<a href=\"{address}#{}\">{title}</a>", slug(title));
            rest = after.get(title.len()..).unwrap_or_default();
        }
        Ok(html + &with_addresses(rest))
    }

    /// Where the first title stands that is announced.
    fn announced(&self, words: &str) -> Option<usize> {
        ANNOUNCEMENTS
            .iter()
            .flat_map(|announcement| words.match_indices(announcement))
            .map(|(i, announcement)| i.saturating_add(announcement.len()))
            .filter(|&start| {
                let word = words.get(start..).unwrap_or_default();
                let word = word.split(|c: char| !c.is_ascii_alphabetic()).next();
                word.is_some_and(|word| {
                    word.len() > 2 && word.chars().all(|c| c.is_ascii_uppercase())
                })
            })
            .min()
    }

    /// The longest title of a section with which the text begins.
    fn titled<'t>(&self, page: &str, text: &'t str) -> Option<&'t str> {
        let titles = self.titles.get(page)?;
        let fitting = titles.iter().filter_map(|title| {
            let start = text.get(..title.len())?;
            start.eq_ignore_ascii_case(title).then_some(start)
        });
        fitting.max_by_key(|title| title.len())
    }

    fn own_titles(&self) -> impl Iterator<Item = &str> {
        let titles = self.titles.get(self.page);
        titles.into_iter().flatten().copied()
    }
}

fn heading(element: &str, title: &str) -> String {
    let id = slug(title);
    let title = escaped(title);
    format!("<{element} id=\"{id}\"><a href=\"#{id}\">{title}</a></{element}>\n")
}

/// A prototype.  If it is longer than a line, every parameter has one, which is
/// little indented so that it fits on small screens.
fn declaration(prototype: &[Span]) -> String {
    let code: String = prototype
        .iter()
        .map(|span| match span {
            Span::Variable(name) => format!("<var>{name}</var>"),
            other => escaped(&plain(std::slice::from_ref(other))),
        })
        .collect();
    if !code.contains('\n') {
        return code;
    }
    let code = code.replacen('(', "(\n", 1);
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    lines.join("\n    ")
}

fn link(page: &str) -> String {
    format!("<a href=\"{}\">{page}</a>", file(page))
}

/// Words in which addresses of web pages are links.
fn with_addresses(words: &str) -> String {
    words
        .split_inclusive(' ')
        .map(|word| {
            let address = word.trim_end_matches([' ', ',', '.', ')']);
            match address.starts_with("https://") {
                true => {
                    let (address, end) = (escaped(address), word.get(address.len()..));
                    let end = escaped(end.unwrap_or_default());
                    format!("<a href=\"{address}\">{address}</a>{end}")
                }
                false => escaped(word),
            }
        })
        .collect()
}

/// A picture without what only a file of its own needs.
fn inner(picture: &str) -> &str {
    picture
        .find("<svg")
        .and_then(|start| picture.get(start..))
        .unwrap_or(picture)
}
