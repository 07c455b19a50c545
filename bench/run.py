#!/usr/bin/env python3
"""Compares this library with the C library that Debian has installed.

Both do the same work with the same programs and servers in turn, and the table
shows medians of the ratios of neighbouring runs.
"""

import argparse
import datetime
import os
import re
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

sys.dont_write_bytecode = True

from contenders import BATCHED_FLOOR, FLOOR, OURS, REFERENCE, Contender  # noqa: E402
from draw import draw  # noqa: E402
from machine import describe  # noqa: E402
from release import Release, fetched  # noqa: E402
from results import Run, summary  # noqa: E402
from rows import ROWS  # noqa: E402
from servers import raise_descriptor_limit, serving  # noqa: E402
from table import section  # noqa: E402
from tools import BENCH, Failure, system_library  # noqa: E402
from work import Client, Workshop  # noqa: E402

DEFAULT_MINUTES = 18
# The counts of system calls hardly vary.
COUNT_PASSES = 3


def show_progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def share_processors(pin):
    """Confines the clients, which inherit it; returns what the servers may use."""
    available = os.sched_getaffinity(0)
    if not pin:
        return available
    if len(available) < 2:
        raise Failure("--pin needs two processors")
    os.sched_setaffinity(0, {max(available)})
    return available - {max(available)}


class Bench:
    def __init__(self, workshop, reference, ours):
        self.workshop = workshop
        self.libraries = [reference, ours]

    def measure(self, row, endpoint, samples, turn, ours_first):
        """Does the work of a row once with each contender, and adds to its samples
        what that cost."""
        contenders = self.libraries[::-1] if ours_first else list(self.libraries)
        if turn < row.floor_passes:
            contenders += [FLOOR, BATCHED_FLOOR] if row.work.can_be_batched else [FLOOR]
        for contender in contenders:
            sample = row.work.sample(self.workshop, contender, endpoint)
            if row.counts_calls and contender.library is not None and turn < COUNT_PASSES:
                sample |= row.work.count(self.workshop, contender, endpoint)
            for name, value in sample.items():
                samples.setdefault(name, {}).setdefault(contender.name, []).append(value)

    def versions(self, endpoint):
        work = Client("connect", 1)
        return {contender.name: work.run(self.workshop, contender, endpoint)["version"]
                for contender in self.libraries}

    def run(self, rows, is_over, directory, processors):
        """Goes through all rows again and again, so that a slow minute of the
        machine touches each row a little instead of one row much.  Returns the
        samples by row, the failures by row, and the versions."""
        samples = {row.name: {} for row in rows}
        failures = {}
        with ExitStack() as servers:
            endpoints = {name: servers.enter_context(serving(name, directory, processors))
                         for name in dict.fromkeys(["memory", *(row.server for row in rows)])
                         if name is not None}
            turn = 0
            while any(row.passes > turn for row in rows) and not is_over(turn):
                for place, row in enumerate(rows):
                    if turn >= row.passes or row.name in failures:
                        continue
                    show_progress(f"pass {turn + 1}: {row.name}")
                    try:
                        self.measure(row, endpoints.get(row.server), samples[row.name], turn,
                                     ours_first=(turn + place) % 2 == 1)
                    except Failure as failure:
                        failures[row.name] = failure
                turn += 1
            show_progress("")
            return samples, failures, self.versions(endpoints["memory"])


def limit_of(arguments):
    """Tells, before each pass, whether there shall be none.  One that would end
    too late is not begun."""
    if arguments.passes is not None:
        return lambda turn: turn >= arguments.passes
    started = time.monotonic()
    ends = []

    def is_over(_turn):
        now = time.monotonic()
        last = now - ends[-1] if ends else 0
        ends.append(now)
        return len(ends) > 1 and now + last > started + arguments.minutes * 60

    return is_over


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ours", type=Path, metavar="DIR",
                        default=Path(os.environ.get("LIBNBD_DIR") or BENCH.parent / "build"),
                        help="directory of our libnbd.so.0 (default: $LIBNBD_DIR or build)")
    parser.add_argument("--reference", type=Path, metavar="DIR",
                        help="directory of the C library (default: where Debian has it), or of an "
                        "unpacked release of Debian")
    parser.add_argument("--release", metavar="SUITE",
                        help="compare with the C library of this release of Debian, such as sid, "
                        "which is downloaded to build/releases")
    parser.add_argument("--minutes", type=float, default=DEFAULT_MINUTES, metavar="N",
                        help=f"how long it may take (default: {DEFAULT_MINUTES})")
    parser.add_argument("--passes", type=int, metavar="N",
                        help="how often each row is measured, however long it takes")
    parser.add_argument("--pin", action="store_true",
                        help="give the clients one processor and the servers the others")
    parser.add_argument("--rows", default="", metavar="TEXT",
                        help="only rows with this text in their name")
    parser.add_argument("--label", metavar="TEXT",
                        help="name of this machine and its load: the run is stored in "
                        "bench/results, in place of one with the same label, and drawn")
    arguments = parser.parse_args()
    if arguments.passes is not None and arguments.passes < 1:
        parser.error("at least one pass is needed")
    if arguments.label is not None and not re.search("[a-z0-9]", arguments.label.lower()):
        parser.error("the label has no letter and no digit")
    if arguments.label is not None and arguments.rows:
        parser.error("a run that is stored has all rows")
    if arguments.release and arguments.reference:
        parser.error("there can be only one reference")
    return arguments


def contenders(arguments):
    """Both libraries, on this system or on the release that the C library needs."""
    if not (arguments.ours / "libnbd.so.0").exists():
        raise Failure(f"there is no libnbd.so.0 in {arguments.ours}: build it, or use --ours DIR")
    reference = arguments.reference
    if arguments.release:
        reference = fetched(arguments.release, BENCH.parent / "build/releases" / arguments.release)
    release = Release.below(reference) if reference else None
    if release:
        reference = release.libraries
    return [Contender(REFERENCE, reference or system_library(), release=release),
            Contender(OURS, arguments.ours, release=release)]


def main():
    arguments = parse_arguments()
    is_over = limit_of(arguments)
    rows = [row for row in ROWS if arguments.rows in row.name]
    if not rows:
        raise Failure(f"no row has {arguments.rows!r} in its name")
    reference, ours = contenders(arguments)

    raise_descriptor_limit()
    started = datetime.datetime.now().isoformat(timespec="minutes")
    with tempfile.TemporaryDirectory(prefix="nbd-bench.") as name:
        directory = Path(name)
        workshop = Workshop.build(directory)
        machine = describe(workshop.programs.machine)
        samples, failures, versions = Bench(workshop, reference, ours).run(
            rows, is_over, directory, share_processors(arguments.pin))

    notes = [workshop.counter.note]
    if reference.release:
        notes.insert(0, "Both ran on the libc and the OpenSSL of the C library's release.")
    if arguments.pin:
        notes.insert(0, "Clients and servers had a processor each.")
    run = Run(arguments.label or "Results", started, machine, versions, notes,
              [summary(row, samples[row.name]) for row in rows if row.name not in failures])
    if run.rows:
        print(section(run))
    if failures:
        raise Failure("\n".join(f"{name}: {why}" for name, why in failures.items()))
    if arguments.label is not None:
        run.save()
        draw()


if __name__ == "__main__":
    # Also when told to stop, the servers and the temporary directory go.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        main()
    except Failure as failure:
        sys.exit(f"bench: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
