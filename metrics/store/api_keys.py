"""The collection `api_keys`: hashed API keys with their rights and expiry."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo.database import Database

from metrics.clock import utcnow
from metrics.documents import Document, Scope
from metrics.errors import NotFound
from metrics.key_format import PREFIX, new_key
from metrics.store.errors import mongo_errors

ALL_WORKSPACES = "*"


def hash_key(key: str) -> str:
    """Return the stored hash of a key. A fast hash is enough: a key has 238 random bits and cannot be guessed."""
    return hashlib.sha256(key.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key without its secret. `workspaces` holds ids, or `*` for all."""

    key_id: str
    name: str
    prefix: str
    workspaces: tuple[str, ...]
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    rate_limit: int | None = None
    """Requests per minute; 0: no limit; None: the limit of the settings."""

    def valid(self, now: datetime) -> bool:
        """Tell whether the key is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def names(self, workspace_id: str) -> bool:
        """Tell whether the key names this workspace, which therefore exists, even without an account."""
        return workspace_id in self.workspaces

    def allows(self, workspace_id: str) -> bool:
        """Tell whether the key is for this workspace."""
        return ALL_WORKSPACES in self.workspaces or workspace_id in self.workspaces


class ApiKeys:
    """Reads and writes of API keys."""

    def __init__(self, db: Database[Document]) -> None:
        self._keys = db["api_keys"]

    def create(
        self,
        name: str,
        workspaces: Sequence[str],
        scopes: Sequence[Scope],
        expires_at: datetime | None = None,
        *,
        rate_limit: int | None = None,
    ) -> tuple[str, ApiKey]:
        """Create a key; return its secret, which is not stored, and the stored key."""
        key = new_key()
        document: Document = {
            "_id": hash_key(key),
            "name": name,
            "prefix": key[: len(PREFIX) + 6],
            "workspaces": list(workspaces),
            "scopes": list(scopes),
            "createdAt": utcnow(),
        }
        if expires_at is not None:
            document["expiresAt"] = expires_at
        if rate_limit is not None:
            document["rateLimit"] = rate_limit
        with mongo_errors():
            self._keys.insert_one(document)
        return key, _api_key(document)

    def look_up(self, key: str) -> ApiKey | None:
        """Return the stored key of a secret, valid or not, or None if it is unknown."""
        with mongo_errors():
            found = self._keys.find_one({"_id": hash_key(key)})
        # The index compared hashes, not secrets; this comparison takes constant time, whatever the store does.
        return _api_key(found) if found and hmac.compare_digest(found["_id"], hash_key(key)) else None

    def of_ids(self, key_ids: Sequence[str]) -> dict[str, ApiKey]:
        """Return keys by id, valid or not; ids without a key are left out."""
        with mongo_errors():
            return {d["_id"]: _api_key(d) for d in self._keys.find({"_id": {"$in": list(key_ids)}})}

    def find_all(self) -> list[ApiKey]:
        """Return all keys, oldest first."""
        with mongo_errors():
            return [_api_key(d) for d in self._keys.find().sort("createdAt", 1)]

    def revoke(self, prefix: str) -> ApiKey:
        """Revoke the key with a prefix, as `tidemark keys list` shows it.

        Raises:
            NotFound: no key has this prefix, or several have it.
        """
        with mongo_errors():
            found = list(self._keys.find({"prefix": prefix}).limit(2))
            if len(found) != 1:
                raise NotFound(f"{'no' if not found else 'more than one'} key begins with {prefix}")
            now = utcnow()
            self._keys.update_one({"_id": found[0]["_id"]}, {"$set": {"revokedAt": now}})
        return _api_key({**found[0], "revokedAt": now})

    def replace(self, prefix: str, until: datetime) -> tuple[str, ApiKey]:
        """Create a key with the rights of the key with a prefix, which then ends at `until` at the latest.

        Raises:
            NotFound: no valid key has this prefix, or several keys have it.
        """
        with mongo_errors():
            found = list(self._keys.find({"prefix": prefix}).limit(2))
        if len(found) != 1 or not _api_key(found[0]).valid(utcnow()):
            raise NotFound(f"{'more than one' if len(found) > 1 else 'no valid'} key begins with {prefix}")
        old = _api_key(found[0])
        created = self.create(old.name, old.workspaces, old.scopes, old.expires_at, rate_limit=old.rate_limit)
        with mongo_errors():
            self._keys.update_one({"_id": old.key_id}, {"$min": {"expiresAt": until}})
        return created

    def has_workspace(self, workspace_id: str) -> bool:
        """Tell whether any key, valid or not, names a workspace."""
        with mongo_errors():
            return self._keys.find_one({"workspaces": workspace_id}, {"_id": 1}) is not None

    def erase_workspace(self, workspace_id: str) -> int:
        """Delete the keys of a workspace; return how many. A key for other workspaces too loses only this one."""
        with mongo_errors():
            deleted = self._keys.delete_many({"workspaces": [workspace_id]}).deleted_count
            self._keys.update_many({"workspaces": workspace_id}, {"$pull": {"workspaces": workspace_id}})
        return deleted

    def touch(self, key_ids: Sequence[str], now: datetime) -> None:
        """Record the time at which keys were last used."""
        with mongo_errors():
            self._keys.update_many({"_id": {"$in": list(key_ids)}}, {"$max": {"lastUsedAt": now}})


def _api_key(document: Document) -> ApiKey:
    return ApiKey(
        key_id=document["_id"],
        name=document["name"],
        prefix=document["prefix"],
        workspaces=tuple(document["workspaces"]),
        scopes=tuple(document["scopes"]),
        created_at=document["createdAt"],
        expires_at=document.get("expiresAt"),
        last_used_at=document.get("lastUsedAt"),
        revoked_at=document.get("revokedAt"),
        rate_limit=document.get("rateLimit"),
    )
