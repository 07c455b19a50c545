#!/usr/bin/env python3
"""Compares this library with the C library that Debian has installed.

Both run the same program against the same server in turn, and the table shows
medians of the ratios of neighbouring runs.
"""

import argparse
import datetime
import os
import platform
import signal
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

sys.dont_write_bytecode = True

from measure import (  # noqa: E402
    BENCH, Client, Failure, build_clients, call_counter, calls_per_operation, nbdkit, run,
    system_library)
from rows import ROWS  # noqa: E402

DEFAULT_PAIRS = 15
QUICK_PAIRS = 2
# The floor and the counts of system calls need fewer repetitions.
FLOORS = 5
COUNTS = 3


@dataclass
class Samples:
    """All runs of one row; what has the same index ran together."""

    reference: list = field(default_factory=list)
    ours: list = field(default_factory=list)
    floor: list = field(default_factory=list)
    batched: list = field(default_factory=list)
    reference_calls: list = field(default_factory=list)
    ours_calls: list = field(default_factory=list)


def ratios(results, bases, quantity):
    return [getattr(result, quantity) / getattr(base, quantity)
            for result, base in zip(results, bases)]


def with_quartiles(values):
    if len(values) == 1:
        return f"{values[0]:.2f}"
    lower, middle, upper = quantiles(values, method="inclusive")
    return f"{middle:.2f} ({lower:.2f}–{upper:.2f})"


def floor_cell(samples, floor):
    if not floor:
        return "–"
    rate = median(ratios(floor, samples.reference, "rate"))
    cpu = median(ratios(floor, samples.reference, "cpu"))
    calls = median(result.calls for result in floor)
    return f"{rate:.2f} / {cpu:.2f} / {calls:.1f}"


def over_floor(samples):
    """Our CPU time as a multiple of the better floor's."""
    floors = [floor for floor in (samples.floor, samples.batched) if floor]
    if not floors:
        return "–"
    return f"{max(median(ratios(samples.ours, floor, 'cpu')) for floor in floors):.2f}"


def table_row(row, samples, targets):
    rate = ratios(samples.ours, samples.reference, "rate")
    cpu = ratios(samples.ours, samples.reference, "cpu")
    calls = median(samples.ours_calls)
    cells = [
        row.name,
        f"{median(result.rate for result in samples.reference):,.0f}",
        f"{median(result.rate for result in samples.ours):,.0f}",
        with_quartiles(rate),
        with_quartiles(cpu),
        f"{median(samples.reference_calls):.1f}",
        f"{calls:.1f}",
        floor_cell(samples, samples.floor),
        floor_cell(samples, samples.batched),
        over_floor(samples),
    ]
    if targets:
        missed = row.target.missed(median(rate), median(cpu), calls)
        wanted = str(row.target)
        cells += [wanted or "–",
                  "–" if not wanted else "misses " + ", ".join(missed) if missed else "met"]
    return cells


def heading(targets):
    cells = ["work", "C ops/s", "ours ops/s", "ops ratio", "CPU/op ratio", "C calls/op",
             "ours calls/op", "floor", "floor, batched", "CPU ÷ floor"]
    return cells + ["target", "result"] if targets else cells


def markdown(lines):
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    padded = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
              for line in lines]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([padded[0], rule, *padded[1:]])


def explanation(arguments, counter, samples):
    versions = next(iter(samples.values()))
    pinned = ", pinned" if arguments.pin else ""
    return "\n".join([
        f"Measured on {datetime.date.today()}: Linux {platform.release()}, "
        f"{os.cpu_count()} cores{pinned}, nbdkit's memory plugin. "
        f"C library: {versions.reference[0].version}. Ours: {versions.ours[0].version}.",
        f"Medians of {arguments.pairs} paired runs (quartiles); ratios are ours to the C library's; "
        f"{counter.note}.",
        "Floor: a bare client without a library, as ratios to the C library: "
        "ops / CPU per op / calls per op.",
    ])


@dataclass(frozen=True)
class Bench:
    reference: Client
    ours: Client
    floor: Client
    batched: Client
    counter: object

    def pair(self, row, endpoint, samples, ours_first):
        contenders = [(self.reference, samples.reference), (self.ours, samples.ours)]
        if ours_first:
            contenders.reverse()
        for client, results in contenders:
            results.append(run(client, row.workload, row, endpoint))

    def measure_floor(self, row, endpoint, samples):
        if row.floor is None:
            return
        samples.floor.append(run(self.floor, row.floor, row, endpoint))
        # Only transfers with several requests in flight can be batched.
        if row.depth > 1:
            samples.batched.append(run(self.batched, row.floor, row, endpoint))

    def count(self, row, endpoint, samples):
        for client, counts in ((self.reference, samples.reference_calls),
                               (self.ours, samples.ours_calls)):
            counts.append(calls_per_operation(self.counter, client, row, endpoint))


def show_progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def share_processors(pin):
    """Confines the clients, which inherit it; returns what the server may use."""
    available = os.sched_getaffinity(0)
    if not pin:
        return available
    if len(available) < 2:
        raise Failure("--pin needs two processors")
    os.sched_setaffinity(0, {max(available)})
    return available - {max(available)}


def measure_rows(bench, rows, pairs, directory, processors):
    """Goes through all rows again and again, so that a slow minute of the
    machine touches each row a little instead of one row much."""
    samples = {row: Samples() for row in rows}
    for transport in dict.fromkeys(row.transport for row in rows):
        with nbdkit(transport, directory, processors) as endpoint:
            mine = [row for row in rows if row.transport == transport]
            for turn in range(pairs):
                for place, row in enumerate(mine):
                    show_progress(f"pair {turn + 1} of {pairs}: {row.name}")
                    bench.pair(row, endpoint, samples[row], (turn + place) % 2 == 1)
                    if turn < FLOORS:
                        bench.measure_floor(row, endpoint, samples[row])
                    if turn < COUNTS:
                        bench.count(row, endpoint, samples[row])
    show_progress("")
    return samples


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ours", type=Path, metavar="DIR",
                        default=Path(os.environ.get("LIBNBD_DIR") or BENCH.parent / "build"),
                        help="directory of our libnbd.so.0 (default: $LIBNBD_DIR or build)")
    parser.add_argument("--reference", type=Path, metavar="DIR",
                        help="directory of the C library (default: where Debian has it)")
    parser.add_argument("--pairs", type=int, default=DEFAULT_PAIRS, metavar="N",
                        help=f"paired runs of each row (default: {DEFAULT_PAIRS})")
    parser.add_argument("--quick", action="store_const", dest="pairs", const=QUICK_PAIRS,
                        help=f"only {QUICK_PAIRS} pairs: a smoke test, not a measurement")
    parser.add_argument("--pin", action="store_true",
                        help="give the clients one processor and the server the others")
    parser.add_argument("--transport", choices=ROWS, default="usual",
                        help="usual: Unix sockets, in clear and with TLS (default)")
    parser.add_argument("--rows", default="", metavar="TEXT",
                        help="only rows with this text in their name")
    parser.add_argument("--targets", action="store_true", help="show targets beside the results")
    parser.add_argument("--output", type=Path, metavar="FILE", help="also write the table there")
    arguments = parser.parse_args()
    if arguments.pairs < 1:
        parser.error("at least one pair is needed")
    return arguments


def main():
    arguments = parse_arguments()
    rows = [row for row in ROWS[arguments.transport] if arguments.rows in row.name]
    if not rows:
        raise Failure(f"no row has {arguments.rows!r} in its name")
    if not (arguments.ours / "libnbd.so.0").exists():
        raise Failure(f"there is no libnbd.so.0 in {arguments.ours}: build it, or use --ours DIR")
    reference = arguments.reference or system_library()

    with tempfile.TemporaryDirectory(prefix="nbd-bench.") as name:
        directory = Path(name)
        clients = build_clients(directory, reference)
        bench = Bench(
            reference=Client(clients.libnbd, reference),
            ours=Client(clients.libnbd, arguments.ours),
            floor=Client(clients.bare),
            batched=Client(clients.bare, options=("--batch",)),
            counter=call_counter(directory),
        )
        samples = measure_rows(bench, rows, arguments.pairs, directory,
                               share_processors(arguments.pin))

    lines = [heading(arguments.targets)]
    lines += [table_row(row, samples[row], arguments.targets) for row in rows]
    text = f"{markdown(lines)}\n\n{explanation(arguments, bench.counter, samples)}\n"
    print(text, end="")
    if arguments.output is not None:
        arguments.output.write_text(text)


if __name__ == "__main__":
    # Also when told to stop, the server and the temporary directory go.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        main()
    except Failure as failure:
        sys.exit(f"bench: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
