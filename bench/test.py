#!/usr/bin/env python3
"""Tests of the benchmark itself: that it judges and stores rightly, and that
what is drawn is what was stored.

Prints a line for each case and "N passed, N failed" at the end.
"""

import copy
import re
import subprocess
import sys
import tempfile
import traceback
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

sys.dont_write_bytecode = True

import chart  # noqa: E402
import draw  # noqa: E402
from contenders import BATCHED_FLOOR, FLOOR, OURS, REFERENCE, Contender  # noqa: E402
from machine import describe  # noqa: E402
from release import Release  # noqa: E402
from results import Run, stored_runs, summary, verdict  # noqa: E402
from rows import ROWS, Row, Target, calls, over_batched_floor, ratios  # noqa: E402
from run import Bench  # noqa: E402
from table import section  # noqa: E402
from tools import BENCH, Failure, build_programs, system_library  # noqa: E402
from work import Client, Fio, Workshop  # noqa: E402

DIRECTORY = Path()  # a temporary one, set by main


def row(name="reads", targets=ratios(cpu=0.5), **options):
    return Row(name, None, None, targets, **options)


def samples(**measures):
    """Each: a list for the C library, for us, and for the floors."""
    names = (REFERENCE, OURS, FLOOR.name, BATCHED_FLOOR.name)
    return {measure: dict(zip(names, lists)) for measure, lists in measures.items()}


def run_of(*rows, label="Quiet machine", started="2026-01-02T03:04"):
    machine = {"processor": "Some CPU", "null_call_ns": 71.0, "wmem_max": 212992, "load": None}
    return Run(label, started, machine, {REFERENCE: "1.14.2", OURS: "1.24.0"}, ["A note."],
               list(rows))


def complaint(function, *arguments):
    try:
        function(*arguments)
    except Failure as failure:
        return str(failure)
    raise AssertionError("there was no complaint")


# Judging

def test_target_of_ratio():
    taken = {REFERENCE: [10, 10, 10], OURS: [4, 4, 4]}
    assert verdict(Target("cpu", 0.5), taken) == "met"
    assert verdict(Target("cpu", 0.3), taken) == "not met"
    assert verdict(Target("rate", 0.5), taken) == "not met"  # more is better
    assert verdict(Target("cpu", 0.5), taken | {OURS: [4, 4, 9]}) == "met, within the spread"


def test_target_of_value():
    assert verdict(*calls(3), {REFERENCE: [1], OURS: [2.5]}) == "met"
    assert verdict(*calls(2), {REFERENCE: [9], OURS: [2.5]}) == "not met"


def test_target_of_floor():
    target, = over_batched_floor(cpu=1.2)
    taken = {REFERENCE: [100], OURS: [5], FLOOR.name: [9], BATCHED_FLOOR.name: [4.5]}
    assert verdict(target, taken) == "met"
    assert verdict(target, taken | {BATCHED_FLOOR.name: [4]}) == "not met"
    assert target.text == "≤ 1.20 × floor, batched"


def test_ratios_are_of_neighbours():
    line, = summary(row(), samples(cpu=([10, 100, 1000], [5, 50, 500], [2, 20])))["lines"]
    assert line["ratios"] == {OURS: [0.5, 0.5, 0.5], FLOOR.name: [0.2, 0.2, 0.2]}
    assert line["over_floor"] == 2.5


def test_floor_where_a_target_needs_it():
    assert row().floor_passes == 5
    assert row(has_floor=False).floor_passes == 0
    assert row(targets=over_batched_floor(cpu=1.2)).floor_passes > 1000


def test_rows_have_different_names():
    names = [row.name for row in ROWS]
    assert len(names) == len(set(names))
    assert not set(draw.HIGHLIGHTS) - set(names)


# Passes

class Imitation:
    """Work that costs nothing, or fails."""

    can_be_batched = False

    def __init__(self, fails=False):
        self.fails = fails
        self.passes = 0

    def sample(self, _workshop, contender, _endpoint):
        if self.fails:
            raise Failure("no such thing")
        self.passes += contender.name == OURS
        return {"cpu": 1.0}


class BenchOfImitations(Bench):
    def versions(self, _endpoint):
        return {REFERENCE: "1", OURS: "2"}


def imitate(rows, is_over):
    libraries = [Contender(name, Path("/")) for name in (REFERENCE, OURS)]
    return BenchOfImitations(None, *libraries).run(rows, is_over, DIRECTORY, {0})


def test_no_passes_without_rows():
    works = Imitation(), Imitation()
    turns = []
    rows = [Row(f"row {limit}", None, work, ratios(cpu=1), passes=limit, has_floor=False)
            for work, limit in zip(works, (3, 7))]
    taken, _, _ = imitate(rows, lambda turn: turns.append(turn) or turn > 1000)
    assert [work.passes for work in works] == [3, 7]
    assert len(turns) == 7
    text = section(run_of(*(summary(row, taken[row.name]) for row in rows)))
    assert "Medians of 3 to 7 passes" in text, text
    for limit in ("3", "7"):
        assert re.search(rf"^\| row {limit} +\| {limit} +\|", text, re.MULTILINE), text


def test_failed_row_leaves_the_others():
    rows = [Row("bad", None, Imitation(fails=True), ratios(cpu=1)),
            Row("good", None, Imitation(), ratios(cpu=1), has_floor=False)]
    taken, failures, _ = imitate(rows, lambda turn: turn >= 2)
    assert str(failures["bad"]) == "no such thing" and list(failures) == ["bad"]
    assert taken["good"]["cpu"][OURS] == [1, 1]


# Storing and drawing

def example(**options):
    return run_of(
        summary(row(), samples(cpu=([10.0], [4.0], [3.0], [2.0]))),
        summary(row("C & <others>", ratios(rate=1)), samples(rate=([1.0], [2.0]))),
        summary(row("many", (Target("crowd 100", 1.5, base=None),)),
                samples(**{"crowd 100": ([1.0], [1.0])})),
        **options)


def test_storing():
    directory = DIRECTORY / "stored"
    old, new = example(label="Old", started="2025-12-31"), example()
    for run in (old, new):
        run.save(directory)
    assert stored_runs(directory) == [new, old]
    again = replace(new, notes=["Another."])
    again.save(directory)
    assert stored_runs(directory) == [again, old]


def test_storing_under_another_name():
    directory = DIRECTORY / "renamed"
    example().save(directory)
    (directory / "quiet-machine.json").rename(directory / "other.json")
    assert "has the label of quiet-machine.json" in complaint(stored_runs, directory)


def test_section():
    text = section(example())
    assert text.startswith("## Quiet machine\n\n2 January 2026; C library 1.14.2, ours 1.24.0. "
                           "One pass")
    assert re.search(r"system call that does nothing, ns +\| 71 ", text)
    assert "load" not in text  # what is not known is left out
    assert re.search(r"\| reads +\| 1 +\| CPU/operation, µs +\| ≤ 0.50 × C +\| 10.0 +\| "
                     r"4.0 +\| 0.40 \(0.40–0.40\) +\| 3.0 +\| 2.0 +\| 2.00 +\| met", text), text
    assert "3 of 3 targets are met." in text


def test_ranges():
    slower = copy.deepcopy(example(label="Other"))
    for line in slower.rows[0]["lines"]:
        line["ratios"][OURS] = [0.6, 0.7, 0.8]
    assert draw.ratio([example(), slower], "reads", "cpu") == "0.40–0.70"
    assert draw.ratio([example(), example()], "reads", "cpu") == "0.40"
    assert draw.ratio([example()], "no such row", "cpu") == ""


def test_chart():
    text = chart.picture(example())
    elements = list(ElementTree.fromstring(text).iter())
    kinds = [element.get("class") for element in elements if element.tag.endswith("rect")]
    # The legend and one row: more is better in the second, the third is a ratio.
    assert sorted(kinds) == sorted(2 * list(chart.KINDS.values()))
    widths = {element.get("class"): float(element.get("width")) for element in elements
              if element.tag.endswith("rect")}
    assert abs(widths["ours"] / widths["c"] - 0.4) < 0.01
    assert abs(widths["batched"] / widths["c"] - 0.2) < 0.01


def test_chart_stays_inside():
    run = example()
    run.rows[0]["lines"][0]["ratios"][OURS] = [2, 3, 4]
    for element in ElementTree.fromstring(chart.picture(run)).iter():
        if element.tag.endswith("rect"):
            assert float(element.get("x")) + float(element.get("width")) <= chart.PLOT_RIGHT


def test_chart_is_for_every_reader():
    for run in stored_runs():
        text = chart.picture(run)
        assert "prefers-color-scheme: dark" in text
        assert "<script" not in text and "href" not in text
        assert min(int(size) for size in re.findall(r"(\d+)px", text)) >= 13


def test_names_fit_beside_the_chart():
    assert max(len(row.name) for row in ROWS) * 7 < chart.PLOT_LEFT


def test_drawn_is_what_is_stored():
    runs = stored_runs()
    assert runs
    for path, text in draw.drawn(runs).items():
        assert path.read_text() == text, f"{path} is not as bench/draw.py draws it"


# Programs

def test_machine():
    found = describe(build_programs(DIRECTORY).machine)
    for name in ("null_call_ns", "unix_round_trip_us", "tcp_round_trip_us", "cores", "wmem_max"):
        assert found[name] > 0, found
    assert found["load"] >= 0


def test_batches_of_a_library_without_them():
    """The C library is taken for ours."""
    workshop = Workshop(DIRECTORY, build_programs(DIRECTORY), None)
    theirs = Contender(OURS, system_library())
    client = Client("randread", 10, depth=2, batched=True)
    command = client.command(workshop, theirs, Endpoint, 10)
    done = subprocess.run(["nbdkit", "-U", DIRECTORY / "nbd", "memory", "16M", "--run",
                           " ".join(command)], capture_output=True, text=True)
    assert done.returncode != 0 and "does not have nbdx_set_batch" in done.stderr, done.stderr
    assert "does not know LIBNBDX_BATCH" in complaint(
        Fio(10, batched=True).sample, workshop, theirs, Endpoint)
    # Only our library is asked for batches.
    assert "--batch" not in client.command(workshop, Contender(REFERENCE, Path("/")), Endpoint, 10)


class Endpoint:
    options = ("--unix", "$unixsocket")
    uri = "nbd://"


def test_release():
    libraries = DIRECTORY / "root/usr/lib/some-linux-gnu"
    libraries.mkdir(parents=True)
    assert Release.below(DIRECTORY / "root") is None
    for name in ("libnbd.so.0", "ld-linux-some.so.2"):
        (libraries / name).touch()
    release = Release.below(DIRECTORY / "root")
    contender = Contender(OURS, Path("/ours"), release=release)
    assert contender.command("program", 1) == [
        str(libraries / "ld-linux-some.so.2"), "--library-path", f"/ours:{libraries}", "program",
        "1"]
    # The loader itself would be confused.
    assert contender.environment.get("LD_LIBRARY_PATH") != "/ours"


def test_whole_run():
    done = subprocess.run([BENCH / "run.py", "--ours", system_library(), "--passes", "1", "--rows",
                           "connect and shut down"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "4 KiB there and back, Unix socket, µs" in done.stdout
    assert re.search(r"^\| connect and shut down +\| 1 ", done.stdout, re.MULTILINE)


def passes(name, test):
    try:
        test()
    except Exception:  # any, so that the other cases run
        print(f"not ok benchmark: {name}")
        traceback.print_exc(file=sys.stdout)
        return False
    print(f"ok benchmark: {name}")
    return True


def main():
    global DIRECTORY
    with tempfile.TemporaryDirectory(prefix="bench-test.") as directory:
        DIRECTORY = Path(directory)
        results = [passes(name.removeprefix("test_").replace("_", " "), test)
                   for name, test in list(globals().items()) if name.startswith("test_")]
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
