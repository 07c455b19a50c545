//! The manual as HTML: the same pages, an index, and a style sheet.  Nothing
//! else is loaded, and no server is needed.
//!
//! It is written from the pages themselves and not from the manual pages, as
//! mandoc(1) or pandoc(1) would: there a reference is only a word in bold.  Here
//! it is known what is one, so that each becomes a link, or an error if there is
//! nothing that it could lead to.

mod body;
mod index;
mod text;

use std::collections::BTreeMap;

use super::super::sources::{Family, Interface};
use super::introduction::Introduction;
use super::page::{Page, Part};
use super::{Manual, Pages};
use body::Body;
use text::{escaped, plain, slug};

const STYLE: &str = include_str!("style.css");

/// How much of a page search engines show, in bytes.
const DESCRIPTION: usize = 160;

/// The files of the site by name.
pub fn site(manual: &Manual, pages: &Pages) -> Result<BTreeMap<String, String>, String> {
    let titles: BTreeMap<&str, Vec<&str>> = pages
        .iter()
        .map(|(page, _)| (page.name.as_str(), page.titles().collect()))
        .collect();
    let mut files = BTreeMap::from([
        ("style.css".to_owned(), STYLE.to_owned()),
        ("index.html".to_owned(), index::page(manual, pages)),
    ]);
    for (page, family) in pages {
        let body = Body {
            page: &page.name,
            titles: &titles,
        };
        let main = body
            .of(&page.parts)
            .map_err(|error| format!("{}: {error}", page.name))?;
        let main = match family {
            Some(family) => main + &relatives(page, family),
            None => contents(page) + &main,
        };
        files.insert(file(&page.name), framed(manual, page, *family, &main));
    }
    Ok(files)
}

/// The file of a page.
fn file(name: &str) -> String {
    format!("{name}.3.html")
}

/// Where a family is in the index.  Both interfaces can have the same title.
fn place(manual: &Manual, family: &Family) -> String {
    let of = |interface: &&Interface| interface.families.iter().any(|it| std::ptr::eq(it, family));
    let interface = manual.interfaces.iter().find(of);
    let title = slug(&Introduction::of(family).title);
    interface.map_or(title.clone(), |it| format!("{}-{title}", it.name))
}

fn framed(manual: &Manual, page: &Page, family: Option<&Family>, main: &str) -> String {
    let name = &page.name;
    let purpose = escaped(&page.purpose);
    let subject = family.map_or(String::new(), |family| {
        let title = escaped(&Introduction::of(family).title);
        format!(
            " › <a href=\"index.html#{}\">{title}</a>",
            place(manual, family)
        )
    });
    head(&format!("{name}: {purpose}"), &description(page))
        + &format!(
            "<header><nav aria-label=\"Path\"><a href=\"index.html\">libnbd manual</a>{subject}\
             </nav></header>\n<main>\n<h1>{name}</h1>\n<p class=\"purpose\">{purpose}</p>\n\
             {main}</main>\n"
        )
        + &foot(manual)
}

fn head(title: &str, description: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>{title}</title>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"description\" content=\"{}\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <link rel=\"stylesheet\" href=\"style.css\">\n</head>\n<body>\n",
        escaped(description)
    )
}

fn foot(manual: &Manual) -> String {
    format!(
        "<footer>libnbd in Rust {}, {}. Copyright the contributors of libnbd in Rust. \
         Licence: MIT or Apache 2.0, as you prefer.</footer>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION"),
        manual.date
    )
}

/// The first sentences of the section DESCRIPTION.
fn description(page: &Page) -> String {
    let paragraphs = page
        .parts
        .iter()
        .skip_while(|part| !matches!(part, Part::Section(title) if title == "DESCRIPTION"))
        .skip(1)
        .map_while(|part| match part {
            Part::Paragraph(text) => Some(plain(text)),
            _ => None,
        });
    let text = paragraphs.collect::<Vec<_>>().join(" ");
    let mut description = String::new();
    for sentence in text.split_inclusive(". ") {
        let longer = description.clone() + sentence;
        if !description.is_empty() && longer.trim_end().len() > DESCRIPTION {
            break;
        }
        description = longer;
    }
    description.trim_end().to_owned()
}

/// Links to the sections of a long page.
fn contents(page: &Page) -> String {
    let links: String = page
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Section(title) => Some(format!(
                "<li><a href=\"#{}\">{}</a></li>\n",
                slug(title),
                escaped(title)
            )),
            _ => None,
        })
        .collect();
    format!("<nav class=\"contents\" aria-label=\"Contents\">\n<ul>\n{links}</ul>\n</nav>\n")
}

/// Links to the other functions of the family.
fn relatives(page: &Page, family: &Family) -> String {
    let links: String = family
        .functions
        .iter()
        .filter(|function| function.name != page.name)
        .map(|function| {
            let name = &function.name;
            format!("<li><a href=\"{}\">{name}</a></li>\n", file(name))
        })
        .collect();
    if links.is_empty() {
        return links;
    }
    let title = escaped(&Introduction::of(family).title);
    format!(
        "<nav class=\"relatives\" aria-label=\"{title}\">\n<h2>{title}</h2>\n<ul>\n{links}</ul>\n</nav>\n"
    )
}
