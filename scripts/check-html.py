#!/usr/bin/env python3
"""Checks the manual in HTML: the elements are nested correctly, each link leads
to something, nothing is loaded from elsewhere, and search engines find a title
and a description of each page.

    check-html.py DIRECTORY

Prints what is wrong, and fails if anything is.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

EMPTY = {"meta", "link", "input", "br", "img"}
# What may stand in a paragraph or another line of text.
INLINE = {"a", "code", "var", "span", "input", "output", "title", "tspan", "text", "desc"}
LOADED = {"src", "srcset", "data", "poster", "background", "xlink:href"}


class Page(HTMLParser):
    def __init__(self, name, text):
        super().__init__()
        self.name = name
        self.problems = []
        self.stack = []
        self.ids = set()
        self.links = []
        self.title = ""
        self.headings = []
        self.meta = {}
        if not text.startswith("<!DOCTYPE html>\n"):
            self.complain("it does not begin with the document type")
        self.feed(text)
        self.close()
        if self.stack:
            self.complain(f"not closed: {self.stack}")

    def complain(self, problem):
        self.problems.append(f"{self.name}: {problem}")

    def handle_starttag(self, tag, attributes):
        if "p" in self.stack and tag not in INLINE:
            self.complain(f"{tag} in a paragraph")
        if tag == "a" and "a" in self.stack:
            self.complain("a link in a link")
        if tag not in EMPTY:
            self.stack.append(tag)
        self.attributes(tag, attributes)
        values = dict(attributes)
        if tag == "meta" and "name" in values:
            self.meta[values["name"]] = values["content"]
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_startendtag(self, tag, attributes):
        self.attributes(tag, attributes)

    def attributes(self, tag, attributes):
        for name, value in attributes:
            if name == "id":
                if not value or value in self.ids:
                    self.complain(f"the id \"{value}\" is empty or not unique")
                self.ids.add(value)
            elif name == "href":
                self.links.append(value)
                if tag != "a" and ":" in value:
                    self.complain(f"{tag} loads {value}")
            elif name in LOADED:
                self.complain(f"{tag} loads {value}")

    def handle_endtag(self, tag):
        if not self.stack or self.stack.pop() != tag:
            self.complain(f"</{tag}> does not fit")

    def handle_data(self, data):
        if self.stack[-1:] == ["title"] and "svg" not in self.stack:
            self.title += data

    def check(self):
        """What does not depend on other pages."""
        if self.headings[:1] != [1] or self.headings.count(1) != 1:
            self.complain("there must be one h1, before all other headings")
        for before, after in zip(self.headings, self.headings[1:]):
            if after > before + 1:
                self.complain(f"h{after} below h{before}")
        if "width=device-width" not in self.meta.get("viewport", ""):
            self.complain("no viewport")
        if not 10 <= len(self.title) <= 120:
            self.complain(f"the title is \"{self.title}\"")
        description = self.meta.get("description", "")
        if not 20 <= len(description) <= 400:
            self.complain(f"the description is \"{description}\"")


def check_links(page, pages, directory):
    for link in page.links:
        if link.startswith("https://"):
            continue
        file, _, anchor = link.partition("#")
        target = pages[file] if file in pages else page if not file else None
        if target is None and not (directory / file).is_file():
            page.complain(f"there is no {file}")
        if anchor and (target is None or anchor not in target.ids):
            page.complain(f"there is no {link}")


def main():
    directory = Path(sys.argv[1])
    pages = {
        file.name: Page(file.name, file.read_text(encoding="utf-8"))
        for file in sorted(directory.glob("*.html"))
    }
    titles = {}
    for page in pages.values():
        page.check()
        check_links(page, pages, directory)
        other = titles.setdefault(page.title, page)
        if other is not page:
            page.complain(f"the title is that of {other.name}")
    listed = set(pages["index.html"].links)
    for name in pages.keys() - listed - {"index.html"}:
        pages["index.html"].complain(f"{name} is not listed")
    style = (directory / "style.css").read_text(encoding="utf-8")
    problems = [problem for page in pages.values() for problem in page.problems]
    if re.search(r"@import|url\(", style):
        problems.append("style.css loads something")
    print("\n".join(problems) or f"{len(pages)} pages, {sum(len(p.links) for p in pages.values())} links")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
