"""What is measured: one row of the table for each piece of work, and its target."""

from dataclasses import dataclass, replace
from typing import Optional

KIB = 1024


@dataclass(frozen=True)
class Target:
    """Limits for our library as a ratio to the C library; calls are absolute."""

    ops: Optional[float] = None  # operations per second: at least
    cpu: Optional[float] = None  # CPU time per operation: at most
    calls: Optional[float] = None  # system calls per operation: at most

    def __str__(self):
        limits = []
        if self.ops is not None:
            limits.append(f"ops ≥ {self.ops:.2f}")
        if self.cpu is not None:
            limits.append(f"CPU ≤ {self.cpu:.2f}")
        if self.calls is not None:
            limits.append(f"calls ≤ {self.calls:.1f}")
        return ", ".join(limits)

    def missed(self, ops, cpu, calls):
        """Names the limits that these results do not keep."""
        missed = []
        if self.ops is not None and ops < self.ops:
            missed.append("ops")
        if self.cpu is not None and cpu > self.cpu:
            missed.append("CPU")
        if self.calls is not None and calls > self.calls:
            missed.append("calls")
        return missed


# What the names of rows say of the way to the server.  TLS is on a Unix socket.
TRANSPORTS = {"unix": "", "tcp": ", TCP", "psk": ", TLS with PSK", "x509": ", TLS with X.509"}


@dataclass(frozen=True)
class Row:
    label: str
    workload: str
    operations: int  # enough for about a quarter of a second with the C library
    depth: int = 1
    block: int = 4 * KIB
    transport: str = "unix"
    # The bare client's name for the same work; None where there is no floor.
    floor: Optional[str] = None
    target: Target = Target()

    @property
    def name(self):
        return f"{self.label}{TRANSPORTS[self.transport]}"


UNIX_ROWS = [
    Row("random 4 KiB reads, 64 in flight", "randread", 30_000, depth=64,
        floor="randread", target=Target(ops=1.4, cpu=0.55, calls=2.2)),
    Row("random 4 KiB writes, 64 in flight", "randwrite", 30_000, depth=64,
        floor="randwrite", target=Target(ops=1.2, cpu=0.7, calls=2.2)),
    Row("random 4 KiB reads, 1 in flight", "randread", 6_000, floor="randread"),
    Row("random 4 KiB writes, 1 in flight", "randwrite", 6_000, floor="randwrite"),
    # A latency of 0.95 is a rate of 1 / 0.95.
    Row("synchronous 4 KiB reads", "syncread", 6_000,
        floor="randread", target=Target(ops=1 / 0.95, cpu=0.8, calls=3)),
    Row("256 KiB reads, 16 in flight", "seqread", 3_000, depth=16, block=256 * KIB,
        floor="seqread", target=Target(ops=1.0, cpu=0.85)),
    Row("256 KiB writes, 16 in flight", "seqwrite", 3_000, depth=16, block=256 * KIB,
        floor="seqwrite", target=Target(ops=1.0, cpu=0.95)),
    Row("connect and shut down", "connect", 300,
        floor="connect", target=Target(cpu=0.8)),
    Row("create and close a handle", "create", 500_000),
]


def over_tcp(row):
    """The same work over loopback: reads keep their target, nothing gets worse."""
    target = row.target if row.workload.endswith("read") else Target(ops=1.0, cpu=1.0)
    return replace(row, transport="tcp", target=target)


TCP_ROWS = [over_tcp(row) for row in UNIX_ROWS if row.workload not in ("connect", "create")]



def over_tls(transport, operations, cpu):
    """With a PSK the C library ends up with ChaCha20 and leaves much to gain."""
    reads, writes, small, connects = operations
    large = dict(depth=16, block=256 * KIB, transport=transport, target=Target(cpu=cpu))
    return [
        Row("256 KiB reads, 16 in flight", "seqread", reads, **large),
        Row("256 KiB writes, 16 in flight", "seqwrite", writes, **large),
        Row("random 4 KiB reads, 64 in flight", "randread", small, depth=64, transport=transport,
            target=Target(cpu=1.0)),
        Row("connect and shut down", "connect", connects, transport=transport,
            target=Target(cpu=1.0)),
    ]


TLS_ROWS = (over_tls("psk", (400, 400, 10_000, 100), cpu=0.25)
            + over_tls("x509", (1_000, 1_000, 10_000, 60), cpu=1.0))

ROWS = {"usual": UNIX_ROWS + TLS_ROWS, "unix": UNIX_ROWS, "tcp": TCP_ROWS, "tls": TLS_ROWS,
        "all": UNIX_ROWS + TCP_ROWS + TLS_ROWS}
