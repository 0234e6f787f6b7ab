"""Change the watch list of a workspace: add an account, change how it is shown, remove it, switch a platform off.

Everything that comes from outside is checked here. A refused request changes nothing.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from metrics.documents import Document, Platform, WatchedDocument, WatchedState
from metrics.errors import InvalidInput, NotFound
from metrics.identity import watched_key
from metrics.ids import check_text
from metrics.platforms.registry import FACTS
from metrics.store import Store
from metrics.store.workspace.watch_lists import watched_id
from metrics.upkeep.erase import delete_watched
from metrics.visible import visible

LONGEST_LABEL, LONGEST_GROUP = 100, 100
_SHOWN_FIELDS: Final = ("label", "group", "own")
_SHOWN = 64


class Refused(InvalidInput):
    """The input is well-formed, but the state of the workspace does not allow it."""


@dataclass(frozen=True, slots=True)
class NewWatch:
    """An account to watch, as a person gives it; None for what is not given.

    `name` is the handle, with or without `@`, or the platform's id. `own` is the id of a connected account of the
    workspace that is the same account.
    """

    platform: Platform
    name: str
    label: str | None = None
    group: str | None = None
    own: str | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """The result of adding an account; `is_new` is False if it was watched before."""

    document: WatchedDocument
    is_new: bool


def watch(store: Store, workspace_id: str, wanted: NewWatch, now: datetime, limit: int) -> Watched:
    """Watch an account, or set label, group and own account of one that is watched; what is not given is removed.

    Raises:
        InvalidInput: the name is not one of the platform, or a label or a group is too long.
        Refused: the workspace switched the platform off, it watches `limit` accounts of others already, or `own` is no
            connected account of this workspace and platform, or is watched under another name.
        MongoUnavailable: MongoDB does not answer.
    """
    key = watched_key(wanted.platform, wanted.name)
    shown = _shown_fields(wanted)
    present = store.watch_lists.find(workspace_id, wanted.platform, key)
    if wanted.own is not None:
        _check_own(store, workspace_id, wanted, present)
        store.accounts.set_unwatched(wanted.own, unwatched=False)
    if present is not None:
        _check_limit(store, workspace_id, limit, adding="own" in present and wanted.own is None)
        store.watch_lists.change(present, shown, [name for name in _SHOWN_FIELDS if name not in shown])
        return Watched(_read(store, workspace_id, wanted.platform, key), is_new=False)
    _check_on(wanted.platform, store.watch_lists.platforms_off(workspace_id))
    _check_limit(store, workspace_id, limit, adding=wanted.own is None)
    document = new_document(store, workspace_id, wanted.platform, key, now)
    store.watch_lists.put({**document, **shown})  # type: ignore[typeddict-item]
    return Watched(_read(store, workspace_id, wanted.platform, key), is_new=True)


def watch_all(store: Store, workspace_id: str, wanted: Sequence[NewWatch], now: datetime, limit: int) -> list[Watched]:
    """Watch several accounts of others, or none of them if that is too many, or if a platform was switched off.

    Those that are watched already get other labels and groups, and stay the same account as a connected one.

    Raises:
        InvalidInput, Refused: see `watch`; nothing was added.
        MongoUnavailable: MongoDB does not answer; call this again.
    """
    off = store.watch_lists.platforms_off(workspace_id)
    given: list[NewWatch] = []
    new: set[str] = set()
    for one in wanted:
        key = watched_key(one.platform, one.name)
        _shown_fields(one)
        present = store.watch_lists.find(workspace_id, one.platform, key)
        if present is None:
            _check_on(one.platform, off)
            new.add(watched_id(workspace_id, one.platform, key))
        given.append(one if present is None else replace(one, own=present.get("own")))
    others = store.watch_lists.count_of_others(workspace_id) + len(new)
    if new and others > limit:
        raise Refused(
            f"the workspace would watch {others} accounts of others, and TIDEMARK_WATCH_LIMIT allows {limit}: nothing "
            "was added"
        )
    return [watch(store, workspace_id, one, now, limit) for one in given]


def _check_on(platform: Platform, off: Collection[Platform]) -> None:
    if platform in off:
        title = FACTS[platform].title
        raise Refused(
            f"platform: the workspace switched {title} off for watching: switch it on with `tidemark watch on`",
            "platform",
        )


def watched_account(store: Store, workspace_id: str, platform: Platform, name: str) -> WatchedDocument:
    """Return the account that is watched under a handle or an id.

    Raises:
        InvalidInput: the name is not one of the platform.
        NotFound: the workspace does not watch it.
        MongoUnavailable: MongoDB does not answer.
    """
    return _read(store, workspace_id, platform, watched_key(platform, name))


def unwatch(store: Store, workspace_id: str, platform: Platform, name: str) -> tuple[WatchedDocument, Counter[str]]:
    """Stop watching an account, and delete its public numbers, posts and rollups.

    A connected account of the workspace is not added again by itself (`metrics.watching.own`).

    Returns the account, and the number of deleted documents by collection.

    Raises:
        InvalidInput: the name is not one of the platform.
        NotFound: the workspace does not watch it.
        MongoUnavailable: MongoDB does not answer; call this again.
    """
    found = watched_account(store, workspace_id, platform, name)
    if "own" in found:
        store.accounts.set_unwatched(found["own"], unwatched=True)
    return found, delete_watched(store, {"_id": found["_id"]})


def switch_platform(store: Store, workspace_id: str, platform: Platform, now: datetime, *, on: bool) -> int:
    """Switch a platform on or off for watching in a workspace; return of how many accounts the state changed.

    What was stored stays. While a platform is off, none of its accounts is added or read.

    Raises:
        MongoUnavailable: MongoDB does not answer; call this again.
    """
    store.watch_lists.switch(workspace_id, platform, on=on)
    state, reason = state_of_unread(platform, on=on)
    changed = [one for one in store.watch_lists.all(workspace_id, platform) if (one["state"] == "off") == on]
    for one in changed:
        fields = {"state": state, "stateReason": reason, "stateSince": now}
        # Without the time of the last look, the account is looked at when public numbers are read next.
        store.watch_lists.change(one, fields, ["lookedAt"] if on else [])
    return len(changed)


def state_of_unread(platform: Platform, *, on: bool = True) -> tuple[WatchedState, str]:
    """Return the state of an account that the platform was not asked about yet, and the reason in one sentence.

    `on` says whether the workspace watches accounts of the platform.
    """
    facts = FACTS[platform]
    if facts.public.no_route:
        return "unsupported", f"{facts.public.no_route} Its numbers can be entered by hand."
    if not on:
        return "off", f"The workspace switched {facts.title} off for watching."
    return "pending", "It is looked up when public numbers are read next."


def _shown_fields(wanted: NewWatch) -> Document:
    """Return the fields that a person may set, without those that are not given."""
    for name, value, longest in (("label", wanted.label, LONGEST_LABEL), ("group", wanted.group, LONGEST_GROUP)):
        if value is not None:
            check_text(value, name)
            if not 1 <= len(value) <= longest:
                raise InvalidInput(f"{name}: it has 1 to {longest} characters, or is left out", name)
    fields = {name: getattr(wanted, name) for name in _SHOWN_FIELDS}
    return {name: value for name, value in fields.items() if value is not None}


def _check_own(store: Store, workspace_id: str, wanted: NewWatch, present: WatchedDocument | None) -> None:
    own = wanted.own or ""
    connected = [one["_id"] for one in store.accounts.find(workspace_id=workspace_id, platform=wanted.platform)]
    if own not in connected:
        raise Refused(
            f"own: the workspace has no {FACTS[wanted.platform].title} account {visible(own[:_SHOWN])}: give the id of "
            "a connected account, or leave own out",
            "own",
        )
    other = store.watch_lists.of_own(own)
    if other is not None and (present is None or other["_id"] != present["_id"]):
        raise Refused(f"own: {own} is watched as {visible(other['handle'])} already: remove that first", "own")


def _check_limit(store: Store, workspace_id: str, limit: int, *, adding: bool) -> None:
    if adding and store.watch_lists.count_of_others(workspace_id) >= limit:
        raise Refused(
            f"the workspace watches {limit} accounts of others, which is the most that TIDEMARK_WATCH_LIMIT allows: "
            "remove one first"
        )


def new_document(store: Store, workspace_id: str, platform: Platform, key: str, now: datetime) -> WatchedDocument:
    """Return the document of an account that is watched from now on.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    state, reason = state_of_unread(platform)
    calendar = store.calendars.get(workspace_id).current
    return {
        "_id": watched_id(workspace_id, platform, key),
        "workspaceId": workspace_id,
        "platform": platform,
        "key": key,
        "handle": key.removeprefix("@"),
        "state": state,
        "stateReason": reason,
        "stateSince": now,
        "access": "public",
        "connectedAt": calendar.span("daily", calendar.date_of(now)).start,
        "source": "public",
    }


def _read(store: Store, workspace_id: str, platform: Platform, key: str) -> WatchedDocument:
    found = store.watch_lists.find(workspace_id, platform, key)
    if found is None:
        raise NotFound(f"{workspace_id} does not watch {platform} {visible(key[:_SHOWN])}: see `tidemark watch list`")
    return found
