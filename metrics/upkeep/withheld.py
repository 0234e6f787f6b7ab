"""Filter for restores: leaves out what was erased after the backup, revokes keys, and withdraws consents again."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from metrics.documents import Document, Platform
from metrics.platforms.registry import STORING_NEEDS_CONSENT
from metrics.store import Store
from metrics.store.erasures import digest
from metrics.store.setup.namespaces import OWN, PUBLIC
from metrics.store.workspace_settings import given_consents, without_consents
from metrics.upkeep.erase.consent import KEPT_WITHOUT_CONSENT
from metrics.upkeep.erase.extent import LISTING_ACCOUNTS
from metrics.upkeep.ledger import Entry, consent_name

_RECORDS = ("erasures", "erasure_names")
"""Collections that are restored unfiltered: unfinished erasures still need the ids in them."""


class Withheld:
    """Filters the documents of a backup by the entries of the ledger; `backup_at` is the instant that the backup shows.

    Erasures before that instant are ignored: the backup was made after them, and an account that it has nevertheless
    had been connected again. So are withdrawals of consents: one that the backup has was given again after them.
    `accounts` yields the accounts of the backup. Of those for which a consent to store was withdrawn after it, nothing
    is restored but what is kept without a consent. `watched` yields its watched accounts: one that is an erased account
    of the workspace itself is left out with its public numbers.
    """

    def __init__(
        self,
        entries: Iterable[Entry],
        backup_at: datetime,
        accounts: Iterable[Mapping[str, Any]] = (),
        watched: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        entries = list(entries)
        later = [entry for entry in entries if entry.at >= backup_at]
        self.erasures = [entry for entry in later if entry.kind in ("account", "workspace")]
        self._withdrawn = {entry.subject for entry in later if entry.kind == "consent"}
        self.without_consent = {one["_id"] for one in accounts if self._may_not_be_stored(one)}
        self._erased = {(entry.kind, entry.subject) for entry in self.erasures}
        self._keys = [entry for entry in entries if entry.kind == "key"]
        self._is_erased = lru_cache(maxsize=100_000)(self._look_up)
        self._own = {one["_id"] for one in watched if "own" in one and self._is_erased("account", one["own"])}
        self.dropped: Counter[str] = Counter()
        self.revoked = 0
        self.withdrawn = 0

    def admit(self, collection: str, documents: Iterable[Any]) -> list[Any]:
        """Return the documents of a collection that are restored; keys and consents are changed as since the backup."""
        if collection == "api_keys":
            return [changed for key in documents if (changed := self._key(dict(key))) is not None]
        if collection in _RECORDS:
            return list(documents)
        if collection in LISTING_ACCOUNTS:
            documents = [self._without_erased(dict(document)) for document in documents]
        if collection == "workspace_settings" and self._withdrawn:
            documents = [self._settings(document) for document in documents]
        if not self._erased and not self.without_consent:
            return list(documents)
        kept = []
        for document in documents:
            if self._is_left_out(collection, document):
                self.dropped[collection] += 1
            else:
                kept.append(document)
        return kept

    def _without_erased(self, document: Document) -> Document:
        """Return a campaign or an alert without the erased accounts in its list."""
        if "accountIds" in document:
            document["accountIds"] = [one for one in document["accountIds"] if not self._is_erased("account", one)]
        return document

    def _is_left_out(self, collection: str, document: Mapping[str, Any]) -> bool:
        lost = self._own if collection in KEPT_WITHOUT_CONSENT else self._own | self.without_consent
        return any(
            self._is_erased(kind, name) or (kind == "account" and name in lost)
            for kind, name in _names(collection, document)
        )

    def record(self, store: Store) -> None:
        """Store the records of erasures after the backup, and forget what readings noted of accounts without a consent.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        for entry in self.erasures:
            if entry.kind in ("account", "workspace"):
                store.erasures.put_finished(entry.kind, entry.subject, entry.at, entry.by)
        for account_id in sorted(self.without_consent):
            store.memories.forget_collected(account_id)

    def _may_not_be_stored(self, account: Mapping[str, Any]) -> bool:
        platform = account["platform"]
        return platform in STORING_NEEDS_CONSENT and self._is_withdrawn(account["workspaceId"], platform)

    def _is_withdrawn(self, workspace_id: str, platform: Platform) -> bool:
        return digest("consent", consent_name(workspace_id, platform)) in self._withdrawn

    def _settings(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the settings of a workspace without the consents that were withdrawn after the backup."""
        gone = [one for one in given_consents(document) if self._is_withdrawn(document["_id"], one)]
        self.withdrawn += len(gone)
        return without_consents(document, gone) if gone else document

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
    if collection in LISTING_ACCOUNTS:
        yield "workspace", document["workspaceId"]
        return
    inner = document.get("metadata")
    for part in (document, inner) if isinstance(inner, Mapping) else (document,):
        for kind in ("account", "workspace"):
            if isinstance(name := part.get(f"{kind}Id"), str):
                yield kind, name
            for name in part.get(f"{kind}Ids") or ():
                yield kind, name
    if collection in (OWN.accounts, PUBLIC.accounts, "workspace_settings"):
        yield "workspace" if collection == "workspace_settings" else "account", document["_id"]
