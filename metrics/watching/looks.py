"""What became of looking up a watched account: its state, its stable id, and its handle after a renaming.

Readers of public numbers call these functions once a day for each account (`WatchLists.to_look_at`), whatever the
result is. So an account that was not found is not asked for again and again, and one that comes back is noticed.
"""

from datetime import datetime
from typing import Literal

from metrics.documents import WatchedDocument, WatchedState
from metrics.store import Store

RefusedState = Literal["not_found", "personal", "private", "age_gated", "unsupported", "off"]
"""The states of an account whose numbers the platform does not show."""


def note_resolved(
    store: Store, watched: WatchedDocument, platform_account_id: str, handle: str, now: datetime
) -> WatchedState:
    """Note that the platform showed an account, under which id and handle; return its state.

    The state is `active`; or `off` if the workspace watches the same account under another name already.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    fields = {"handle": handle, "lookedAt": now, **_state(watched, "active", now)}
    if store.watch_lists.resolve(watched, platform_account_id, fields):
        store.watch_lists.change(watched, {}, ["stateReason"])
        return "active"
    _note_same(store, watched, handle, now)
    return "off"


def note_found(
    store: Store, watched: WatchedDocument, platform_account_id: str, handle: str, now: datetime
) -> WatchedDocument | None:
    """Note which account has a key, before its numbers are read; return it as it is then.

    The account still counts as one that was not looked at. The result is None if the workspace watches the same account
    under another name already; the state is then `off`.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    if not store.watch_lists.resolve(watched, platform_account_id, {"handle": handle}):
        _note_same(store, watched, handle, now)
        return None
    return {**watched, "platformAccountId": platform_account_id, "handle": handle}


def note_skipped(store: Store, watched: WatchedDocument, reason: str) -> None:
    """Note why an account was not read this time, in one sentence; it stays what it is, and is looked at again.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    store.watch_lists.change(watched, {"stateReason": reason})


def note_refused(store: Store, watched: WatchedDocument, state: RefusedState, reason: str, now: datetime) -> None:
    """Note that the platform did not show an account, with the reason in one sentence. What was stored stays.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    store.watch_lists.change(watched, {"lookedAt": now, "stateReason": reason, **_state(watched, state, now)})


def _note_same(store: Store, watched: WatchedDocument, handle: str, now: datetime) -> None:
    reason = f"It is the same account as another one that is watched, which is now called {handle}: remove one of both."
    note_refused(store, watched, "off", reason, now)


def _state(watched: WatchedDocument, state: WatchedState, now: datetime) -> dict[str, object]:
    return {"state": state, "stateSince": watched["stateSince"] if watched["state"] == state else now}
