"""The machine that a run was made on, as far as the results depend on it."""

import os
import platform
import re
from pathlib import Path

from tools import output_of


def processor():
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1].strip() if found else None


def describe(probe):
    """The program is machine.c."""
    costs = dict(field.split("=") for field in output_of([probe]).split())
    return {
        "processor": processor(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "kernel": ".".join(platform.release().split(".")[:2]),
        "load": round(os.getloadavg()[0], 2),
        "wmem_max": int(Path("/proc/sys/net/core/wmem_max").read_text()),
        **{name: float(cost) for name, cost in costs.items()},
    }
