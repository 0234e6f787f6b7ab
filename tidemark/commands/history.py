"""`tidemark accounts history`: how far the time before the accounts' connection was read; start it again."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metrics.clock import isoformat
from metrics.documents import AccountDocument, History
from metrics.errors import InvalidInput
from metrics.ids import check_id
from tidemark.commands.console import print_json, print_line, print_table
from tidemark.commands.stores import open_redis, open_store

if TYPE_CHECKING:
    from redis import Redis

    from metrics.store import Store

_INTERNAL = ("lists", "asked", "left", "partly", "tries", "postsState")
"""Where the reading stands: it is of use to the next reading alone."""


def history(
    account: Annotated[str | None, typer.Argument(help="Our id of the account, as `list` shows it.")] = None,
    workspace: Annotated[str | None, typer.Option(help="All accounts of this workspace.")] = None,
    start: Annotated[
        bool, typer.Option("--start", help="Start it again: what ended early goes on, else posts are listed anew.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
) -> None:
    """Show how far the history of an account, or of a workspace's accounts, was read: posts and days.

    Connecting an account starts it. No day is asked for twice, however often it is started.
    """
    if (account is None) == (workspace is None):
        raise InvalidInput("name either an account or --workspace", "account")
    if workspace is not None:
        check_id(workspace, "--workspace")
    with open_store(create=True) as (store, settings):
        accounts = [store.accounts.get(account)] if account is not None else _of(store, workspace or "")
        if start:
            with open_redis(settings) as redis:
                begin(store, redis, _active(accounts), again={one["_id"] for one in accounts})
        found = [(one, store.memories.history(one["_id"])) for one in accounts]
    if as_json:
        print_json([_shown(*pair) for pair in found])
        return
    print_table(("account", "platform", "handle", "state", "posts", "days", "why"), [_row(*pair) for pair in found])
    if not any(past for _, past in found):
        print_line("none was asked for: `--start` does")


def begin(store: "Store", redis: "Redis", accounts: Sequence[AccountDocument], again: Collection[str] = ()) -> None:
    """Ask for the history of accounts, and tell streams of the operations that read it.

    One that is under way goes on as it is; one that is done is begun anew for the accounts in `again` alone.

    Raises:
        MongoUnavailable: MongoDB does not answer.
        RedisUnavailable: Redis does not; the history was asked for all the same.
    """
    # redis takes half a second to import.
    from metrics.collection import histories
    from metrics.redis.events import Announcer, operation_status

    found = {one["_id"]: one for one in histories.begin(store, accounts, again).values()}
    for operation in found.values():
        Announcer(redis).announce(operation["workspaceId"], [operation_status(operation)])


def stop(store: "Store", redis: "Redis", account: AccountDocument, state: str) -> None:
    """End the history of an account that is not collected any more, and tell streams of it.

    Raises:
        MongoUnavailable: MongoDB does not answer.
        RedisUnavailable: Redis does not; the history was ended all the same.
    """
    # redis takes half a second to import.
    from metrics.collection import histories
    from metrics.redis.events import Announcer, operation_status

    if (operation := histories.stop(store, account["_id"], state)) is not None:
        Announcer(redis).announce(operation["workspaceId"], [operation_status(operation)])


def _of(store: "Store", workspace_id: str) -> list[AccountDocument]:
    found = store.accounts.find(workspace_id=workspace_id)
    if not found:
        raise InvalidInput(f"there is no account in {workspace_id}: see `tidemark accounts list`", "--workspace")
    return found


def _active(accounts: Sequence[AccountDocument]) -> list[AccountDocument]:
    """Return the accounts that can be read.

    Raises:
        InvalidInput: none can.
    """
    active = [one for one in accounts if one["state"] == "active"]
    if not active:
        states = ", ".join(sorted({one["state"] for one in accounts}))
        raise InvalidInput(f"nothing was started: the account is {states}; connect or resume it first")
    return active


def _row(account: AccountDocument, past: History | None) -> tuple[str, ...]:
    named = account["_id"], account["platform"], account["handle"]
    if past is None:
        return *named, "not asked for", "", "", ""
    why = [past["reason"]] if "reason" in past else []
    why += [past["message"]] if "message" in past else []
    if "resumesAt" in past:
        why.append(f"goes on at {isoformat(past['resumesAt'])}")
    counts = (f"{past[what]['done']} of {past[what]['expected']}" for what in ("posts", "days"))
    return *named, past["state"], *counts, "; ".join(why)


def _shown(account: AccountDocument, past: History | None) -> dict[str, Any]:
    named = {"accountId": account["_id"], "workspaceId": account["workspaceId"], "platform": account["platform"]}
    shown = {name: value for name, value in past.items() if name not in _INTERNAL} if past else None
    return {**named, "handle": account["handle"], "history": shown}
