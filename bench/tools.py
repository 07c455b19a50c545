"""What the benchmark is made with: the tools of the system, the two libraries
and the clients that are compiled for them."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

BENCH = Path(__file__).resolve().parent

# The Debian package of everything that is needed here.
PACKAGES = {
    "cc": "gcc",
    "certtool": "gnutls-bin",
    "fio": "fio",
    "ldconfig": "libc-bin",
    "libnbd.h": "libnbd-dev",
    "libnbd.so.0": "libnbd0",
    "mmdebstrap": "mmdebstrap",
    "nbdcopy": "libnbd-bin",
    "nbdinfo": "libnbd-bin",
    "nbdkit": "nbdkit",
    "qemu-nbd": "qemu-utils",
    "strace": "strace",
    "valgrind": "valgrind",
}

TIMEOUT = 120


class Failure(Exception):
    """The benchmark cannot go on; the text says why."""


def missing(thing):
    return Failure(f"{thing} is missing: install the Debian package {PACKAGES[thing]}")


def tool(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/sbin:/usr/sbin")
    if path is None:
        raise missing(name)
    return path


def failed(command, status, messages):
    words = " ".join(str(word) for word in command)
    return Failure(f"{words}\nfailed with status {status}\n{messages}")


def output_of(command, timeout=TIMEOUT, **options):
    """Runs a command to its end and returns what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, **options)
    if done.returncode != 0:
        raise failed(command, done.returncode, done.stderr)
    return done.stdout


def system_library():
    """The directory of the C library that Debian has installed."""
    for line in output_of([tool("ldconfig"), "-p"]).splitlines():
        path = Path(line.rpartition(" => ")[2].strip())
        # /usr/local is where a build of this project would be installed.
        if path.name == "libnbd.so.0" and not path.is_relative_to("/usr/local"):
            return path.parent
    raise missing("libnbd.so.0")


@dataclass(frozen=True)
class Programs:
    libnbd: Path  # one binary serves both libraries
    bare: Path
    create_close: Path
    nothing: Path
    machine: Path


def build_programs(directory):
    flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{BENCH}"]
    compiler = tool("cc")
    probe = subprocess.run([compiler, "-E", "-xc", "-"], input="#include <libnbd.h>\n",
                           capture_output=True, text=True)
    if probe.returncode != 0:
        raise missing("libnbd.h")

    programs = Programs(*(directory / name for name in
                          ("nbd-bench", "bare-client", "create-close", "nothing", "machine")))
    shared = BENCH / "workload.c"
    empty = BENCH / "create-close.c"
    # Whichever library is measured: the linker cannot use that of another release.
    link = [f"-L{system_library()}", "-l:libnbd.so.0"]
    for sources, more, program in (
            ([BENCH / "nbd-bench.c", shared], link, programs.libnbd),
            ([BENCH / "bare-client.c", shared], [], programs.bare),
            ([empty], link, programs.create_close),
            ([empty], ["-DFLOOR"], programs.nothing),
            ([BENCH / "machine.c", shared], [], programs.machine)):
        output_of([compiler, *flags, *sources, *more, "-o", program])
    return programs
