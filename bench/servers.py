"""The servers.  Each runs from the first row that needs it to the end."""

import os
import resource
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass

from tools import BENCH, Failure, output_of, tool

# The fragmented disk takes seconds to compute, and more on a busy machine.
START_TIMEOUT = 60
DISK = 1 << 30


@dataclass(frozen=True)
class Endpoint:
    options: tuple  # that lead our clients to the server
    uri: str  # that leads other programs there


def unused_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def credentials(directory):
    """Those of the tests will do; the script makes them only once."""
    tool("certtool")
    script = BENCH.parent / "c-tests" / "support" / "pki.sh"
    output_of([script, directory / "pki"])
    return directory / "pki"


def unix_endpoint(path, *options):
    return Endpoint(("--unix", path, *options), f"nbd+unix:///?socket={path}")


def memory(path, _directory):
    """A RAM disk."""
    return ["nbdkit", "--unix", path, "memory", f"size={DISK}"], unix_endpoint(path)


def memory_tcp(_path, _directory):
    port = unused_port()
    return (["nbdkit", "--ipaddr", "127.0.0.1", "--port", str(port), "memory", f"size={DISK}"],
            Endpoint(("--tcp", f"127.0.0.1:{port}"), f"nbd://127.0.0.1:{port}"))


def memory_psk(path, directory):
    keys = credentials(directory) / "keys.psk"
    return (["nbdkit", "--unix", path, "--tls=require", f"--tls-psk={keys}", "memory",
             f"size={DISK}"],
            unix_endpoint(path, "--psk", str(keys)))


def memory_x509(path, directory):
    pki = credentials(directory)
    return (["nbdkit", "--unix", path, "--tls=require", f"--tls-certificates={pki / 'server'}",
             "memory", f"size={DISK}"],
            unix_endpoint(path, "--certificates", str(pki / "client")))


def memory_patient(path, _directory):
    """Without threads for each connection, of which it has a thousand."""
    return (["nbdkit", "--threads", "1", "--unix", path, "memory", f"size={DISK}"],
            unix_endpoint(path))


def full(path, _directory):
    """A RAM disk that says of every block that it holds data."""
    return (["nbdkit", "--unix", path, "--filter=noextents", "memory", f"size={DISK}"],
            unix_endpoint(path))


def fragmented(path, _directory):
    """A disk of 1 TiB that consists of 210,000 extents, which are computed at the
    start.  No data is stored."""
    return (["nbdkit", "--unix", path, "sparse-random", "size=1T", "seed=1", "percent=10",
             "runlength=1048576"],
            unix_endpoint(path))


def qemu(path, _directory):
    return (["qemu-nbd", "--read-only", "--persistent", "--shared", "8", "--socket", path,
             "--image-opts", f"driver=null-co,size={DISK}"],
            unix_endpoint(path))


SERVERS = {server.__name__: server for server in
           (memory, memory_tcp, memory_psk, memory_x509, memory_patient, full, fragmented, qemu)}


@contextmanager
def serving(name, directory, processors):
    """Runs a server; yields its endpoint."""
    command, endpoint = SERVERS[name](str(directory / f"{name}.sock"), directory)
    ready = directory / f"{name}.pid"  # written as soon as the server listens
    options = ["--pid-file", ready]
    if command[0] == "nbdkit":
        options = ["--foreground", "--exit-with-parent", "--pidfile", ready]
    server = subprocess.Popen([tool(command[0]), *options, *command[1:]])
    try:
        deadline = time.monotonic() + START_TIMEOUT
        while not ready.exists():
            if server.poll() is not None or time.monotonic() > deadline:
                raise Failure(f"{command[0]} does not start")
            time.sleep(0.05)
        # Its threads inherit this: each starts when a client connects.
        os.sched_setaffinity(server.pid, processors)
        yield endpoint
    finally:
        server.terminate()
        server.wait()


def raise_descriptor_limit():
    """Servers inherit it, and one of them has a thousand clients."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
