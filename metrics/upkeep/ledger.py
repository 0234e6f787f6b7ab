"""The ledger: a small file of what must stay gone, kept apart from backups and applied again by `tidemark restore`.

A backup holds what was there when it was made: keys that were revoked since, and accounts that were erased since. Each
revocation and each erasure is a line of JSON in `$TIDEMARK_HOME/ledger.jsonl`:

    {"at": "2026-01-15T09:30:00Z", "kind": "account", "subject": "<SHA-256>", "by": "ann"}

`kind` is `key`, `account` or `workspace`; `subject` is a digest, so the file tells nothing of whoever was erased. A key
that was replaced has an `until`, at which it ends.
"""

import fcntl
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Literal, get_args

from metrics.clock import isoformat, utcnow
from metrics.errors import InvalidInput, TidemarkError
from metrics.settings import Settings
from metrics.store.erasures import digest

Kind = Literal["key", "account", "workspace"]
_KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: what must stay gone, since when, by whose word; `until` is when a replaced key ends."""

    at: datetime
    kind: Kind
    subject: str
    by: str
    until: datetime | None = None


class Ledger:
    """A ledger at a path."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, settings: Settings) -> "Ledger":
        """Return the ledger of this home."""
        return cls(settings.home.resolve() / "ledger.jsonl")

    def require_writable(self) -> None:
        """See that a line could be appended; for what cannot be done a second time.

        Raises:
            TidemarkError: the file cannot be written.
        """
        try:
            self._open().close()
        except OSError as error:
            raise TidemarkError(
                f"{self.path} cannot be written ({error.strerror}), and a restored backup has to know of this: make "
                "the file writable and try again; nothing was changed"
            ) from None

    def note(self, kind: Kind, name: str, by: str, until: datetime | None = None) -> None:
        """Append a line; it is on disk when this returns.

        Raises:
            TidemarkError: the file cannot be written.
        """
        line = {"at": isoformat(utcnow()), "kind": kind, "subject": digest(kind, name), "by": by}
        if until is not None:
            line["until"] = isoformat(until)
        try:
            with self._open() as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                # A process that was killed while it wrote may have left half a line: it is overwritten.
                whole = file.read().rfind(b"\n") + 1
                file.seek(whole)
                file.truncate()
                file.write(json.dumps(line).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise TidemarkError(
                f"{self.path} cannot be written ({error.strerror}): a restored backup would bring the {kind} back; "
                "make the file writable and run the same command again"
            ) from None

    def _open(self) -> BinaryIO:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600), "rb+")

    def entries(self) -> list[Entry]:
        """Return every line, the oldest first; an incomplete last line is left out.

        Raises:
            InvalidInput: the file cannot be read, or a line of it is no entry.
        """
        try:
            lines = self.path.read_bytes().split(b"\n")
        except OSError as error:
            raise InvalidInput(f"{self.path} cannot be read ({error.strerror})") from None
        # Behind the last end of a line stands nothing, or what somebody was killed over.
        return [self._entry(number, line) for number, line in enumerate(lines[:-1], start=1) if line.strip()]

    def _entry(self, number: int, line: bytes) -> Entry:
        try:
            found = json.loads(line)
            until = found.get("until")
            return Entry(
                _instant(found["at"]),
                _KINDS[found["kind"]],
                str(found["subject"]),
                str(found["by"]),
                None if until is None else _instant(until),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InvalidInput(f"{self.path}: line {number} is no entry of a ledger") from None


def merged(ledgers: Iterable[Ledger]) -> list[Entry]:
    """Return the entries of several ledgers, the oldest first.

    Raises:
        InvalidInput: one cannot be read.
    """
    return sorted((entry for ledger in ledgers for entry in ledger.entries()), key=lambda entry: entry.at)


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(text)
    return found
