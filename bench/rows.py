"""What is measured: the rows of the table, and the targets."""

from dataclasses import dataclass
from typing import Optional

from contenders import BATCHED_FLOOR, FLOOR, REFERENCE
from work import KIB, MIB, Client, Fio, Idle, InFlight, Nothing, Program

EVERY_PASS = 1_000_000
FLOOR_PASSES = 5


@dataclass(frozen=True)
class Measure:
    """One quantity that is measured, and how to write it."""

    title: str
    form: str
    more_is_better: bool = False
    is_ratio: bool = False  # even before it is compared


MEASURES = {
    "rate": Measure("operations/s", "{:,.0f}", more_is_better=True),
    "throughput": Measure("throughput, MB/s", "{:,.0f}", more_is_better=True),
    "latency": Measure("latency, µs", "{:.1f}"),
    "cpu": Measure("CPU/operation, µs", "{:.1f}"),
    "calls": Measure("system calls/operation", "{:.1f}"),
    "process": Measure("CPU, s", "{:.3f}"),
    "instructions": Measure("instructions, millions", "{:.2f}"),
    "resident": Measure("RSS, MB", "{:.1f}"),
    "crowd 100": Measure("CPU with 100 in flight ÷ CPU with 10", "{:.2f}", is_ratio=True),
    "crowd 1000": Measure("CPU with 1,000 in flight ÷ CPU with 10", "{:.2f}", is_ratio=True),
    "crowd 10000": Measure("CPU with 10,000 in flight ÷ CPU with 10", "{:.2f}", is_ratio=True),
}


@dataclass(frozen=True)
class Target:
    measure: str  # its name in MEASURES
    limit: float
    base: Optional[str] = REFERENCE  # whose value the limit is a multiple of; None: it is none

    @property
    def text(self):
        sign = "≥" if MEASURES[self.measure].more_is_better else "≤"
        if self.base is None:
            return f"{sign} {self.limit:g}"
        return f"{sign} {self.limit:.2f} × {self.base}"

    def met(self, value):
        return value >= self.limit if MEASURES[self.measure].more_is_better else value <= self.limit


@dataclass(frozen=True)
class Row:
    name: str
    server: Optional[str]  # see servers.py
    work: object
    targets: tuple  # in the order of the table
    has_floor: bool = True
    passes: int = EVERY_PASS  # at most

    @property
    def floor_passes(self):
        """The floors need fewer repetitions, unless a target depends on them."""
        if not self.has_floor:
            return 0
        bases = {target.base for target in self.targets}
        return EVERY_PASS if bases & {FLOOR.name, BATCHED_FLOOR.name} else FLOOR_PASSES

    @property
    def counts_calls(self):
        return any(target.measure == "calls" for target in self.targets)


def ratios(**limits):
    return tuple(Target(name, limit) for name, limit in limits.items())


def calls(limit):
    return (Target("calls", limit, base=None),)


def over_batched_floor(**limits):
    return tuple(Target(name, limit, BATCHED_FLOOR.name) for name, limit in limits.items())


SMALL = {"depth": 64}
LARGE = {"depth": 16, "block": 256 * KIB}

# Operations are enough for about a quarter of a second with the C library.
SMALL_READS = Client("randread", 30_000, **SMALL)
SMALL_WRITES = Client("randwrite", 30_000, **SMALL)
SYNCHRONOUS = Client("syncread", 6_000, bare_workload="randread")
LARGE_READS = Client("seqread", 3_000, **LARGE)
LARGE_WRITES = Client("seqwrite", 3_000, **LARGE)

SMALL_READS_TARGETS = ratios(cpu=0.55, rate=1.4) + calls(2.2)
SMALL_WRITES_TARGETS = ratios(cpu=0.7, rate=1.2) + calls(2.2)
SYNCHRONOUS_TARGETS = ratios(cpu=0.8, latency=0.95) + calls(3)
LARGE_READS_TARGETS = ratios(cpu=0.85, throughput=1)
LARGE_WRITES_TARGETS = ratios(cpu=0.95, throughput=1)

UNIX_ROWS = [
    Row("random 4 KiB reads, 64 in flight", "memory", SMALL_READS, SMALL_READS_TARGETS),
    Row("random 4 KiB writes, 64 in flight", "memory", SMALL_WRITES, SMALL_WRITES_TARGETS),
    Row("synchronous 4 KiB reads", "memory", SYNCHRONOUS, SYNCHRONOUS_TARGETS),
    Row("256 KiB reads, 16 in flight", "memory", LARGE_READS, LARGE_READS_TARGETS),
    Row("256 KiB writes, 16 in flight", "memory", LARGE_WRITES, LARGE_WRITES_TARGETS),
]

# Reads have the targets that they have on a Unix socket, writes get no worse.
TCP_ROWS = [
    Row("random 4 KiB reads, 64 in flight, TCP", "memory_tcp", SMALL_READS, SMALL_READS_TARGETS),
    Row("random 4 KiB writes, 64 in flight, TCP", "memory_tcp", SMALL_WRITES,
        ratios(cpu=1, rate=1)),
    Row("synchronous 4 KiB reads, TCP", "memory_tcp", SYNCHRONOUS, SYNCHRONOUS_TARGETS),
    Row("256 KiB reads, 16 in flight, TCP", "memory_tcp", LARGE_READS, LARGE_READS_TARGETS),
    Row("256 KiB writes, 16 in flight, TCP", "memory_tcp", LARGE_WRITES,
        ratios(cpu=1, throughput=1)),
]


# A batch is what the program gives up promises for, so these have targets of their own.
BATCHED_READS = Client("randread", 30_000, batched=True, **SMALL)
BATCHED_WRITES = Client("randwrite", 30_000, batched=True, **SMALL)


def batched_row(name, server, work, cpu):
    return Row(f"{name}, batched", server, work, ratios(cpu=cpu) + over_batched_floor(cpu=1.2))


BATCHED_ROWS = [
    batched_row("random 4 KiB reads, 64 in flight", "memory", BATCHED_READS, cpu=0.75),
    batched_row("random 4 KiB writes, 64 in flight", "memory", BATCHED_WRITES, cpu=0.65),
    batched_row("random 4 KiB reads, 64 in flight, TCP", "memory_tcp", BATCHED_READS, cpu=0.55),
    batched_row("random 4 KiB writes, 64 in flight, TCP", "memory_tcp", BATCHED_WRITES, cpu=0.55),
]


def tls_row(name, server, work, **limits):
    """The bare client has no TLS."""
    return Row(name, server, work, ratios(**limits), has_floor=False)


TLS_ROWS = [
    tls_row("256 KiB reads, 16 in flight, TLS with PSK", "memory_psk",
            Client("seqread", 400, **LARGE), cpu=0.25, throughput=2),
    tls_row("256 KiB writes, 16 in flight, TLS with PSK", "memory_psk",
            Client("seqwrite", 400, **LARGE), cpu=0.25, throughput=2),
    tls_row("256 KiB reads, 16 in flight, TLS with X.509", "memory_x509",
            Client("seqread", 1_000, **LARGE), cpu=0.9, throughput=1),
    tls_row("256 KiB writes, 16 in flight, TLS with X.509", "memory_x509",
            Client("seqwrite", 1_000, **LARGE), cpu=0.9, throughput=1),
    tls_row("random 4 KiB reads, 64 in flight, TLS with PSK", "memory_psk",
            Client("randread", 10_000, **SMALL), cpu=0.5),
]

HANDLE_ROWS = [
    Row("connect and shut down", "memory", Client("connect", 300), ratios(cpu=0.8)),
    tls_row("connect and shut down, TLS with PSK", "memory_psk", Client("connect", 100), cpu=0.8),
    tls_row("connect and shut down, TLS with X.509", "memory_x509", Client("connect", 60),
            cpu=0.8),
    # Callgrind's count hardly changes.
    Row("a program that creates and closes a handle", None, Nothing(), ratios(instructions=0.5),
        passes=3),
    Row("1,000 idle connected handles", "memory_patient", Idle("idle", 1_000),
        ratios(resident=0.6), passes=5),
]

# What nbdcopy does with the disk, without all that it does besides.
DRAIN = Client("drain", 4_096, depth=64, block=256 * KIB, region=1024 * MIB)

PROGRAM_ROWS = [
    Row("nbdcopy, 1 GiB from nbdkit to null:", "full", Program(("nbdcopy", "URI", "null:"), DRAIN),
        ratios(process=0.8), passes=11),
    Row("nbdcopy, 1 GiB from qemu-nbd to null:", "qemu",
        Program(("nbdcopy", "URI", "null:"), DRAIN), ratios(process=0.8), passes=11),
    Row("nbdinfo --map of 1 TiB in 210,000 extents", "fragmented",
        Program(("nbdinfo", "--map", "URI")), ratios(process=0.8), has_floor=False, passes=11),
    Row("fio, 4 KiB reads and writes, 64 in flight", "memory", Fio(40_000),
        ratios(cpu=1, rate=1), has_floor=False, passes=11),
    Row("fio, 4 KiB reads and writes, 64 in flight, batched", "memory",
        Fio(40_000, batched=True), ratios(cpu=1, rate=1.05), has_floor=False, passes=11),
]

# "Flat" leaves room for what caches make of more buffers.  The bare client blocks
# while it sends, which does not go well with thousands of requests.
CROWDS = (100, 1_000, 10_000)

IN_FLIGHT_ROWS = [
    Row("random 4 KiB reads, many in flight", "memory",
        InFlight(Client("randread", 20_000, depth=10),
                 tuple(Client("randread", 20_000, depth=depth)
                       for depth in CROWDS)),
        tuple(Target(f"crowd {depth}", 1.5, base=None) for depth in CROWDS),
        has_floor=False, passes=7),
]

ROWS = UNIX_ROWS + TCP_ROWS + BATCHED_ROWS + TLS_ROWS + HANDLE_ROWS + PROGRAM_ROWS + IN_FLIGHT_ROWS
