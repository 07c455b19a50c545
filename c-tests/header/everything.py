#!/usr/bin/env python3
"""Prints a C program that uses everything the headers have to define.

It declares each function once more with the types of the description, which a
compiler accepts only if its header says the same, and compares each constant.
A function that the library does not have is left out by its LIBNBD_HAVE macro,
which scripts/check-abi.py compares with the library.

    everything.py API.json...
"""

import json
import sys

PROLOGUE = """\
#include <libnbdx.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One that works in C99 and in C++. */
#define CHECK_NAMED(line, condition) \\
  typedef char check_##line[(condition) ? 1 : -1]
#define CHECK_LINE(line, condition) CHECK_NAMED (line, condition)
#define CHECK(condition) CHECK_LINE (__LINE__, condition)

#ifdef __cplusplus
extern "C" {
#endif
"""

CLOSING = """
#ifdef __cplusplus
}
#endif
"""


def parameters(arguments):
    return ", ".join(f"{a['c_type']} {a['name']}" for a in arguments) or "void"


def have(name):
    """The macro that announces a function."""
    return f"LIB{name.split('_')[0]}_HAVE_{name}".upper()


def prototypes(functions):
    for function in functions:
        name = function["name"]
        yield f"#ifdef {have(name)}"
        yield f"extern {function['c_return']} {name} ({parameters(function['c_args'])});"
        yield "#endif"


def callbacks(descriptions):
    """A function of each callback type, and the structure that carries it."""
    for callback in descriptions:
        name = callback["name"]
        yield f"#ifndef LIBNBD_HAVE_{name.upper()}"
        yield f"#error no {name}"
        yield "#endif"
        yield f"static {callback['callback_return']}"
        yield f"on_{name} ({parameters(callback['params'])})"
        yield "{"
        yield from (f"  (void) {parameter['name']};" for parameter in callback["params"])
        yield "  return 0;"
        yield "}"
        yield f"static {name} a_{name} = {{ on_{name}, NULL, free }};"
        yield f"CHECK (sizeof ({name}) == 3 * sizeof (void *));"


def numbers(facts):
    """Pairs of name and value, and whether the value is unsigned."""
    for group in facts["enums"]:
        yield from ((value["name"], value["value"], False) for value in group["values"])
    for group in facts["flags"]:
        for value in [*group["values"], group["mask"]]:
            yield value["name"], value["value"], True
    for constant in facts["constants"]:
        if constant["kind"] == "int":
            yield constant["name"], constant["value"], False


def strings(facts):
    for constant in facts["constants"]:
        if constant["kind"] == "string":
            yield constant["name"], constant["value"]


def program(facts):
    yield PROLOGUE
    yield from prototypes(facts["functions"])
    yield ""
    yield from callbacks(facts["callbacks"])
    yield CLOSING
    for name, value, unsigned in numbers(facts):
        yield f"CHECK ({name} == {value});"
        if unsigned:
            yield f"CHECK (-1 * {name} > 0);"
            yield f"CHECK (sizeof ({name}) == 4);"
    for structure in facts["structs"]:
        if "fields" in structure:
            fields = structure["fields"]
            size = " + ".join(f"sizeof ({field['c_type']})" for field in fields)
            yield f"CHECK (sizeof ({structure['name']}) == {size});"
            yield f"static {structure['name']} a_{structure['name']};"
    yield ""
    yield "int"
    yield "main (void)"
    yield "{"
    yield "  struct nbd_handle *nbd = nbd_create ();"
    yield "  int wrong = nbd == NULL;"
    for name, value in strings(facts):
        yield f'  wrong |= strcmp ("" {name}, {json.dumps(value)}) != 0;'
    for structure in facts["structs"]:
        for field in structure.get("fields", []):
            yield f"  wrong |= a_{structure['name']}.{field['name']} != 0;"
    for callback in facts["callbacks"]:
        name = callback["name"]
        yield f"  wrong |= a_{name}.callback != on_{name};"
        yield f"  wrong |= a_{name}.user_data != NULL || a_{name}.free != free;"
        if callback["null_macro"]:
            # A compound literal, which is an extension in C++.
            yield "#if !defined __cplusplus || !defined __STRICT_ANSI__"
            yield f"  a_{name} = {callback['null_macro']};"
            yield f"  wrong |= a_{name}.callback != NULL || a_{name}.free != NULL;"
            yield "#endif"
    yield '  printf ("%s\\n", nbd_get_version (nbd));'
    yield "  nbd_close (nbd);"
    yield "  return wrong;"
    yield "}"


def main():
    facts = {}
    for description in sys.argv[1:]:
        with open(description, encoding="utf-8") as file:
            for kind, entries in json.load(file).items():
                if isinstance(entries, list):
                    facts.setdefault(kind, []).extend(entries)
    print("\n".join(program(facts)))


if __name__ == "__main__":
    main()
