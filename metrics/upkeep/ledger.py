"""The ledger: a file of erasures, revocations and withdrawals that `tidemark restore` applies to a restored backup.

A backup also holds the keys that were revoked after it was made, the accounts that were erased after it, and the
consents that were withdrawn after it. Therefore each of these is a line of JSON in `$TIDEMARK_HOME/ledger.jsonl`, which
is kept apart from backups:

    {"at": "2026-01-15T09:30:00Z", "kind": "account", "subject": "<SHA-256>", "by": "ann"}

`kind` is `key`, `account`, `workspace` or `consent`. `subject` is a digest, so that the file holds no id that was
erased. A replaced key has an `until`, the time at which it ends. The subject of a consent is that of `consent_name`.
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
from metrics.documents import Platform
from metrics.errors import InvalidInput, TidemarkError
from metrics.settings import Settings
from metrics.store.erasures import digest

Kind = Literal["key", "account", "workspace", "consent"]
_KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}


def consent_name(workspace_id: str, platform: Platform) -> str:
    """Return the name of a consent of a workspace for a platform, of which the ledger keeps the digest."""
    return f"{workspace_id} {platform}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: the erased, revoked or withdrawn subject, when and by whom; `until` is when a replaced key ends."""

    at: datetime
    kind: Kind
    subject: str
    by: str
    until: datetime | None = None


class Ledger:
    """The ledger in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, settings: Settings) -> "Ledger":
        """Return the ledger in the home folder of the settings."""
        return cls(settings.home.resolve() / "ledger.jsonl")

    def require_writable(self) -> None:
        """Check that a line can be appended; callers use it before a change that cannot be repeated.

        Raises:
            TidemarkError: the file cannot be written.
        """
        try:
            self._open().close()
        except OSError as error:
            raise TidemarkError(
                f"{self.path} cannot be written ({error.strerror}), but this change must be recorded for restored "
                "backups: make the file writable and try again; nothing was changed"
            ) from None

    def note(self, kind: Kind, name: str, by: str, until: datetime | None = None) -> None:
        """Append an entry; it is on disk when this returns.

        Raises:
            TidemarkError: the file cannot be written.
        """
        line = {"at": isoformat(utcnow()), "kind": kind, "subject": digest(kind, name), "by": by}
        if until is not None:
            line["until"] = isoformat(until)
        try:
            with self._open() as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                # A process that was killed while it wrote may have left an incomplete line, which is overwritten.
                end = file.read().rfind(b"\n") + 1
                file.seek(end)
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
        """Return all entries, the oldest first; an incomplete last line is left out.

        Raises:
            InvalidInput: the file cannot be read, or a line is not an entry.
        """
        try:
            lines = self.path.read_bytes().split(b"\n")
        except OSError as error:
            raise InvalidInput(f"{self.path} cannot be read ({error.strerror})") from None
        # After the last line break there is nothing, or the incomplete line of a killed process.
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
            raise InvalidInput(f"{self.path}: line {number} is not an entry of a ledger") from None


def merged(ledgers: Iterable[Ledger]) -> list[Entry]:
    """Return the entries of several ledgers, the oldest first.

    Raises:
        InvalidInput: a ledger cannot be read.
    """
    return sorted((entry for ledger in ledgers for entry in ledger.entries()), key=lambda entry: entry.at)


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(text)
    return found
