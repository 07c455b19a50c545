#!/usr/bin/env python3
"""Compares a built libnbd with the description of the C API.

Reads names, version nodes, soname, dependencies and hardening flags back from
the shared object, and the functions and macros from the header, as a C
compiler and the dynamic loader would see them.  Prints one line for each
property and "N passed, N failed" at the end.
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys

SONAME = "libnbd.so.0"
ALLOWED_DEPENDENCY = re.compile(
    r"(libc|libgcc_s|libssl|libcrypto|ld-linux[-\w]*|ld64)\.so\.\d+"
)


def run(*command):
    environment = dict(os.environ, LC_ALL="C")
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=environment
    ).stdout


class Library:
    """What readelf says about a shared object."""

    def __init__(self, path):
        dynamic = run("readelf", "--wide", "--dynamic", path)
        self.soname = self._dynamic_names(dynamic, "SONAME")
        self.needed = self._dynamic_names(dynamic, "NEEDED")
        self.search_path = self._dynamic_names(dynamic, "R(?:UN)?PATH")
        self.text_relocations = "TEXTREL" in dynamic
        flags = re.findall(r"\(FLAGS(?:_1)?\)\s+(?:Flags: )?(.*)", dynamic)
        self.flags = set(" ".join(flags).split())

        segments = run("readelf", "--wide", "--segments", path)
        self.relro = "GNU_RELRO" in segments
        stack = re.search(r"GNU_STACK(?:\s+0x\w+){5}\s+([RWE]+)", segments)
        self.executable_stack = stack is None or "E" in stack[1]

        self.nodes = self._version_nodes(run("readelf", "--wide", "--version-info", path))
        self.symbols = self._exports(run("readelf", "--wide", "--dyn-syms", path))

    @staticmethod
    def _dynamic_names(text, tag):
        return re.findall(rf"\({tag}\)[^\[\n]*\[(.*)\]", text)

    @staticmethod
    def _version_nodes(text):
        """Maps each version definition to the list of its parents."""
        nodes = {}
        definitions = re.search(r"^Version definition .*?(?=^Version |\Z)", text, re.M | re.S)
        name = None
        for line in definitions[0].splitlines() if definitions else []:
            if found := re.search(r"Flags: (.*?)\s+Index: .*Name: (\S+)", line):
                # The base definition only repeats the soname.
                name = None if "BASE" in found[1] else found[2]
                if name:
                    nodes[name] = []
            elif name and (found := re.search(r"Parent \d+: (\S+)", line)):
                nodes[name].append(found[1])
        return nodes

    def _exports(self, text):
        """Maps each exported symbol to the set of its (node, type)."""
        exports = {}
        for line in text.splitlines():
            fields = line.split()
            if len(fields) < 8 or not fields[0].rstrip(":").isdigit():
                continue
            kind, binding, index, symbol = fields[3], fields[4], fields[6], fields[7]
            if index == "UND" or binding == "LOCAL":
                continue
            name, _, node = symbol.partition("@")
            # The linker adds one absolute symbol for each version node.
            if index == "ABS" and name in self.nodes:
                continue
            exports.setdefault(name, set()).add((node.lstrip("@"), kind))
        return exports


class Header:
    """What the C preprocessor says about a header, and those that it includes."""

    def __init__(self, path):
        self.name = os.path.basename(path)
        compiler = shlex.split(os.environ.get("CC", "cc"))
        # The headers include each other as programs include them.
        directory = os.path.dirname(path) or "."
        preprocess = [*compiler, "-E", "-P", "-x", "c", "-I", directory]
        self.functions = set(re.findall(r"\b(nbdx?_\w+)\s*\(", run(*preprocess, path)))
        macros = re.findall(r"^#define (\w+) *(.*)$", run(*preprocess, "-dM", path), re.M)
        self.have = {name: value for name, value in macros if re.match("LIBNBDX?_HAVE_", name)}


class Api:
    """The functions that the library must have, and their nodes."""

    def __init__(self, descriptions):
        self.parents, self.node_of, self.callbacks = {}, {}, set()
        for description in descriptions:
            with open(description, encoding="utf-8") as file:
                facts = json.load(file)
            for version in facts["symbol_versions"]:
                node, parent = version["node"], version["parent"]
                self.parents[node] = [parent] if parent else []
                self.node_of.update((name, node) for name in version["functions"])
            self.callbacks.update(callback["name"] for callback in facts["callbacks"])


def have(name):
    """The macro that announces a function."""
    return f"LIB{name.split('_')[0]}_HAVE_{name}".upper()


def difference(found, expected, extra, lacking):
    """One complaint for each name on one side only."""
    for name in sorted(found - expected):
        yield f"{name} {extra}"
    for name in sorted(expected - found):
        yield f"{name} {lacking}"


def check_soname(_, library):
    """soname"""
    if library.soname != [SONAME]:
        yield f"the soname is {library.soname}, not {SONAME}"


def check_exports(api, library):
    """exported functions"""
    yield from difference(
        set(library.symbols), set(api.node_of), "is exported but is not part of the API",
        "is missing"
    )


def check_nodes(api, library):
    """the node of each function"""
    for name, versions in sorted(library.symbols.items()):
        expected = api.node_of.get(name)
        if expected and versions != {(expected, "FUNC")}:
            yield f"{name} is {sorted(versions)}, not a function in {expected}"


def check_chain(api, library):
    """version nodes present and chained"""
    yield from difference(
        set(library.nodes), set(api.parents), "is not a known version node", "is not defined"
    )
    for node, parents in library.nodes.items():
        if node in api.parents and parents != api.parents[node]:
            yield f"{node} inherits from {parents}, not {api.parents[node]}"


def check_dependencies(_, library):
    """needed libraries"""
    for name in library.needed:
        if not ALLOWED_DEPENDENCY.fullmatch(name):
            yield f"needs {name}"
    for path in library.search_path:
        yield f"carries the library search path {path}"


def check_hardening(_, library):
    """hardening and unloading flags"""
    if "NODELETE" not in library.flags:
        yield "not linked with -z nodelete"
    if not {"BIND_NOW", "NOW"} & library.flags:
        yield "not linked with -z now"
    if not library.relro:
        yield "not linked with -z relro"
    if library.text_relocations:
        yield "has text relocations"
    if library.executable_stack:
        yield "asks for an executable stack"


def check_header(library, headers):
    """the headers declare what the library exports"""
    declared = set().union(*(header.functions for header in headers))
    yield from difference(
        declared, set(library.symbols), "is declared but not exported",
        "is exported but not declared"
    )


def check_own_header(api, header):
    """each header declares what it describes, and includes only what is before it"""
    yield from difference(
        header.functions, set(api.node_of), f"does not belong in {header.name}",
        f"is not in {header.name}"
    )


def check_have_macros(api, library, headers):
    """LIBNBD_HAVE macros"""
    expected = {have(name) for name in set(library.symbols) | api.callbacks}
    defined = {name: value for header in headers for name, value in header.have.items()}
    yield from difference(set(defined), expected, "is defined for nothing", "is not defined")
    for name, value in sorted(defined.items()):
        if value != "1":
            yield f"{name} is {value!r}, not 1"


def check_archive(library, archive):
    """the static library exports the same functions"""
    symbols = run("nm", "--extern-only", "--defined-only", "--format=posix", archive)
    found = {line.split()[0] for line in symbols.splitlines() if len(line.split()) > 1}
    yield from difference(
        found, set(library.symbols), "is only in the archive", "is not in the archive"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", required=True, help="the shared object")
    parser.add_argument("--archive", help="the static library")
    parser.add_argument(
        "--api", required=True, nargs="+",
        help="descriptions of the API (JSON): that of the C library, then what is added to it"
    )
    parser.add_argument(
        "--header", nargs="+", default=[],
        help="a C header for each description, which may include those before it"
    )
    options = parser.parse_args()

    api = Api(options.api)
    library = Library(options.library)
    checks = [
        (check, (api, library))
        for check in (
            check_soname, check_exports, check_nodes, check_chain, check_dependencies,
            check_hardening,
        )
    ]
    if options.archive:
        checks.append((check_archive, (library, options.archive)))
    if options.header:
        headers = [Header(header) for header in options.header]
        checks.append((check_header, (library, headers)))
        checks.append((check_have_macros, (api, library, headers)))
        for count, header in enumerate(headers, 1):
            checks.append((check_own_header, (Api(options.api[:count]), header)))

    failed = 0
    for check, arguments in checks:
        complaints = list(check(*arguments))
        failed += bool(complaints)
        print(f"{'not ok' if complaints else 'ok'} ABI: {check.__doc__}")
        for complaint in complaints:
            print(f"    {complaint}")
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
