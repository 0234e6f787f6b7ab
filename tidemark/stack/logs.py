"""Log rotation for child processes: a full log is copied aside and truncated, and the oldest copies are deleted.

A log is copied and truncated instead of renamed (copy-truncate), because children keep it open for appending and must
not be disturbed, whichever program they are. Lines written between the copy and the truncation are lost.
"""

import contextlib
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

OLD_FILES = 3
"""Number of old files kept beside a log, as `serving.log.1` (the newest of them) to `serving.log.3`."""

_LOOK_SECONDS = 1.0
_BLOCK = 4096


def rotate(log: Path, most_bytes: int) -> bool:
    """Rotate a log if it has `most_bytes` or more; tell whether that was done.

    Raises:
        OSError: the folder cannot be written; the log is unchanged.
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
    """Return the last line of a log that is not blank, or an empty text; only the last `_BLOCK` bytes are read."""
    with contextlib.suppress(OSError), log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _BLOCK))
        lines = file.read().decode(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")
    return ""


@contextlib.contextmanager
def kept_small(folder: Path, most_bytes: int) -> Iterator[None]:
    """Within the block, rotate the logs of a folder whenever they are full, in a thread."""
    ended = threading.Event()

    def keep() -> None:
        while not ended.wait(_LOOK_SECONDS):
            # A full disk must not end the thread, because space may be freed.
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
    """Return the path of the old file `number` of a log; 1 is the newest."""
    return log.with_name(f"{log.name}.{number}")
