"""Counting what does not depend on the clock: system calls and instructions."""

import re
from pathlib import Path

from tools import Failure, output_of, tool


class Perf:
    """Counts system calls in the kernel, at a cost that the client hardly feels."""

    operations = None  # as many as are timed
    note = "System calls were counted by perf."

    def __init__(self, directory):
        self.log = directory / "perf.log"

    def usable(self):
        try:
            return self.count(["true"], None) > 0
        except (Failure, OSError):
            return False

    def count(self, command, environment):
        event = "raw_syscalls:sys_enter"
        output_of(["perf", "stat", "-x,", "-e", event, "-o", self.log, "--", *command],
                  env=environment)
        found = re.search(rf"^(\d+),.*{event}", self.log.read_text(), re.MULTILINE)
        if found is None:
            raise Failure("perf counts no system calls")
        return int(found[1])


class Strace:
    """Counts system calls by stopping the client at each: right for one request
    at a time, but replies pile up meanwhile, so that a client which takes
    several at once seems to need fewer calls than it does."""

    operations = 2_000
    note = ("System calls were counted under strace (perf is not usable here), which slows the "
            "client and so flatters any that takes several replies at once.")

    def __init__(self, directory):
        self.log = directory / "strace.log"
        self.program = tool("strace")

    def count(self, command, environment):
        output_of([self.program, "-f", "-c", "-U", "calls,name", "-o", self.log, *command],
                  env=environment)
        found = re.search(r"^\s*(\d+)\s+total$", self.log.read_text(), re.MULTILINE)
        if found is None:
            raise Failure("strace counts no system calls")
        return int(found[1])


def call_counter(directory):
    perf = Perf(directory)
    return perf if perf.usable() else Strace(directory)


def instructions(command, environment, directory: Path):
    """All that the program executes, the dynamic loader's work included."""
    log = directory / "callgrind.log"
    output_of([tool("valgrind"), "--tool=callgrind", f"--log-file={log}",
               f"--callgrind-out-file={directory / 'profile'}", *command], env=environment)
    found = re.search(r"Collected : (\d+)$", log.read_text(), re.MULTILINE)
    if found is None:
        raise Failure("callgrind counts no instructions")
    return int(found[1])
