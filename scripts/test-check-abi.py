#!/usr/bin/env python3
"""Shows that scripts/check-abi.py notices each fault it is there for.

Builds a tiny library that satisfies it, then one spoiled library or header
after another, and looks for the complaint.  Debian's C library, which
differs in known ways, comes last.
"""

import glob
import json
import os
import shlex
import subprocess
import sys
import tempfile

CHECKER = os.path.join(os.path.dirname(__file__), "check-abi.py")
COMPILER = shlex.split(os.environ.get("CC", "cc"))

FILES = {
    "nbd.c": """
        int nbd_old(void) { return 1; }
        int nbd_new(void) { return 2; }
        int nbd_later(void) { return 3; }
        int nbdx_more(void) { return 6; }
        int nbdx_most(void) { return 7; }
        int other(void) { return 4; }
        int nbd_data = 5;
    """,
    "nbd.h": """
        #define LIBNBD_HAVE_NBD_OLD 1
        extern int nbd_old (void);
        #define LIBNBD_HAVE_NBD_NEW 1
        extern int nbd_new (void);
        #define LIBNBD_HAVE_NBD_TELL_CALLBACK 1
    """,
    "nbdx.h": """
        #include <nbd.h>
        #define LIBNBDX_HAVE_NBDX_MORE 1
        extern int nbdx_more (void);
    """,
    "nbd.syms": """
        LIBNBD_1.0 { global: nbd_old; local: *; };
        LIBNBD_1.2 { global: nbd_new; } LIBNBD_1.0;
        LIBNBD_1.4 { } LIBNBD_1.2;
        LIBNBDX_1.0 { global: nbdx_more; };
    """,
    "api.json": json.dumps({
        "symbol_versions": [
            {"node": "LIBNBD_1.0", "parent": None, "functions": ["nbd_old"]},
            {"node": "LIBNBD_1.2", "parent": "LIBNBD_1.0", "functions": ["nbd_new"]},
            {"node": "LIBNBD_1.4", "parent": "LIBNBD_1.2", "functions": []},
        ],
        "callbacks": [{"name": "nbd_tell_callback"}],
    }),
    "nbdx.json": json.dumps({
        "symbol_versions": [
            {"node": "LIBNBDX_1.0", "parent": None, "functions": ["nbdx_more"]},
        ],
        "callbacks": [],
    }),
}
FLAGS = ["-Wl,-soname,libnbd.so.0", "-Wl,-z,nodelete", "-Wl,-z,relro", "-Wl,-z,now",
         "-Wl,-z,noexecstack"]
EXPORTS = "nbd_old\nnbd_new\nnbdx_more\n"

# What is wrong; the complaint; then either a replacement in one of the files
# or another set of linker flags.
FAULTS = [
    ("foreign soname", "the soname is ['libnbd.so.1']",
     {"flags": ["-Wl,-soname,libnbd.so.1", *FLAGS[1:]]}),
    ("no soname", "the soname is []", {"flags": FLAGS[1:]}),
    ("missing function", "nbd_old is missing", {"nbd.syms": ("global: nbd_old;", "")}),
    ("extra function", "other is exported but is not part of the API",
     {"nbd.syms": ("nbd_old;", "nbd_old; other;")}),
    ("everything exported", "nbd_data is exported but is not part of the API",
     {"nbd.syms": ("local: *;", "")}),
    ("data instead of a function", "nbd_new is [('LIBNBD_1.2', 'OBJECT')]",
     {"nbd.c": ("int nbd_new(void) { return 2; }", "int nbd_new;")}),
    ("function in another node", "nbd_new is [('LIBNBD_1.0', 'FUNC')]",
     {"nbd.syms": ("nbd_old;", "nbd_old; nbd_new;")}),
    ("function without a node", "nbd_old is [('', 'FUNC')]",
     {"flags": FLAGS, "nbd.syms": None}),
    ("missing addition", "nbdx_more is missing", {"nbd.syms": ("global: nbdx_more;", "")}),
    ("addition that is not described", "nbdx_most is exported but is not part of the API",
     {"nbd.syms": ("nbdx_more;", "nbdx_more; nbdx_most;")}),
    ("addition in a node of the C library", "nbdx_more is [('LIBNBD_1.2', 'FUNC')]",
     {"nbd.syms": ("nbd_new;", "nbd_new; nbdx_more;")}),
    ("addition on a node of the C library", "LIBNBDX_1.0 inherits from ['LIBNBD_1.4']",
     {"nbd.syms": ("nbdx_more; };", "nbdx_more; } LIBNBD_1.4;")}),
    ("addition in the header of the C library", "nbdx_more does not belong in nbd.h",
     {"nbd.h": ("extern int nbd_old", "extern int nbdx_more (void); extern int nbd_old")}),
    ("addition without its macro", "LIBNBDX_HAVE_NBDX_MORE is not defined",
     {"nbdx.h": ("#define LIBNBDX_HAVE_NBDX_MORE 1", "")}),
    ("addition not declared", "nbdx_more is not in nbdx.h",
     {"nbdx.h": ("extern int nbdx_more (void);", "")}),
    ("missing node", "LIBNBD_1.4 is not defined",
     {"nbd.syms": ("LIBNBD_1.4 { } LIBNBD_1.2;", "")}),
    ("unknown node", "LIBNBD_1.6 is not a known version node",
     {"nbd.syms": ("LIBNBD_1.4 { } LIBNBD_1.2;",
                   "LIBNBD_1.4 { } LIBNBD_1.2; LIBNBD_1.6 { } LIBNBD_1.4;")}),
    ("unchained node", "LIBNBD_1.2 inherits from []",
     {"nbd.syms": ("nbd_new; } LIBNBD_1.0", "nbd_new; }")}),
    ("node on the wrong parent", "LIBNBD_1.4 inherits from ['LIBNBD_1.0']",
     {"nbd.syms": ("{ } LIBNBD_1.2", "{ } LIBNBD_1.0")}),
    ("another library needed", "needs libm.so.6",
     {"flags": [*FLAGS, "-Wl,--no-as-needed", "-lm"]}),
    ("library search path", "carries the library search path /opt/lib",
     {"flags": [*FLAGS, "-Wl,-rpath,/opt/lib"]}),
    ("can be unloaded", "not linked with -z nodelete",
     {"flags": [flag for flag in FLAGS if "nodelete" not in flag]}),
    ("lazy binding", "not linked with -z now",
     {"flags": [flag.replace("now", "lazy") for flag in FLAGS]}),
    ("writable relocations", "not linked with -z relro",
     {"flags": [flag.replace("relro", "norelro") for flag in FLAGS]}),
    ("text relocations", "has text relocations",
     {"flags": [*FLAGS, "-Wl,-z,notext"],
      "nbd.c": ("int other", '__asm__(".text\\n .quad nbd_data\\n"); int other')}),
    ("executable stack", "asks for an executable stack",
     {"flags": [flag.replace("noexecstack", "execstack") for flag in FLAGS]}),
    ("function not declared", "nbd_old is exported but not declared",
     {"nbd.h": ("extern int nbd_old (void);", "")}),
    ("function only declared", "nbd_later is declared but not exported",
     {"nbd.h": ("extern int nbd_old", "extern int nbd_later (void); extern int nbd_old")}),
    ("function without its macro", "LIBNBD_HAVE_NBD_NEW is not defined",
     {"nbd.h": ("#define LIBNBD_HAVE_NBD_NEW 1", "")}),
    ("callback without its macro", "LIBNBD_HAVE_NBD_TELL_CALLBACK is not defined",
     {"nbd.h": ("#define LIBNBD_HAVE_NBD_TELL_CALLBACK 1", "")}),
    ("macro without its function", "LIBNBD_HAVE_NBD_NEVER is defined for nothing",
     {"nbd.h": ("extern int nbd_old", "#define LIBNBD_HAVE_NBD_NEVER 1\nextern int nbd_old")}),
    ("macro with another value", "LIBNBD_HAVE_NBD_OLD is '2', not 1",
     {"nbd.h": ("NBD_OLD 1", "NBD_OLD 2")}),
    ("archive exports too much", "other is only in the archive",
     {"exports": EXPORTS + "other\n"}),
    ("archive exports too little", "nbd_new is not in the archive",
     {"exports": "nbd_old\n"}),
]


def build(directory, fault):
    """Writes the files and links the library, spoiled as the fault says."""
    def path(name):
        return os.path.join(directory, name)

    for name, text in FILES.items():
        if replacement := fault.get(name):
            before, after = replacement
            assert before in text, f"{before!r} is not in {name}"
            text = text.replace(before, after)
        with open(path(name), "w", encoding="utf-8") as file:
            file.write(text)
    with open(path("exports"), "w", encoding="utf-8") as file:
        file.write(fault.get("exports", EXPORTS))

    script = [] if fault.get("nbd.syms", ()) is None else ["-Wl,--version-script=nbd.syms"]
    for command in (
        [*COMPILER, "-fPIC", "-c", "nbd.c"],
        [*COMPILER, "-shared", "-o", "libnbd.so", "nbd.o", *script,
         *fault.get("flags", FLAGS)],
        ["objcopy", "--keep-global-symbols=exports", "nbd.o", "localised.o"],
        ["ar", "rcs", "libnbd.a", "localised.o"],
    ):
        subprocess.run(command, cwd=directory, check=True, stderr=subprocess.DEVNULL)


def complaints(directory, *options, apis=("api.json", "nbdx.json")):
    """Runs the checker; returns its exit status and what it printed."""
    result = subprocess.run(
        [sys.executable, os.path.abspath(CHECKER), "--api", *apis, *options],
        cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )
    return result.returncode, result.stdout


def judge(name, fault, expected):
    """One case: no complaint expected when EXPECTED is empty."""
    with tempfile.TemporaryDirectory() as directory:
        build(directory, fault)
        status, output = complaints(
            directory, "--library", "libnbd.so", "--archive", "libnbd.a",
            "--header", "nbd.h", "nbdx.h"
        )
        noticed = status == 1 and expected in output if expected else status == 0
        return report(name, noticed, output)


def judge_debian():
    """The C library links GnuTLS, stops at an older node and can be unloaded."""
    found = glob.glob("/usr/lib/*/libnbd.so.0") + glob.glob("/usr/lib/libnbd.so.0")
    if not found:
        return report("Debian's library", False, "libnbd0 is not installed")
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    status, output = complaints(
        root, "--library", found[0], apis=["tests/data/api.json", "tests/data/libnbdx.json"],
    )
    expected = ("needs libgnutls.so.30", "nbd_block_status_64 is missing",
                "LIBNBD_1.24 is not defined", "LIBNBDX_1.0 is not defined", "not linked with -z nodelete")
    return report("Debian's library", status == 1 and all(e in output for e in expected), output)


def report(name, passed, output):
    print(f"{'ok' if passed else 'not ok'} ABI checker: {name}")
    if not passed:
        print(output)
    return passed


def main():
    results = [judge("nothing wrong", {}, "")]
    results += [judge(name, fault, expected) for name, expected, fault in FAULTS]
    results.append(judge_debian())
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
