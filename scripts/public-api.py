#!/usr/bin/env python3
"""Lists the public Rust API, and compares it with the list that is stored.

    public-api.py DOCUMENTATION [--update] [--list FILE]

DOCUMENTATION is the directory of the crate below target/doc.  The list has a
line for each public item, as rustdoc shows it: declarations, methods and
implementations.  The first line is the version of the crate for which the API
was last changed incompatibly.

An additional line is compatible.  A line that is missing or different is not:
then --update refuses until the crate has a new version, by the rules of Cargo
(0.1.2 can replace 0.1.1, but not 0.0.9).
"""

import argparse
import html
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
STORED = ROOT / "tests/data/public-api.txt"

# Traits that are not stable, so that no program can depend on them.
INTERNAL = re.compile(r"impl.* (!?Freeze|UnsafeUnpin|StructuralPartialEq) for ")


def text(fragment):
    """What a reader sees of a piece of HTML, on one line."""
    fragment = re.sub(r"<details.*?</summary>|</details>", "", fragment, flags=re.S)
    fragment = re.sub(r"<(a|span)[^>]* class=\"(?:src[^\"]*|anchor|since)\"[^>]*>.*?</\1>", "", fragment)
    fragment = re.sub(r"<br[^>]*>|\n", " ", fragment)
    fragment = html.unescape(re.sub(r"<[^>]*>", "", fragment))
    fragment = re.sub(r"\s+", " ", fragment).strip()
    for wide, narrow in ("( ", "("), (", )", ")"), (">where ", "> where "):
        fragment = fragment.replace(wide, narrow)
    return fragment


def items(page):
    """The declaration of the item that a page describes, and of its parts."""
    source = page.read_text()
    for declaration in re.findall(r'<pre class="rust item-decl"><code>(.*?)</code></pre>', source, re.S):
        yield text(declaration)
    # The blanket implementations are those of the standard library.
    source = source.split('id="blanket-implementations"')[0]
    for heading in re.findall(r'<h[34] class="code-header">(.*?)</h', source, re.S):
        heading = text(heading)
        # The methods of a trait follow from its implementation.
        is_of_trait = heading.startswith(("fn ", "type ")) and not page.name.startswith("trait.")
        if not is_of_trait and not INTERNAL.match(heading):
            yield heading


def listing(documentation):
    """The whole API, a line for each item."""
    lines = []
    for page in sorted(documentation.glob("*.html")):
        if re.match(r"(struct|enum|trait|type|fn|macro|constant|static)\.", page.name):
            name = page.stem.replace(".", " ")
            found = list(items(page))
            if not found:
                sys.exit(f"{page}: no declaration found; has rustdoc changed its form?")
            lines += [f"{name}: {line}" for line in found]
    # Private modules have pages that lead to the public ones.
    modules = [p for p in documentation.glob("**/index.html") if p.parent != documentation]
    if modules or not lines:
        sys.exit(f"{documentation}: nothing, or public modules, which nobody expected: {modules}")
    return sorted(set(lines))


def version():
    """The version of the crate."""
    return re.search(r'^version = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.M)[1]


def generation(number):
    """What compatible versions have in common: all up to the first part that is not 0."""
    parts = number.split(".")
    for count, part in enumerate(parts, 1):
        if part != "0":
            return parts[:count]
    return parts


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("documentation", type=pathlib.Path)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--list", type=pathlib.Path, default=STORED)
    arguments = parser.parse_args()

    now = listing(arguments.documentation)
    stored = arguments.list
    since, *before = stored.read_text().splitlines() if stored.exists() else [version()]
    lost = sorted(set(before) - set(now))
    new = sorted(set(now) - set(before))
    for sign, lines in ("-", lost), ("+", new):
        for line in lines:
            print(sign, line)
    is_breaking = lost and generation(version()) == generation(since)
    if is_breaking:
        print(f"{len(lost)} lines are lost: this breaks programs, and needs another version than {since}")
    if arguments.update and not is_breaking:
        first = version() if lost else since
        stored.write_text("".join(f"{line}\n" for line in [first, *now]))
        return 0
    if lost or new:
        print(f"{stored} is not up to date; see scripts/public-api.py --help")
    return 1 if lost or new else 0


sys.exit(main())
