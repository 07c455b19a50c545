"""The C library of another release of Debian.

It needs the libc of its release, which in turn works only with its own dynamic
loader.  So that loader starts the programs, with either library, and both run
on the same libc.  What the release does not contain comes from this system.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from tools import Failure, output_of, tool

FETCH_TIMEOUT = 600
# The second brings the OpenSSL on which our library runs there.
PACKAGES = "libnbd0,openssl"


@dataclass(frozen=True)
class Release:
    loader: Path
    libraries: Path  # the directory with libnbd.so.0 and libc

    @staticmethod
    def below(root):
        """The release that was unpacked there, or None if that is no such place."""
        for libnbd in root.glob("usr/lib/*/libnbd.so.0"):
            for loader in libnbd.parent.glob("ld-linux*.so.*"):
                return Release(loader.absolute(), libnbd.parent.absolute())
        return None

    def launcher(self, library):
        """What precedes the command of a program."""
        return [self.loader, "--library-path", f"{library.absolute()}:{self.libraries}"]


def fetched(suite, root):
    """Unpacks the packages of a release below a directory, unless they are there."""
    if Release.below(root) is None:
        shutil.rmtree(root, ignore_errors=True)
        root.parent.mkdir(parents=True, exist_ok=True)
        # A mirror may be older than its lists are valid.  They are signed all the same.
        output_of([tool("mmdebstrap"), "--quiet", "--variant=extract", f"--include={PACKAGES}",
                   '--aptopt=Acquire::Check-Valid-Until "false"', suite, root],
                  timeout=FETCH_TIMEOUT)
        if Release.below(root) is None:
            raise Failure(f"the packages of {suite} contain no libnbd.so.0 or no loader")
    return root
