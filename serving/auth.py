"""Who asks: API keys, their workspaces and scopes."""

import logging
import time
from collections import OrderedDict
from dataclasses import dataclass

import anyio
from starlette.requests import Request

from metrics.clock import utcnow
from metrics.documents import Scope
from metrics.errors import Unavailable
from metrics.store import Store
from metrics.store.keys import PREFIX, ApiKey, hash_key
from serving.problems import Problem, not_found, unauthorized
from serving.threads import Threads

log = logging.getLogger(__name__)

FRESH_SECONDS = 5.0
"""How long a looked-up key is trusted: a revocation works within this time."""
TOUCH_SECONDS = 60.0
_SIZE = 10_000


@dataclass(slots=True)
class _Known:
    key: ApiKey | None
    until: float


class Authenticator:
    """Looks keys up, remembers them for seconds, and records their use off the request's path."""

    def __init__(self, store: Store, threads: Threads) -> None:
        self._store = store
        self._threads = threads
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._touched: dict[str, float] = {}
        self._used: set[str] = set()

    async def authenticate(self, request: Request) -> ApiKey:
        """Return the key of the `Authorization` header.

        Raises:
            Problem: 401, there is none or it is not valid.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise unauthorized("Send the API key as `Authorization: Bearer tm_live_…`.")
        if not token.startswith(PREFIX) or len(token) > 128:
            raise unauthorized("This is not an API key.")
        key = await self._look_up(token)
        if key is None or not key.valid(utcnow()):
            raise unauthorized("This API key is unknown, revoked or expired.")
        if time.monotonic() - self._touched.get(key.key_id, -TOUCH_SECONDS) >= TOUCH_SECONDS:
            self._used.add(key.key_id)
        return key

    async def _look_up(self, token: str) -> ApiKey | None:
        key_id, now = hash_key(token), time.monotonic()
        known = self._known.get(key_id)
        if known is None or known.until < now:
            known = _Known(await self._threads.run(self._store.keys.look_up, token), now + FRESH_SECONDS)
            self._known[key_id] = known
            while len(self._known) > _SIZE:
                self._known.popitem(last=False)
        return known.key

    async def still_valid(self, key_id: str) -> bool:
        """Ask the store whether a key is neither revoked nor expired."""
        return await self._threads.run(self._store.keys.valid, key_id, utcnow())

    async def record_use(self) -> None:
        """Write last-used times, every few seconds, until cancelled."""
        while True:
            await anyio.sleep(FRESH_SECONDS)
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
        raise Problem(403, f"This API key lacks the scope `{scope}`.")


def require_workspace(key: ApiKey, workspace_id: str) -> None:
    """Refuse another tenant's workspace as if it did not exist.

    Raises:
        Problem: 404.
    """
    if not key.allows(workspace_id):
        raise not_found()
