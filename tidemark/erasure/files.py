"""Erasure in log files: overwrites ids in place, so that a process that is writing the file is not disturbed."""

import mmap
from pathlib import Path
from typing import cast

from metrics.errors import TidemarkError
from tidemark.erasure.words import Words

_DATABASES = (".db", ".db-wal", ".db-shm", ".db-journal")


def erase_in_files(folder: Path, words: Words) -> int:
    """Overwrite ids in every file below a folder, except for databases; return the number of files that had any."""
    return sum(_erase(path, words) for path in sorted(folder.rglob("*")) if _is_text(path))


def _is_text(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and not path.name.endswith(_DATABASES)


def _erase(path: Path, words: Words) -> bool:
    try:
        spans = _find(path, words)
        if spans:
            with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as content:
                for start, end in spans:
                    content[start:end] = b"x" * (end - start)
    except FileNotFoundError:
        return False  # The log was rotated away in the meantime.
    except OSError as error:
        raise TidemarkError(
            f"{path} cannot be read, or has ids and cannot be written ({error.strerror}): run "
            "`tidemark erase --resume` as a user who may"
        ) from None
    return bool(spans)


def _find(path: Path, words: Words) -> list[tuple[int, int]]:
    """Return the positions of ids in a file. It is opened read-only, because most files have no ids."""
    if path.stat().st_size == 0:
        return []
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        # A memory map can be searched like bytes.
        return list(words.spans(cast("bytes", content)))
