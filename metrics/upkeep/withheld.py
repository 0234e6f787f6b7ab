"""Filter for restores: leaves out accounts and workspaces that were erased after the backup, and revokes keys."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from metrics.documents import Document
from metrics.store import Store
from metrics.store.erasures import digest
from metrics.upkeep.ledger import Entry

_RECORDS = ("erasures", "erasure_names")
"""Collections that are restored unfiltered: unfinished erasures still need the ids in them."""


class Withheld:
    """Filters the documents of a backup by the entries of the ledger; `backup_at` is the instant that the backup shows.

    Erasures before that instant are ignored: the backup was made after them, and an account that it has nevertheless
    had been connected again.
    """

    def __init__(self, entries: Iterable[Entry], backup_at: datetime) -> None:
        entries = list(entries)
        self.erasures = [entry for entry in entries if entry.kind != "key" and entry.at >= backup_at]
        self._erased = {(entry.kind, entry.subject) for entry in self.erasures}
        self._keys = [entry for entry in entries if entry.kind == "key"]
        self._is_erased = lru_cache(maxsize=100_000)(self._look_up)
        self.dropped: Counter[str] = Counter()
        self.revoked = 0

    def admit(self, collection: str, documents: Iterable[Any]) -> list[Any]:
        """Return the documents of a collection that are restored; keys get the changes since the backup."""
        if collection == "api_keys":
            return [changed for key in documents if (changed := self._key(dict(key))) is not None]
        if not self._erased or collection in _RECORDS:
            return list(documents)
        kept = []
        for document in documents:
            if any(self._is_erased(kind, name) for kind, name in _names(collection, document)):
                self.dropped[collection] += 1
            else:
                kept.append(document)
        return kept

    def record(self, store: Store) -> None:
        """Store the records of erasures after the backup.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        for entry in self.erasures:
            if entry.kind != "key":
                store.erasures.put_finished(entry.kind, entry.subject, entry.at, entry.by)

    def _key(self, key: Document) -> Document | None:
        left = [workspace for workspace in key["workspaces"] if not self._is_erased("workspace", workspace)]
        if key["workspaces"] and not left:
            self.dropped["api_keys"] += 1
            return None
        key["workspaces"] = left
        subject = digest("key", key["_id"])
        for entry in self._keys:
            if entry.subject != subject:
                continue
            if entry.until is None:
                self.revoked += "revokedAt" not in key
                key.setdefault("revokedAt", entry.at)
            else:
                key["expiresAt"] = min(entry.until, key.get("expiresAt", entry.until))
        return key

    def _look_up(self, kind: str, name: str) -> bool:
        return (kind, digest(kind, name)) in self._erased


def _names(collection: str, document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield kind and id of the accounts and workspaces to which a document belongs."""
    inner = document.get("metadata")
    for part in (document, inner) if isinstance(inner, Mapping) else (document,):
        for kind in ("account", "workspace"):
            if isinstance(name := part.get(f"{kind}Id"), str):
                yield kind, name
            for name in part.get(f"{kind}Ids") or ():
                yield kind, name
    if collection in ("accounts", "workspace_settings"):
        yield "account" if collection == "accounts" else "workspace", document["_id"]
