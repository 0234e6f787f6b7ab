"""Logs: ids are overwritten in place, so that whoever writes the file goes on undisturbed."""

import mmap
from pathlib import Path
from typing import cast

from metrics.errors import TidemarkError
from tidemark.erasure.words import Words

_DATABASES = (".db", ".db-wal", ".db-shm", ".db-journal")


def erase_in_files(folder: Path, words: Words) -> int:
    """Overwrite ids in every file below a folder that is no database; return how many files held any."""
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
        return False  # A log that was rotated away meanwhile.
    except OSError as error:
        raise TidemarkError(
            f"{path} cannot be searched or holds ids and cannot be written ({error.strerror}): run "
            "`tidemark erase --resume` as a user who may"
        ) from None
    return bool(spans)


def _find(path: Path, words: Words) -> list[tuple[int, int]]:
    """Return where ids stand in a file, which is opened for reading alone: most hold none."""
    if path.stat().st_size == 0:
        return []
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        # A memory map is searched as bytes are.
        return list(words.spans(cast("bytes", content)))
