"""The command `tidemark accounts history`: shows how much of the earlier history was read, or restarts it."""

from collections.abc import Sequence
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
"""Fields with the state of the reading, which only the next reading needs; they are not shown."""


def history(
    account: Annotated[str | None, typer.Argument(help="Tidemark's id of the account, as `list` shows it.")] = None,
    workspace: Annotated[str | None, typer.Option(help="All accounts of this workspace.")] = None,
    start: Annotated[
        bool, typer.Option("--start", help="Start again: resume a history that ended early, else list posts anew.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show how much of the history of an account, or of a workspace's accounts, was read: posts and days.

    Connecting an account starts it. No day is requested twice, however often the history is started.
    """
    if (account is None) == (workspace is None):
        raise InvalidInput("name either an account or --workspace", "account")
    if workspace is not None:
        check_id(workspace, "--workspace")
    with open_store(create=True) as (store, settings):
        accounts = [store.accounts.get(account)] if account is not None else _of(store, workspace or "")
        if start:
            # Imported late: redis takes half a second to import.
            from metrics.connecting.accounts import request_histories

            with open_redis(settings) as redis:
                request_histories(store, redis, _active(accounts), again={document["_id"] for document in accounts})
        found = [(document, store.memories.history(document["_id"])) for document in accounts]
    if as_json:
        print_json([_shown(*pair) for pair in found])
        return
    print_table(("account", "platform", "handle", "state", "posts", "days", "why"), [_row(*pair) for pair in found])
    if not any(past for _, past in found):
        print_line("no history was requested: `--start` requests it")


def stop_history(store: "Store", redis: "Redis", account: AccountDocument, state: str) -> None:
    """End the history of an account that is no longer collected, and announce that to streams.

    Raises:
        MongoUnavailable: MongoDB does not answer.
        RedisUnavailable: Redis does not answer; the history was ended nevertheless.
    """
    # Imported late: redis takes half a second to import.
    from metrics.collection import histories
    from metrics.redis.events import Announcer, operation_status

    if (operation := histories.stop_history(store, account["_id"], state)) is not None:
        Announcer(redis).announce(operation["workspaceId"], [operation_status(operation)])


def _of(store: "Store", workspace_id: str) -> list[AccountDocument]:
    found = store.accounts.find(workspace_id=workspace_id)
    if not found:
        raise InvalidInput(f"there is no account in {workspace_id}: see `tidemark accounts list`", "--workspace")
    return found


def _active(accounts: Sequence[AccountDocument]) -> list[AccountDocument]:
    """Return the active accounts, which can be read.

    Raises:
        InvalidInput: no account is active.
    """
    active = [account for account in accounts if account["state"] == "active"]
    if not active:
        states = ", ".join(sorted({account["state"] for account in accounts}))
        raise InvalidInput(f"nothing was started: the account is {states}; connect or resume it first")
    return active


def _row(account: AccountDocument, past: History | None) -> tuple[str, ...]:
    named = account["_id"], account["platform"], account["handle"]
    if past is None:
        return *named, "not requested", "", "", ""
    why: list[str] = [past["reason"]] if "reason" in past else []
    why += [past["message"]] if "message" in past else []
    if "resumesAt" in past:
        why.append(f"resumes at {isoformat(past['resumesAt'])}")
    counts = (f"{past[what]['done']} of {past[what]['expected']}" for what in ("posts", "days"))
    return *named, past["state"], *counts, "; ".join(why)


def _shown(account: AccountDocument, past: History | None) -> dict[str, Any]:
    named = {"accountId": account["_id"], "workspaceId": account["workspaceId"], "platform": account["platform"]}
    shown = {name: value for name, value in past.items() if name not in _INTERNAL} if past else None
    return {**named, "handle": account["handle"], "history": shown}
