"""Whose an account or a post is: it never changes, so it is asked of the store once a minute.

Who may not see it gets no faster answer than for an id that is unknown: the store is asked every time then.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

from metrics.store import Store
from metrics.store.api_keys import ApiKey
from serving.auth.authenticator import require_workspace
from serving.process.threads import Threads

Kind = Literal["account", "post"]
_FRESH_SECONDS = 60.0
_SIZE = 50_000


@dataclass(frozen=True, slots=True)
class Owner:
    """The workspace and the account of a subject."""

    workspace_id: str
    account_id: str


class Owners:
    """Finds owners."""

    def __init__(self, store: Store, threads: Threads) -> None:
        self._store = store
        self._threads = threads
        self._known: OrderedDict[tuple[Kind, str], tuple[Owner, float]] = OrderedDict()

    async def find(self, kind: Kind, subject_id: str, key: ApiKey) -> Owner:
        """Return the owner of a subject that the key may see.

        Raises:
            NotFound: there is no such subject.
            Problem: 404, the key is not for its workspace.
        """
        owner, until = self._known.get((kind, subject_id), (None, 0.0))
        if owner is not None and until > time.monotonic() and key.allows(owner.workspace_id):
            return owner
        owner = await self._threads.run(self._ask, kind, subject_id)
        require_workspace(key, owner.workspace_id)
        self._known[kind, subject_id] = owner, time.monotonic() + _FRESH_SECONDS
        while len(self._known) > _SIZE:
            self._known.popitem(last=False)
        return owner

    def _ask(self, kind: Kind, subject_id: str) -> Owner:
        if kind == "account":
            account = self._store.accounts.get(subject_id)
            return Owner(account["workspaceId"], account["_id"])
        post = self._store.posts.get(subject_id)
        return Owner(post["workspaceId"], post["accountId"])
