"""Tells which servers can read the append-only file that the embedded Redis or Valkey left in its folder.

Redis and Valkey keep the file in a folder, `appendonlydir`, since Redis 7.0. Its base is a file that begins with the
name and the version of its format. Valkey 9 names it VALKEY. Redis 7.4 raised the version to 12, which Valkey refuses.
Older servers do not know the folder, and begin empty without a word. (Tried with Valkey 9.1.2, Redis 7.4.1 and 6.2.14.)
"""

import contextlib
import re
from pathlib import Path

from tidemark.stack.locate import Server

_FOLDER = "appendonlydir"
_FIRST_WITH_FOLDER = (7, 0)
_FIRST_NAMED_VALKEY = (9,)
_FIRST_OF_REDIS_ALONE = 12


def unfit(server: Server, folder: Path) -> str | None:
    """Return which servers can read the data in `folder`, such as "Valkey 9 or later"; None if this one can."""
    if not server.version or not (folder / _FOLDER).is_dir():
        return None
    name, version = _format(folder / _FOLDER)
    if name == "VALKEY":
        fits, needed = server.product == "Valkey" and server.version >= _FIRST_NAMED_VALKEY, "Valkey 9 or later"
    elif version >= _FIRST_OF_REDIS_ALONE:
        fits, needed = server.product == "Redis" and server.version >= (7, 4), "Redis 7.4 or later"
    else:
        fits, needed = server.version >= _FIRST_WITH_FOLDER, "Redis 7.0 or later, or Valkey"
    return None if fits else needed


def _format(folder: Path) -> tuple[str, int]:
    """Return the name and version of the base's format; ("REDIS", 0) if it has none or cannot be read."""
    with contextlib.suppress(OSError, ValueError):
        for manifest in folder.glob("*.manifest"):
            if found := re.search(r"^file (\S+) seq \d+ type b", manifest.read_text(), re.MULTILINE):
                with (folder / found[1]).open("rb") as base:
                    named = re.match(rb"(REDIS|VALKEY)(\d{3,4})", base.read(16))
                if named:
                    return named[1].decode(), int(named[2])
    return "REDIS", 0
