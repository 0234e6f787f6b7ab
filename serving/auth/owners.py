"""Cache of the workspace and the account that own a subject: neither ever changes, so each is read once a minute.

For a key that may not see the subject, the store is read every time, so that the response time does not reveal whether
the id exists.
"""

from dataclasses import dataclass
from typing import Literal

from cachetools import TTLCache

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
    """Finds the owners of accounts and posts."""

    def __init__(self, store: Store, threads: Threads) -> None:
        self._store = store
        self._threads = threads
        self._known: TTLCache[tuple[Kind, str], Owner] = TTLCache(_SIZE, _FRESH_SECONDS)

    async def find(self, kind: Kind, subject_id: str, key: ApiKey) -> Owner:
        """Return the owner of a subject that the key may see.

        Raises:
            NotFound: there is no such subject.
            Problem: 404, the key may not see its workspace.
            MongoUnavailable: MongoDB does not answer.
        """
        owner = self._known.get((kind, subject_id))
        if owner is not None and key.allows(owner.workspace_id):
            return owner
        owner = await self._threads.run(self._read, kind, subject_id)
        require_workspace(key, owner.workspace_id)
        self._known[kind, subject_id] = owner
        return owner

    def _read(self, kind: Kind, subject_id: str) -> Owner:
        if kind == "account":
            account = self._store.accounts.get(subject_id)
            return Owner(account["workspaceId"], account["_id"])
        post = self._store.posts.get(subject_id)
        return Owner(post["workspaceId"], post["accountId"])
