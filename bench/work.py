"""The kinds of work.  Each can be done with a library and, where that makes
sense, without one; a sample says what it cost, under the names of rows.py."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from contenders import OURS
from counters import call_counter, instructions
from tools import TIMEOUT, Failure, Programs, build_programs, failed, output_of, tool

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True)
class Workshop:
    """What all kinds of work share."""

    directory: Path
    programs: Programs
    counter: object

    @staticmethod
    def build(directory):
        return Workshop(directory, build_programs(directory), call_counter(directory))


def finish(command, environment, output):
    """Runs a command to its end and returns the CPU time that it took."""
    with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=output,
                          stderr=subprocess.PIPE, text=True) as process:
        messages = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise failed(command, process.returncode, messages)
    return usage.ru_utime + usage.ru_stime


@dataclass(frozen=True)
class Client:
    """A run of nbd-bench, or of the bare client."""

    workload: str
    operations: int
    depth: int = 1
    block: int = 4 * KIB
    region: int = 16 * MIB
    bare_workload: Optional[str] = None  # where the bare client's has another name
    batched: bool = False  # with our library; the C library cannot

    @property
    def can_be_batched(self):
        return self.depth > 1

    def command(self, workshop, contender, endpoint, operations):
        if contender.library is not None:
            program, workload = workshop.programs.libnbd, self.workload
        else:
            program, workload = workshop.programs.bare, self.bare_workload or self.workload
        batch = ["--batch"] if self.batched and contender.name == OURS else []
        return contender.command(program, *endpoint.options, "--depth", self.depth,
                                 "--block", self.block, "--region", self.region,
                                 "--operations", operations, *batch, *contender.options, workload)

    def run(self, workshop, contender, endpoint):
        """Returns what the client reports."""
        command = self.command(workshop, contender, endpoint, self.operations)
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT,
                              env=contender.environment)
        if done.returncode != 0:
            raise failed(command, done.returncode, done.stderr)
        fields, _, loaded = done.stdout.strip().partition(" library=")
        if (contender.library is not None
                and Path(loaded).resolve().parent != contender.library.resolve()):
            raise Failure(f"{loaded} was loaded instead of the library in {contender.library}")
        return dict(field.split("=", 1) for field in fields.split())

    def sample(self, workshop, contender, endpoint):
        values = self.run(workshop, contender, endpoint)
        rate = float(values["ops_per_s"])
        sample = {"rate": rate, "cpu": float(values["cpu_us_per_op"]), "latency": 1e6 / rate,
                  "throughput": rate * self.block / 1e6}
        if contender.library is None:
            sample["calls"] = int(values["syscalls"]) / self.operations
        return sample

    def count(self, workshop, contender, endpoint):
        """System calls, with and without operations, so that start-up and
        warm-up drop out."""
        counter = workshop.counter
        operations = min(self.operations, counter.operations or self.operations)
        with_work, without = (
            counter.count(self.command(workshop, contender, endpoint, n), contender.environment)
            for n in (operations, 0))
        return {"calls": (with_work - without) / operations}


@dataclass(frozen=True)
class Idle(Client):
    """Connections that do nothing."""

    def sample(self, workshop, contender, endpoint):
        values = self.run(workshop, contender, endpoint)
        return {"resident": int(values["resident"]) / 1e6}


@dataclass(frozen=True)
class InFlight:
    """The cost of a command as a multiple of its cost with few in flight."""

    base: Client
    crowds: tuple  # the same with more in flight

    def sample(self, workshop, contender, endpoint):
        few, *many = (float(client.run(workshop, contender, endpoint)["cpu_us_per_op"])
                      for client in (self.base, *self.crowds))
        return {f"crowd {client.depth}": cpu / few for client, cpu in zip(self.crowds, many)}


@dataclass(frozen=True)
class Program:
    """A program of others, from its start to its end."""

    words: tuple  # URI stands for the server's
    bare: Optional[Client] = None  # that moves the same data

    can_be_batched = True

    def sample(self, workshop, contender, endpoint):
        if contender.library is None:
            command = self.bare.command(workshop, contender, endpoint, self.bare.operations)
        else:
            name, *words = (endpoint.uri if word == "URI" else word for word in self.words)
            command = contender.command(tool(name), *words)
        return {"process": finish(command, contender.environment, subprocess.DEVNULL)}


@dataclass(frozen=True)
class Fio:
    """A program that uses the asynchronous functions as others wrote it."""

    operations: int
    depth: int = 64
    region: int = 16 * MIB
    batched: bool = False  # by the environment; the C library does not look there

    can_be_batched = False

    def sample(self, workshop, contender, endpoint):
        environment = contender.environment
        if self.batched and contender.name == OURS:
            # Without this, it would not be batched and nobody would know.
            if b"LIBNBDX_BATCH" not in (contender.library / "libnbd.so.0").read_bytes():
                raise Failure(f"the library in {contender.library} does not know LIBNBDX_BATCH")
            environment["LIBNBDX_BATCH"] = "1"
        command = contender.command(
            tool("fio"), "--name=job", "--ioengine=nbd", f"--uri={endpoint.uri}", "--rw=randrw",
            "--bs=4k", f"--iodepth={self.depth}", f"--size={self.region}",
            f"--io_size={self.operations * 4 * KIB}", "--norandommap", "--randseed=1", "--thread",
            "--output-format=json")
        printed = output_of(command, env=environment, cwd=workshop.directory)
        job = json.loads(printed[printed.index("{"):])["jobs"][0]
        operations = sum(job[way]["total_ios"] for way in ("read", "write"))
        if job["error"] != 0 or operations != self.operations:
            raise Failure(f"fio ended with error {job['error']} after {operations} operations")
        seconds = job["job_runtime"] / 1e3
        share = (job["usr_cpu"] + job["sys_cpu"]) / 100
        return {"cpu": share * seconds * 1e6 / operations, "rate": operations / seconds}


@dataclass(frozen=True)
class Nothing:
    """Creating a handle and closing it."""

    can_be_batched = False

    def sample(self, workshop, contender, _endpoint):
        programs = workshop.programs
        program = programs.nothing if contender.library is None else programs.create_close
        count = instructions(contender.command(program), contender.environment,
                             workshop.directory)
        return {"instructions": count / 1e6}
