#!/usr/bin/env python3
"""Draws all stored runs: RESULTS.md, a chart of each, and the place in the
project's README.md that shows them."""

import re
import sys

sys.dont_write_bytecode = True

from chart import picture  # noqa: E402
from contenders import OURS, REFERENCE  # noqa: E402
from results import RESULTS, stored_runs  # noqa: E402
from table import day, markdown, section, span  # noqa: E402
from tools import BENCH, Failure  # noqa: E402

ROOT = BENCH.parent
README = ROOT / "README.md"
# README shows what stands between these.
PLACE = re.compile(r"(<!-- bench/draw\.py: begin -->\n).*?(<!-- bench/draw\.py: end -->)",
                   re.DOTALL)

# The rows of the table in README.
HIGHLIGHTS = (
    "random 4 KiB reads, 64 in flight",
    "random 4 KiB reads, 64 in flight, batched",
    "random 4 KiB writes, 64 in flight",
    "random 4 KiB writes, 64 in flight, batched",
    "random 4 KiB reads, 64 in flight, TCP",
    "random 4 KiB reads, 64 in flight, TCP, batched",
    "synchronous 4 KiB reads",
    "256 KiB reads, 16 in flight",
    "256 KiB writes, 16 in flight",
    "256 KiB reads, 16 in flight, TLS with PSK",
    "256 KiB writes, 16 in flight, TLS with PSK",
    "connect and shut down",
    "connect and shut down, TLS with X.509",
    "nbdcopy, 1 GiB from nbdkit to null:",
    "nbdinfo --map of 1 TiB in 210,000 extents",
    "1,000 idle connected handles",
    "a program that creates and closes a handle",
)


def lines_of(runs, row, measures):
    """The line of each run that has the row and one of the measures."""
    found = []
    for run in runs:
        lines = (run.row(row) or {"lines": []})["lines"]
        found += [line for line in lines if line["measure"] in measures][:1]
    return found


def ratio(runs, row, *measures):
    values = [line["ratios"][OURS][1] for line in lines_of(runs, row, measures)]
    return span(values, "{:.2f}") if values else ""


def rate(runs, row):
    """With one request in flight, the latency tells how many there are in a second."""
    values = [1 / line["ratios"][OURS][1] for line in lines_of(runs, row, ("latency",))]
    return span(values, "{:.2f}") if values else ratio(runs, row, "rate", "throughput")


def calls(runs, row):
    lines = lines_of(runs, row, ("calls",))
    if not lines:
        return ""
    ours, theirs = (span([line["medians"][name] for line in lines], "{:.1f}")
                    for name in (OURS, REFERENCE))
    return f"{ours} instead of {theirs}"


def excerpt(runs):
    """What README shows."""
    newest = runs[0]
    table = [[row, cost, rate(runs, row), calls(runs, row)] for row in HIGHLIGHTS
             if (cost := ratio(runs, row, "cpu", "process", "resident", "instructions"))]
    when = "one run" if len(runs) == 1 else f"{len(runs)} runs"
    return "\n\n".join([
        f"![Cost of the same work with the C library, with this library and without any]"
        f"(bench/results/{newest.name}.svg)",
        f"The chart shows the run of {day(newest)}, the table the medians of {when}, as ratios of "
        "ours to the C library's.",
        markdown(["work", "cost", "operations/s", "system calls per operation"], table),
    ])


def results(runs):
    return "\n\n".join([
        "# Results of the benchmark",
        "Drawn by draw.py from the runs in results/. [README.md](README.md) explains rows, method "
        "and floor.",
        *(f"{section(run)}\n\n![The costs in this table](results/{run.name}.svg)" for run in runs),
    ]) + "\n"


def drawn(runs):
    """All files, with what they should contain."""
    readme = README.read_text()
    if PLACE.search(readme) is None:
        raise Failure(f"{README} has no place for the results")
    files = {RESULTS / f"{run.name}.svg": picture(run) for run in runs}
    files[BENCH / "RESULTS.md"] = results(runs)
    files[README] = PLACE.sub(lambda found: f"{found[1]}{excerpt(runs)}\n{found[2]}", readme)
    return files


def draw():
    runs = stored_runs()
    if not runs:
        raise Failure(f"there are no runs in {RESULTS}")
    files = drawn(runs)
    for path in RESULTS.glob("*.svg"):
        if path not in files:
            path.unlink()
    for path, text in files.items():
        path.write_text(text)


if __name__ == "__main__":
    try:
        draw()
    except Failure as failure:
        sys.exit(f"draw: {failure}")
