"""Logs of children stay small: one that is full is moved aside, and the oldest copies go.

A log is copied and then cut to nothing, in place of being renamed: children hold it open for appending and go on
undisturbed, whichever program they are, and also while nothing of ours runs. What a child writes in the instant between
the copy and the cut is lost.
"""

import contextlib
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

OLD_FILES = 3
"""How many old files of a log are kept beside it, as `serving.log.1` (the newest of them) to `serving.log.3`."""

_LOOK_SECONDS = 1.0
_BLOCK = 4096


def rotate(log: Path, most_bytes: int) -> bool:
    """Move a log aside if it holds `most_bytes` or more, and begin it anew; tell whether that was done.

    Raises:
        OSError: the folder cannot be written; the log goes on as it was.
    """
    if not log.is_file() or log.stat().st_size < most_bytes:
        return False
    for number in range(OLD_FILES, 1, -1):
        with contextlib.suppress(FileNotFoundError):
            old_file(log, number - 1).replace(old_file(log, number))
    with log.open("rb") as source, old_file(log, 1).open("wb") as copy:
        os.fchmod(copy.fileno(), log.stat().st_mode & 0o777)
        shutil.copyfileobj(source, copy)
        os.truncate(log, 0)
    return True


def last_line(log: Path) -> str:
    """Return the last line of a log that is not blank, or nothing; no more than a few kilobytes of it are read."""
    with contextlib.suppress(OSError), log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _BLOCK))
        lines = file.read().decode(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")
    return ""


@contextlib.contextmanager
def kept_small(folder: Path, most_bytes: int) -> Iterator[None]:
    """Rotate the logs of a folder, in a thread beside, as often as they are full."""
    ended = threading.Event()

    def keep() -> None:
        while not ended.wait(_LOOK_SECONDS):
            # A full disk must not end the thread: it may be emptied.
            for log in folder.glob("*.log"):
                with contextlib.suppress(OSError):
                    rotate(log, most_bytes)

    thread = threading.Thread(target=keep, name="logs", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def old_file(log: Path, number: int) -> Path:
    """Return where the old file `number` of a log lies; 1 is the newest."""
    return log.with_name(f"{log.name}.{number}")
