//! The page with a list of all others, which can be filtered.

use super::super::introduction::Introduction;
use super::super::page::Page;
use super::super::{Manual, Pages};
use super::text::escaped;
use super::{file, foot, head, place};

/// Shows and serves the field in which one types what to look for: without
/// scripts there is no such field.
const SCRIPT: &str = include_str!("filter.js");

pub fn page(manual: &Manual, pages: &Pages) -> String {
    let articles = pages.iter().filter(|(_, family)| family.is_none());
    let mut html = head(
        "libnbd: manual of the client library for Network Block Device",
        "All functions of libnbd and libnbdx by subject, with a page for each, and guides to \
         their use from C and Rust, to errors, TLS, URIs and security.",
    );
    html += "<main>\n<h1>libnbd manual</h1>\n\
             <p>How to read and write the disks that NBD servers export. \
             Begin with <a href=\"libnbd.3.html\">libnbd</a>.</p>\n\
             <p id=\"filter\" hidden><input type=\"search\" \
             placeholder=\"Find functions: read, tls, size\" aria-label=\"Find functions\" \
             autocomplete=\"off\" spellcheck=\"false\"> <output></output></p>\n";
    html += &group("h2", "guides", "Guides", articles.map(|(page, _)| page));
    for interface in manual.interfaces {
        let title = match interface.name {
            "libnbd" => "Functions of libnbd".to_owned(),
            name => format!("Functions of {name}, which only this library has"),
        };
        html += &format!("<h2 id=\"{}\">{title}</h2>\n", interface.name);
        for family in &interface.families {
            let title = Introduction::of(family).title;
            let members = pages
                .iter()
                .filter(|(_, its)| its.is_some_and(|its| std::ptr::eq(its, family)));
            html += &group(
                "h3",
                &place(manual, family),
                &title,
                members.map(|(page, _)| page),
            );
        }
    }
    html + "</main>\n"
        + &foot(manual).replace("</body>", &format!("<script>\n{SCRIPT}</script>\n</body>"))
}

/// Links to pages below a title.
fn group<'a>(
    heading: &str,
    id: &str,
    title: &str,
    pages: impl Iterator<Item = &'a Page>,
) -> String {
    let links: String = pages
        .map(|page| {
            let (name, purpose) = (&page.name, escaped(&page.purpose));
            let file = file(name);
            format!("<li><a href=\"{file}\">{name}</a> <span>{purpose}</span></li>\n")
        })
        .collect();
    let title = escaped(title);
    format!(
        "<section id=\"{id}\">\n<{heading}>{title}</{heading}>\n<ul class=\"pages\">\n{links}</ul>\n</section>\n"
    )
}
