"""Authentication of requests by API key or token, and checks of the key's scopes, workspaces and rate."""

import time
from collections.abc import Collection, MutableMapping
from datetime import datetime
from typing import Any

from cachetools import LRUCache
from starlette.requests import Request

from metrics.clock import utcnow
from metrics.documents import Scope
from metrics.key_format import PREFIX, has_valid_checksum
from metrics.store.api_keys import ApiKey, hash_key
from serving.auth.known_keys import KnownKeys
from serving.auth.ratelimit import RateLimiter
from serving.auth.tokens import MAX_TOKEN, SUBJECT_PREFIX, TokenVerifier
from serving.process.fair_shares import FairShares
from serving.process.measures import REFUSED
from serving.wire.problems import Problem, not_found, unauthorized

UNKNOWN_PER_MINUTE = 60
"""Unknown keys that are looked up per address and minute. Keys in use are not affected: they were found before."""
_ADDRESSES = 10_000


class Authenticator:
    """Finds the key of a request and counts the request against the key's rate."""

    def __init__(
        self, keys: KnownKeys, limiter: RateLimiter, verifier: TokenVerifier | None, shares: FairShares
    ) -> None:
        self._keys = keys
        self._limiter = limiter
        self._shares = shares
        self._verifier = verifier
        self._unknown_keys: LRUCache[tuple[str, int], int] = LRUCache(_ADDRESSES)

    async def authenticate(self, request: Request) -> ApiKey:
        """Return the key of the `Authorization` header, and count the request against its rate.

        Raises:
            Problem: 401, the key is missing or not valid; 429, it has used up its rate.
            Unavailable: the store, or the key set of tokens, does not answer.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            REFUSED.labels("missing").inc()
            raise unauthorized("Send the API key as `Authorization: Bearer tm_live_…`.", error=None)
        try:
            key = await self._verify(token, request.client.host if request.client else "")
        except Problem:
            REFUSED.labels("invalid").inc()
            raise
        request.scope["api_key"] = key
        await self.spend(request.scope, key)
        return key

    def remembered(self, token: str, now: datetime) -> ApiKey | None:
        """Return a key that was looked up recently and is valid at `now`, or None: then call `authenticate`."""
        key = self._keys.fresh(hash_key(token))
        return key if key is not None and key.valid(now) else None

    async def spend(self, scope: MutableMapping[str, Any], key: ApiKey) -> None:
        """Count a request against its key's rate, and put the rate headers for the response into its scope.

        The key counts as active, so that other keys give way to it.

        Raises:
            Problem: 429, the key has used up its rate.
        """
        self._shares.note(key.key_id)
        scope["rate_headers"] = await self._limiter.spend(key.key_id, key.rate_limit)

    def rate_of(self, key: ApiKey) -> tuple[int | None, int | None]:
        """Return the requests per minute of a key, or None without a limit, and how many are left, if that is known."""
        return self._limiter.standing(key.key_id, key.rate_limit)

    async def _verify(self, token: str, address: str) -> ApiKey:
        """Return a valid API key, or the rights that a valid token grants, in the form of a key.

        Raises:
            Problem: 401, it is not valid; 429, the address sent too many unknown keys.
            Unavailable: the store, or the key set of tokens, does not answer.
        """
        key = self._keys.fresh(hash_key(token))
        if key is None:
            find = self._find_key(token, address) if token.startswith(PREFIX) else self._verify_token(token)
            key = await find
        if key is None or not key.valid(utcnow()):
            raise unauthorized("This API key is unknown, revoked or expired.")
        return key

    async def _find_key(self, token: str, address: str) -> ApiKey | None:
        if not has_valid_checksum(token):
            raise unauthorized("This is not an API key: its form or its checksum is wrong. Copy the whole key.")
        minute = address, int(time.monotonic() // 60)
        # A key in use is not refused because its address, perhaps that of a proxy, also sends unknown keys.
        if not self._keys.holds(hash_key(token)) and self._unknown_keys.get(minute, 0) >= UNKNOWN_PER_MINUTE:
            raise Problem(429, "This address has sent too many unknown API keys.", headers={"Retry-After": "60"})
        key = await self._keys.find(token)
        if key is None:
            self._unknown_keys[minute] = self._unknown_keys.get(minute, 0) + 1
        return key

    async def _verify_token(self, token: str) -> ApiKey:
        if self._verifier is None or token.count(".") != 2 or len(token) > MAX_TOKEN:
            raise unauthorized("This is not an API key.")
        verified_at, key = time.monotonic(), await self._verifier.verify(token)
        self._keys.remember(hash_key(token), key, verified_at)
        return key

    async def still_valid(self, keys: Collection[ApiKey]) -> set[ApiKey]:
        """Return the keys that still have all their rights: API keys by the store, grants of tokens by their expiry.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        now = utcnow()
        stored = {key.key_id for key in keys if not key.key_id.startswith(SUBJECT_PREFIX)}
        present = await self._keys.valid(stored) if stored else {}
        return {k for k in keys if k.valid(now) and (k.key_id not in stored or _covers(present.get(k.key_id), k))}


def _covers(present: ApiKey | None, key: ApiKey) -> bool:
    """Tell whether a key as it is stored at present has every right that it had when its client connected."""
    if present is None:
        return False
    workspaces = all(present.allows(workspace_id) for workspace_id in key.workspaces)
    return workspaces and set(present.scopes) >= set(key.scopes)


def require(key: ApiKey, scope: Scope) -> None:
    """Refuse a key without a scope; the scope `admin` includes all others.

    Raises:
        Problem: 403, the key lacks the scope.
    """
    if scope not in key.scopes and "admin" not in key.scopes:
        challenge = f'Bearer realm="tidemark", error="insufficient_scope", scope="{scope}"'
        raise Problem(403, f"This API key lacks the scope `{scope}`.", headers={"WWW-Authenticate": challenge})


def require_workspace(key: ApiKey, workspace_id: str) -> None:
    """Refuse another tenant's workspace as if it did not exist.

    Raises:
        Problem: 404, the key may not see the workspace.
    """
    if not key.allows(workspace_id):
        raise not_found()
