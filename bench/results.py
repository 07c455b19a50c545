"""What a run has found, in a form that can be kept: results/NAME.json."""

import json
import re
from dataclasses import asdict, dataclass
from statistics import median, quantiles

from contenders import BATCHED_FLOOR, FLOOR, OURS, REFERENCE
from rows import MEASURES
from tools import BENCH, Failure

RESULTS = BENCH / "results"
FLOORS = (FLOOR.name, BATCHED_FLOOR.name)


def quartiles(values):
    if len(values) == 1:
        return values * 3
    return quantiles(values, method="inclusive")


def divided(values, bases):
    """Of as many passes as both have taken part in."""
    return [value / base for value, base in zip(values, bases)]


def rounded(value):
    return float(f"{value:.4g}")


def over_floor(measure, taken):
    """How far the better floor is below us, or above where more is better."""
    distances = [median(divided(taken[OURS], taken[floor])) for floor in FLOORS if floor in taken]
    if not distances:
        return None
    return rounded((min if measure.more_is_better else max)(distances))


def verdict(target, taken):
    values = taken[OURS]
    if target.base is not None:
        values = divided(values, taken[target.base])
    lower, middle, upper = quartiles(values)
    close = target.met(lower) != target.met(upper)
    return ("met" if target.met(middle) else "not met") + (", within the spread" if close else "")


def line(target, taken):
    """A target, and the samples of its measure by contender."""
    return {
        "measure": target.measure,
        "target": target.text,
        "medians": {name: rounded(median(values)) for name, values in taken.items()},
        # Quartiles, to the C library.
        "ratios": {name: [rounded(q) for q in quartiles(divided(values, taken[REFERENCE]))]
                   for name, values in taken.items() if name != REFERENCE},
        "over_floor": over_floor(MEASURES[target.measure], taken),
        "result": verdict(target, taken),
    }


def summary(row, samples):
    """A row, and its samples by measure and contender."""
    lines = [line(target, samples[target.measure]) for target in row.targets]
    # System calls are counted less often.
    passes = max(len(samples[target.measure][OURS]) for target in row.targets)
    return {"name": row.name, "passes": passes, "lines": lines}


@dataclass(frozen=True)
class Run:
    label: str  # the machine and its load
    started: str  # ISO 8601
    machine: dict  # see machine.py; None for what is not known
    versions: dict  # of the libraries
    notes: list
    rows: list  # of summaries

    @property
    def name(self):
        """Of its files.  A new run with the same label replaces the old one."""
        return re.sub(r"[^a-z0-9]+", "-", self.label.lower()).strip("-")

    def row(self, name):
        return next((row for row in self.rows if row["name"] == name), None)

    def save(self, directory=RESULTS):
        directory.mkdir(exist_ok=True)
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
        # Short lists are easier to read, and to compare, on one line.
        text = re.sub(r"\[\s+([-0-9.e,\s]+?)\s+\]",
                      lambda found: f"[{' '.join(found[1].split())}]", text)
        (directory / f"{self.name}.json").write_text(text + "\n")


def stored_runs(directory=RESULTS):
    """The newest first."""
    runs = []
    for path in directory.glob("*.json"):
        run = Run(**json.loads(path.read_text()))
        if run.name != path.stem:
            raise Failure(f"{path} has the label of {run.name}.json")
        runs.append(run)
    return sorted(runs, key=lambda run: (run.started, run.name), reverse=True)
