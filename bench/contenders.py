"""Those that are compared: two libraries, and the floors, which have none."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from release import Release


@dataclass(frozen=True)
class Contender:
    name: str
    library: Optional[Path] = None  # its directory
    options: tuple = ()  # of the bare client
    release: Optional[Release] = None  # on which the library runs, if not on this system

    def command(self, program, *words):
        """What runs a program with the library."""
        launcher = self.release.launcher(self.library) if self.release else []
        return [str(word) for word in (*launcher, program, *words)]

    @property
    def environment(self):
        environment = dict(os.environ)
        if self.library is not None and self.release is None:
            environment["LD_LIBRARY_PATH"] = str(self.library)
        return environment


REFERENCE = "C"
OURS = "ours"
FLOOR = Contender("floor")
BATCHED_FLOOR = Contender("floor, batched", options=("--batch",))
