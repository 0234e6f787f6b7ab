"""What a restore leaves out of a backup: accounts and workspaces that were erased after it, keys that were revoked."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from metrics.documents import Document
from metrics.store import Store
from metrics.store.erasures import digest
from metrics.store.errors import mongo_errors
from metrics.upkeep.ledger import Entry

_RECORDS = ("erasures", "erasure_names")
"""They hold ids of unfinished erasures, which still have to be found elsewhere."""


class Withheld:
    """Decides document by document; `backup_at` is the instant that the backup shows.

    An erasure before that instant is part of the backup. The same account may have been connected again since, which
    the backup then holds rightly.
    """

    def __init__(self, entries: Iterable[Entry], backup_at: datetime) -> None:
        entries = list(entries)
        self.erasures = [one for one in entries if one.kind != "key" and one.at >= backup_at]
        self._erased = {(one.kind, one.subject) for one in self.erasures}
        self._keys = [one for one in entries if one.kind == "key"]
        self._is_erased = lru_cache(maxsize=100_000)(self._look_up)
        self.dropped: Counter[str] = Counter()
        self.revoked = 0

    def admit(self, collection: str, documents: Iterable[Any]) -> list[Any]:
        """Return those documents of a collection that are restored; keys are changed as they have been since."""
        if collection == "api_keys":
            return [changed for one in documents if (changed := self._key(dict(one))) is not None]
        if not self._erased or collection in _RECORDS:
            return list(documents)
        kept = []
        for one in documents:
            if any(self._is_erased(kind, name) for kind, name in _names(collection, one)):
                self.dropped[collection] += 1
            else:
                kept.append(one)
        return kept

    def record(self, store: Store) -> None:
        """Keep on record what was erased after the backup.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        with mongo_errors():
            for one in self.erasures:
                document = {"kind": one.kind, "subject": one.subject, "at": one.at, "by": one.by, "counts": {}}
                key = f"{one.kind}:{one.subject}"
                store.db["erasures"].replace_one({"_id": key}, document, upsert=True)

    def _key(self, key: Document) -> Document | None:
        left = [one for one in key["workspaces"] if not self._is_erased("workspace", one)]
        if key["workspaces"] and not left:
            self.dropped["api_keys"] += 1
            return None
        key["workspaces"] = left
        subject = digest("key", key["_id"])
        for one in self._keys:
            if one.subject != subject:
                continue
            if one.until is None:
                self.revoked += "revokedAt" not in key
                key.setdefault("revokedAt", one.at)
            else:
                key["expiresAt"] = min(one.until, key.get("expiresAt", one.until))
        return key

    def _look_up(self, kind: str, name: str) -> bool:
        return (kind, digest(kind, name)) in self._erased


def _names(collection: str, document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the accounts and workspaces that a document is of."""
    inner = document.get("metadata")
    for part in (document, inner) if isinstance(inner, Mapping) else (document,):
        for kind in ("account", "workspace"):
            if isinstance(one := part.get(f"{kind}Id"), str):
                yield kind, one
            for several in part.get(f"{kind}Ids") or ():
                yield kind, several
    if collection in ("accounts", "workspace_settings"):
        yield "account" if collection == "accounts" else "workspace", document["_id"]
