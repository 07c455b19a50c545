"""Writes the results down."""

import datetime
import os
import platform
from statistics import median, quantiles

from rows import MEASURES
from work import BATCHED_FLOOR, FLOOR, OURS, REFERENCE

HEADING = ["work", "measure", "target", "C", "ours", "ratio (quartiles)", "floor",
           "floor, batched", "ours ÷ floor", "result"]


def quartiles(values):
    if len(values) == 1:
        return values * 3
    return quantiles(values, method="inclusive")


def divided(values, bases):
    return [value / base for value, base in zip(values, bases)]


def over_floor(measure, ours, floors):
    """How far the better floor is below us, or above where more is better."""
    if not floors:
        return "–"
    distances = [median(divided(ours, floor)) for floor in floors]
    return f"{(min if measure.more_is_better else max)(distances):.2f}"


def verdict(measure, target, values):
    lower, middle, upper = quartiles(values)
    met = target.met(measure, middle)
    close = target.met(measure, lower) != target.met(measure, upper)
    return ("met" if met else "not met") + (", within the spread" if close else "")


def table_line(row, name, samples):
    """The row's name stands only in its first line."""
    measure, target = MEASURES[name], row.targets[name]
    taken = samples[name]
    reference, ours = taken[REFERENCE], taken[OURS]
    floors = [taken[floor.name] for floor in (FLOOR, BATCHED_FLOOR) if floor.name in taken]
    ratios = divided(ours, reference)
    lower, middle, upper = quartiles(ratios)

    def cell(contender):
        return measure.form.format(median(taken[contender])) if contender in taken else "–"

    return [row.name if name == next(iter(row.targets)) else "", measure.title, target.text(measure), cell(REFERENCE), cell(OURS),
            f"{middle:.2f} ({lower:.2f}–{upper:.2f})", cell(FLOOR.name), cell(BATCHED_FLOOR.name),
            over_floor(measure, ours, floors),
            verdict(measure, target, ours if target.absolute else ratios)]


def markdown(lines):
    lines = [HEADING, *lines]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADING))]
    padded = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
              for line in lines]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([padded[0], rule, *padded[1:]])


def machine():
    kernel = ".".join(platform.release().split(".")[:2])
    return f"Linux {kernel}, {platform.machine()}, {os.cpu_count()} cores"


def document(rows, versions, passes, notes):
    """The whole text: for each row its samples by measure and contender."""
    lines = [table_line(row, name, taken)
             for row, taken in rows for name in row.targets]
    met = sum(line[-1].startswith("met") for line in lines)
    today = datetime.date.today()
    return "\n".join([
        "# Results of the benchmark",
        "",
        f"Measured on {today.day} {today:%B %Y}: {machine()}; C library {versions[REFERENCE]}, "
        f"ours {versions[OURS]}. Medians of {passes} passes, in each of which both libraries did "
        f"the same work one after the other; ratios are ours to C. {' '.join(notes)} "
        f"[README.md](README.md) explains rows, method and floor.",
        "",
        markdown(lines),
        "",
        f"{met} of {len(lines)} targets are met.",
        "",
    ])
