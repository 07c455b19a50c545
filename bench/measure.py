"""How it is measured: the tools, the two libraries, the server and the clients."""

import os
import re
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BENCH = Path(__file__).resolve().parent

# The Debian package of everything that is needed here.
PACKAGES = {
    "cc": "gcc",
    "ldconfig": "libc-bin",
    "nbdkit": "nbdkit",
    "strace": "strace",
    "libnbd.so.0": "libnbd0",
    "libnbd.h": "libnbd-dev",
    "certtool": "gnutls-bin",
}

CLIENT_TIMEOUT = 120
SERVER_TIMEOUT = 10


class Failure(Exception):
    """The benchmark cannot go on; the text says why."""


def missing(thing):
    return Failure(f"{thing} is missing: install the Debian package {PACKAGES[thing]}")


def tool(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/sbin:/usr/sbin")
    if path is None:
        raise missing(name)
    return path


def output_of(command, **options):
    """Runs a command to its end and returns what it printed."""
    done = subprocess.run(command, capture_output=True, text=True,
                          timeout=CLIENT_TIMEOUT, **options)
    if done.returncode != 0:
        words = " ".join(str(word) for word in command)
        raise Failure(f"{words}\nfailed with status {done.returncode}\n{done.stderr}")
    return done.stdout


def system_library():
    """The directory of the C library that Debian has installed."""
    for line in output_of([tool("ldconfig"), "-p"]).splitlines():
        path = Path(line.rpartition(" => ")[2].strip())
        # /usr/local is where a build of this project would be installed.
        if path.name == "libnbd.so.0" and not path.is_relative_to("/usr/local"):
            return path.parent
    raise missing("libnbd.so.0")


@dataclass(frozen=True)
class Clients:
    libnbd: Path
    bare: Path


def build_clients(directory, library):
    """Compiles both clients; one binary then serves both libraries."""
    flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{BENCH}"]
    compiler = tool("cc")
    probe = subprocess.run([compiler, "-E", "-xc", "-"], input="#include <libnbd.h>\n",
                           capture_output=True, text=True)
    if probe.returncode != 0:
        raise missing("libnbd.h")
    clients = Clients(directory / "nbd-bench", directory / "bare-client")
    shared = BENCH / "workload.c"
    output_of([compiler, *flags, BENCH / "nbd-bench.c", shared,
               f"-L{library}", "-l:libnbd.so.0", "-o", clients.libnbd])
    output_of([compiler, *flags, BENCH / "bare-client.c", shared, "-o", clients.bare])
    return clients


def unused_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def credentials(directory):
    """Those of the tests will do; the script makes them only once."""
    tool("certtool")
    script = BENCH.parent / "c-tests" / "support" / "pki.sh"
    output_of([script, directory / "pki"])
    return directory / "pki"


def address(transport, directory):
    """Where nbdkit listens and its clients connect, as arguments of either."""
    if transport == "tcp":
        port = unused_port()
        return (["--ipaddr", "127.0.0.1", "--port", str(port)], ["--tcp", f"127.0.0.1:{port}"])
    path = str(directory / f"{transport}.sock")
    listen, endpoint = ["--unix", path], ["--unix", path]
    if transport == "psk":
        keys = str(credentials(directory) / "keys.psk")
        listen += ["--tls=require", f"--tls-psk={keys}"]
        endpoint += ["--psk", keys]
    if transport == "x509":
        pki = credentials(directory)
        listen += ["--tls=require", f"--tls-certificates={pki / 'server'}"]
        endpoint += ["--certificates", str(pki / "client")]
    return listen, endpoint


@contextmanager
def nbdkit(transport, directory, processors):
    """Serves a RAM disk; yields the clients' arguments that lead to it."""
    listen, endpoint = address(transport, directory)
    ready = directory / f"{transport}.pid"  # nbdkit writes it once it listens
    server = subprocess.Popen([tool("nbdkit"), "--foreground", "--exit-with-parent",
                               "--pidfile", ready, *listen, "memory", "size=1G"])
    try:
        deadline = time.monotonic() + SERVER_TIMEOUT
        while not ready.exists():
            if server.poll() is not None or time.monotonic() > deadline:
                raise Failure("nbdkit does not start")
            time.sleep(0.05)
        # Its threads inherit this: each starts when a client connects.
        os.sched_setaffinity(server.pid, processors)
        yield endpoint
    finally:
        server.terminate()
        server.wait()


@dataclass(frozen=True)
class Client:
    """One of the programs that are compared, with its environment."""

    program: Path
    library: Path = None  # None for the bare client
    options: tuple = ()

    def command(self, workload, row, endpoint, operations):
        command = [self.program, *endpoint, "--depth", row.depth, "--block", row.block,
                   "--operations", operations, *self.options, workload]
        return [str(word) for word in command]

    def environment(self):
        environment = dict(os.environ)
        if self.library is not None:
            environment["LD_LIBRARY_PATH"] = str(self.library)
        return environment


@dataclass(frozen=True)
class Result:
    rate: float  # operations per second
    cpu: float  # microseconds per operation
    calls: float  # system calls per operation, where the client counts them
    version: str


def run(client, workload, row, endpoint):
    line = output_of(client.command(workload, row, endpoint, row.operations),
                     env=client.environment()).strip()
    fields, _, loaded = line.partition(" library=")
    values = dict(field.split("=", 1) for field in fields.split())
    if client.library is not None and Path(loaded).resolve().parent != client.library.resolve():
        raise Failure(f"{loaded} was loaded instead of the library in {client.library}")
    return Result(rate=float(values["ops_per_s"]), cpu=float(values["cpu_us_per_op"]),
                  calls=int(values["syscalls"]) / row.operations, version=values["version"])


class Perf:
    """Counts system calls in the kernel, at a cost that the client hardly feels."""

    operations = None  # as many as are timed
    note = "system calls counted by perf"

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
    note = ("system calls counted under strace (perf is not usable here), which slows the "
            "client and so flatters any that takes several replies at once")

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


def calls_per_operation(counter, client, row, endpoint):
    """Counts with and without operations, so that start-up and warm-up drop out."""
    operations = min(row.operations, counter.operations or row.operations)
    with_work, without = (
        counter.count(client.command(row.workload, row, endpoint, n), client.environment())
        for n in (operations, 0))
    return (with_work - without) / operations
