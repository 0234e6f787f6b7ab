"""Watch the connected accounts of workspaces by their public numbers, to be compared with those of others.

Each run that reads public numbers calls `watch_own` first. A connected account is added to the watch list once; a
person who removes it there, or switches the platform off, ends that. When an account is disconnected, the reading ends
and what was stored stays, as it does for its own numbers; erasing the account deletes both.
"""

from contextlib import suppress
from datetime import datetime

from metrics.documents import AccountDocument, Platform, WatchedDocument
from metrics.errors import InvalidInput
from metrics.identity import watched_key
from metrics.platforms.registry import FACTS
from metrics.store import Store
from metrics.watching.lists import new_document, state_of_unread
from metrics.watching.looks import note_refused

DISCONNECTED = "The connected account was disconnected, so that its public numbers are no longer read."


def watch_own(store: Store, platform: Platform, now: datetime) -> frozenset[str]:
    """Watch the connected accounts of a platform in all workspaces; return the ids of watched accounts not to read.

    Those are the ones whose connected account was disconnected; their state is `off` and says so.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    accounts = store.accounts.find(platform=platform)
    watched = {one["own"]: one for one in store.watch_lists.owned(platform)}
    off = {one: store.watch_lists.platforms_off(one) for one in {account["workspaceId"] for account in accounts}}
    connected: set[str] = set()
    for account in accounts:
        if account["state"] == "disconnected":
            continue
        connected.add(account["_id"])
        known = watched.get(account["_id"])
        if known is None:
            if not account.get("unwatched") and platform not in off[account["workspaceId"]]:
                _add(store, account, now)
        elif known.get("stateReason") == DISCONNECTED:
            state, reason = state_of_unread(platform, on=platform not in off[account["workspaceId"]])
            fields = {"state": state, "stateReason": reason, "stateSince": now}
            store.watch_lists.change(known, fields, ["lookedAt"])
    ended = [one for own, one in watched.items() if own not in connected]
    for one in ended:
        if one.get("stateReason") != DISCONNECTED:
            note_refused(store, one, "off", DISCONNECTED, now)
    return frozenset(one["_id"] for one in ended)


def _add(store: Store, account: AccountDocument, now: datetime) -> None:
    """Watch a connected account, unless its name is none by which the platform finds accounts of others."""
    workspace_id, platform = account["workspaceId"], account["platform"]
    name = account["platformAccountId"] if FACTS[platform].public.by_id else f"@{account['handle']}"
    with suppress(InvalidInput):
        key = watched_key(platform, name)
        present = store.watch_lists.find(workspace_id, platform, key) or _by_handle(store, account)
        if present is None:
            store.watch_lists.put({**new_document(store, workspace_id, platform, key, now), "own": account["_id"]})
        elif "own" not in present:
            store.watch_lists.change(present, {"own": account["_id"]})


def _by_handle(store: Store, account: AccountDocument) -> WatchedDocument | None:
    """Return the account that a person watches under the handle of a connected one."""
    with suppress(InvalidInput):
        key = watched_key(account["platform"], f"@{account['handle']}")
        return store.watch_lists.find(account["workspaceId"], account["platform"], key)
    return None
