"""Erasure in log files: overwrites ids in place, so that a process that is writing the file is not disturbed."""

import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from metrics.errors import TidemarkError
from tidemark.erasure.words import Words

_DATABASES = (".db", ".db-wal", ".db-shm", ".db-journal")


def erase_in_files(folder: Path, words: Words) -> int:
    """Overwrite ids in every file below a folder, except for databases; return the number of files that had any.

    Raises:
        TidemarkError: a file or folder cannot be read, or a file has ids and cannot be written; the message names it.
    """
    return sum(_erase(path, words) for path in sorted(_files(folder)) if _is_text(path))


def refused(path: Path | str, error: OSError) -> TidemarkError:
    """Return the error for a file that stays as it is, so that the erasure is not finished."""
    return TidemarkError(
        f"{path} cannot be read, or has ids and cannot be written ({error.strerror}): run `tidemark erase --resume` "
        "as a user who may"
    )


def _files(folder: Path) -> Iterator[Path]:
    """Yield every file below a folder. A folder that cannot be read is an error: its files may have ids."""

    def stop(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # A run's folder may be deleted in the meantime.
            raise refused(error.filename, error)

    for parent, _, names in os.walk(folder, onerror=stop):
        yield from (Path(parent, name) for name in names)


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
        raise refused(path, error) from None
    return bool(spans)


def _find(path: Path, words: Words) -> list[tuple[int, int]]:
    """Return the positions of ids in a file. It is opened read-only, because most files have no ids."""
    if path.stat().st_size == 0:
        return []
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        # A memory map can be searched like bytes.
        return list(words.spans(cast("bytes", content)))
