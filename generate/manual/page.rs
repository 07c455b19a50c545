//! A page of the manual, before it is formatted.

pub struct Page {
    pub name: String,
    /// What follows the name in lists of pages.
    pub purpose: String,
    pub parts: Vec<Part>,
}

impl Page {
    /// The titles of its sections and subsections.
    pub fn titles(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Section(title) | Part::Subsection(title) => Some(title.as_str()),
            _ => None,
        })
    }
}

/// What stands below one another on a page.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    Section(String),
    Subsection(String),
    Paragraph(Text),
    /// An item of a list: what is explained, if there is such a thing, and the
    /// explanation.
    Item(Option<Text>, Text),
    Code(String),
    /// A header and the declaration of a function that is in it.
    Synopsis(&'static str, Text),
    /// A picture, as SVG.  The text describes all of it, so that formats without
    /// pictures leave it out.
    Picture(String),
    /// Names of other pages, in order.
    SeeAlso(Vec<String>),
}

pub type Text = Vec<Span>;

/// What stands beside one another in a text.
#[derive(Debug, PartialEq, Eq)]
pub enum Span {
    Words(String),
    /// The name of the page itself.
    Own(String),
    /// The name of another page.
    Page(String),
    /// What stands for a value.
    Variable(String),
    /// What is written literally in a program.
    Name(String),
}
