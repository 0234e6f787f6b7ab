"""Who asks: API keys and tokens, their workspaces, scopes and rates."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from metrics.clock import utcnow
from metrics.documents import Scope
from metrics.errors import Unavailable
from metrics.store import Store
from metrics.store.keys import PREFIX, ApiKey, hash_key
from serving.measures import REFUSED
from serving.problems import Problem, not_found, unauthorized
from serving.ratelimit import RateLimiter
from serving.threads import Threads
from serving.tokens import MAX_TOKEN, SUBJECT_PREFIX, TokenVerifier

log = logging.getLogger(__name__)

FRESH_SECONDS = 5.0
"""How long a looked-up key is trusted: a revocation works within this time."""
TOUCH_SECONDS = 60.0
_SIZE = 10_000
_MAX_KEY = 128


@dataclass(slots=True)
class _Known:
    key: ApiKey | None
    until: float


class Authenticator:
    """Looks keys up, remembers them for seconds, and records their use off the request's path."""

    def __init__(self, store: Store, threads: Threads, limiter: RateLimiter, verifier: TokenVerifier | None) -> None:
        self._store = store
        self._threads = threads
        self._limiter = limiter
        self._verifier = verifier
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._touched: dict[str, float] = {}
        self._used: set[str] = set()

    async def authenticate(self, request: Request) -> ApiKey:
        """Return the key of the `Authorization` header, and count the request against its rate.

        Raises:
            Problem: 401, there is none or it is not valid; 429, it has used up its rate.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            REFUSED.labels("missing").inc()
            raise unauthorized("Send the API key as `Authorization: Bearer tm_live_…`.", error=None)
        try:
            key = await self.verify(token)
        except Problem:
            REFUSED.labels("invalid").inc()
            raise
        request.scope["api_key"] = key
        await self.spend(request.scope, key)
        return key

    def remembered(self, token: str) -> ApiKey | None:
        """Return a key that was looked up just now and is valid; None where `authenticate` has to say."""
        known = self._known.get(hash_key(token))
        if known is None or known.key is None or known.until < time.monotonic() or not known.key.valid(utcnow()):
            return None
        self._note_use(known.key)
        return known.key

    async def spend(self, scope: MutableMapping[str, Any], key: ApiKey) -> None:
        """Count a request against its key's rate and leave the headers that say so in its scope.

        Raises:
            Problem: 429, the key has used up its rate.
        """
        scope["rate_headers"] = await self._limiter.spend(key.key_id, key.rate_limit)

    async def verify(self, token: str) -> ApiKey:
        """Return the key or the token's grant, valid now.

        Raises:
            Problem: 401, it is not valid.
        """
        is_key = token.startswith(PREFIX) and len(token) <= _MAX_KEY
        if not is_key and (self._verifier is None or token.count(".") != 2 or len(token) > MAX_TOKEN):
            raise unauthorized("This is not an API key.")
        key = await self._look_up(token, is_key=is_key)
        if key is None or not key.valid(utcnow()):
            raise unauthorized("This API key is unknown, revoked or expired.")
        self._note_use(key)
        return key

    def _note_use(self, key: ApiKey) -> None:
        if key.key_id.startswith(SUBJECT_PREFIX):
            return
        if time.monotonic() - self._touched.get(key.key_id, -TOUCH_SECONDS) >= TOUCH_SECONDS:
            self._used.add(key.key_id)

    async def _look_up(self, token: str, *, is_key: bool) -> ApiKey | None:
        hashed, now = hash_key(token), time.monotonic()
        known = self._known.get(hashed)
        if known is None or known.until < now:
            if is_key:
                key = await self._threads.run(self._store.keys.look_up, token)
            else:
                assert self._verifier is not None  # noqa: S101 - `verify` has seen to it
                key = await self._verifier.verify(token)
            known = self._known[hashed] = _Known(key, now + FRESH_SECONDS)
            while len(self._known) > _SIZE:
                self._known.popitem(last=False)
        return known.key

    async def still_valid(self, key: ApiKey) -> bool:
        """Tell whether a key is neither revoked nor expired: of a key the store knows, of a token its expiry."""
        if key.key_id.startswith(SUBJECT_PREFIX):
            return key.valid(utcnow())
        return await self._threads.run(self._store.keys.valid, key.key_id, utcnow())

    async def record_use(self) -> None:
        """Write last-used times, every few seconds, until cancelled."""
        while True:
            await asyncio.sleep(FRESH_SECONDS)
            used, self._used = self._used, set()
            for key_id in used:
                try:
                    await self._threads.run(self._store.keys.touch, key_id, utcnow())
                    self._touched[key_id] = time.monotonic()
                except Unavailable as error:
                    log.warning("the use of a key was not recorded: %s", error)


def require(key: ApiKey, scope: Scope) -> None:
    """Refuse a key without the scope; `admin` may do everything.

    Raises:
        Problem: 403.
    """
    if scope not in key.scopes and "admin" not in key.scopes:
        challenge = f'Bearer realm="tidemark", error="insufficient_scope", scope="{scope}"'
        raise Problem(403, f"This API key lacks the scope `{scope}`.", headers={"WWW-Authenticate": challenge})


def require_workspace(key: ApiKey, workspace_id: str) -> None:
    """Refuse another tenant's workspace as if it did not exist.

    Raises:
        Problem: 404.
    """
    if not key.allows(workspace_id):
        raise not_found()
