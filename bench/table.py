"""Writes runs down in Markdown."""

import datetime

from contenders import BATCHED_FLOOR, FLOOR, OURS, REFERENCE
from rows import MEASURES

HEADING = ["work", "passes", "measure", "target", "C", "ours", "ratio (quartiles)", "floor",
           "floor, batched", "ours ÷ floor", "result"]

# How to write what machine.py knows.
CONDITIONS = {
    "processor": ("processor", "{}"),
    "architecture": ("architecture", "{}"),
    "cores": ("cores", "{}"),
    "kernel": ("Linux", "{}"),
    "load": ("load average at the start", "{:.2f}"),
    "wmem_max": ("net.core.wmem_max, bytes", "{:,}"),
    "null_call_ns": ("system call that does nothing, ns", "{:.0f}"),
    "unix_round_trip_us": ("4 KiB there and back, Unix socket, µs", "{:.1f}"),
    "tcp_round_trip_us": ("4 KiB there and back, TCP on loopback, µs", "{:.1f}"),
}


def row_lines(row):
    """The name and the passes stand only in the first."""
    for number, line in enumerate(row["lines"]):
        measure = MEASURES[line["measure"]]
        medians, over_floor = line["medians"], line["over_floor"]
        lower, middle, upper = line["ratios"][OURS]

        def cell(contender):
            return measure.form.format(medians[contender]) if contender in medians else "–"

        first = [row["name"], str(row["passes"])] if number == 0 else ["", ""]
        yield [*first, measure.title, line["target"], cell(REFERENCE), cell(OURS),
               f"{middle:.2f} ({lower:.2f}–{upper:.2f})", cell(FLOOR.name),
               cell(BATCHED_FLOOR.name), "–" if over_floor is None else f"{over_floor:.2f}",
               line["result"]]


def markdown(heading, lines):
    lines = [heading, *lines]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heading))]
    padded = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
              for line in lines]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([padded[0], rule, *padded[1:]])


def day(run):
    started = datetime.datetime.fromisoformat(run.started)
    return f"{started.day} {started:%B %Y}"


def span(values, form):
    """One value, or the range of several."""
    least, most = form.format(min(values)), form.format(max(values))
    return least if least == most else f"{least}–{most}"


def passes(run):
    least, most = (f(row["passes"] for row in run.rows) for f in (min, max))
    if most == 1:
        return "One pass"
    if least == most:
        return f"Medians of {most} passes"
    return f"Medians of {least} to {most} passes"


def conditions(run):
    known = [(title, form.format(value)) for name, (title, form) in CONDITIONS.items()
             if (value := run.machine.get(name)) is not None]
    return markdown(["machine", ""], known)


def section(run):
    """All that one run has found."""
    lines = [line for row in run.rows for line in row_lines(row)]
    met = sum(line[-1].startswith("met") for line in lines)
    return "\n\n".join([
        f"## {run.label}",
        f"{day(run)}; C library {run.versions[REFERENCE]}, ours {run.versions[OURS]}. "
        f"{passes(run)}; in each pass both libraries did the same work one after the other; "
        f"ratios are ours to C. {' '.join(run.notes)}",
        conditions(run),
        markdown(HEADING, lines),
        f"{met} of {len(lines)} targets are met.",
    ])
