#!/usr/bin/env python3
"""Writes the functions of the API as a table in C: for each, the states that
permit it, and a function that calls it with arguments that suit it.

    table.py API.JSON... > table.h

What functions.h provides is used here: macros, `buffer`, `program`, `strings`, and
the constructors of closures.
"""

import json
import sys

# What a String or an Int has to look like depends on what it is for.
BY_NAME = {
    "addr": "ADDRESS",
    "addrlen": "ADDRESS_LENGTH",
    "argv": "program",
    "cookie": "1",
    "fd": "-1",
    "hostname": '"localhost"',
    "milliseconds": "0",
    "offset": "0",
    "port": '"1"',
    "signum": "0",
    "sock": "-1",
    "timeout": "0",
    "unixsocket": "MISSING_PATH",
    "uri": '"nbd+unix:///?socket=" MISSING_PATH',
    "which": "1",
}
BY_TYPE = {
    "bool": "false",
    "char **": "strings",
    "const char *": '"name"',
    "const void *": "buffer",
    "int": "0",
    "int64_t": "0",
    "size_t": "512",
    "uint32_t": "0",
    "uint64_t": "512",
    "uintptr_t": "0",
    "void *": "buffer",
}
FAILED = {"-1": "r == -1", "NULL": "r == NULL", "none": "false"}
STATES = ["Created", "Connecting", "Negotiating", "Connected", "Closed", "Dead"]


def have(name):
    """The macro that announces a function."""
    return f"LIB{name.split('_')[0]}_HAVE_{name}".upper()


def argument(function, number):
    """Argument NUMBER, counted from 1, as C."""
    name = function["c_args"][number - 1]["name"]
    c_type = function["c_args"][number - 1]["c_type"]
    if c_type == "struct nbd_handle *":
        return "h"
    if c_type.endswith("_callback"):
        return f"without == {number} ? ({c_type}) {{ .free = NULL }} : {c_type}_of (kept)"
    # A port is a name for TCP and a number for vsock.
    numeric = c_type == "uint32_t"
    value = BY_TYPE[c_type] if numeric else BY_NAME.get(name) or BY_TYPE[c_type]
    if number in function["nonnull"]:
        return f"without == {number} ? NULL : {value}"
    return value


def can_be_missing(function):
    """Numbers of the arguments that must be given."""
    required = [closure["arg"] for closure in function["closures"] if not closure["optional"]]
    for number, arg in enumerate(function["c_args"], 1):
        if arg["c_type"] == "struct nbd_handle *":
            continue
        if number in function["nonnull"] or arg["name"] in required:
            yield number


def caller(function):
    """The C function that makes the call."""
    arguments = ",\n     ".join(
        argument(function, number) for number in range(1, len(function["c_args"]) + 1)
    )
    lines = [
        "static bool",
        f"call_{function['name']} (struct nbd_handle *h, int without, struct kept *kept)",
        "{",
        "  (void) without, (void) kept;",
    ]
    call = f"{function['name']}\n    ({arguments})"
    if function["caller_frees_with"]:
        lines += [f"  char *r = {call};", "", f"  {function['caller_frees_with']} (r);"]
    else:
        lines += [f"  {function['c_return']} r = {call};", ""]
        if function["error_return"] == "none":
            lines.append("  (void) r;")
    lines += [f"  return {FAILED[function['error_return']]};", "}"]
    return lines


def row(function):
    """The row of the table."""
    permitted = function["permitted_states"] or STATES
    states = " | ".join(f"1 << {state.upper()}" for state in permitted)
    missing = "".join(f"{number}, " for number in can_be_missing(function))
    return [
        f'  {{ "{function["name"]}", call_{function["name"]},',
        f"    {states},",
        f"    {{ {missing}0 }}, {str(function['may_set_error']).lower()} }},",
    ]


def main():
    functions = []
    for description in sys.argv[1:]:
        with open(description, encoding="utf-8") as api:
            functions += json.load(api)["functions"]
    # Without a handle there is no state; and a handle is closed in any.
    others = {"nbd_create", "nbd_get_errno", "nbd_get_error", "nbd_close"}
    functions = [function for function in functions if function["name"] not in others]
    for function in functions:
        assert function["c_args"][0]["c_type"] == "struct nbd_handle *", function["name"]
    print("/* Made by table.py. */\n")
    for function in functions:
        print(f"#ifdef {have(function['name'])}")
        print("\n".join(caller(function)))
        print("#endif\n")
    print("static const struct function functions[] = {")
    for function in functions:
        print(f"#ifdef {have(function['name'])}")
        print("\n".join(row(function)))
        print("#endif")
    print("};")


if __name__ == "__main__":
    main()
