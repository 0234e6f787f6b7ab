"""The commands `tidemark watch`: accounts of others whose public numbers a workspace follows."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metrics.clock import isoformat, utcnow
from metrics.documents import Platform, WatchedDocument
from metrics.errors import InvalidInput
from metrics.ids import check_id
from metrics.platforms.registry import FACTS
from tidemark.arguments import Json, Workspace, check_workspace, day_of
from tidemark.commands.accounts import content_of
from tidemark.commands.console import print_json, print_line, print_table
from tidemark.commands.stores import open_redis, open_store
from tidemark.commands.user import user

if TYPE_CHECKING:
    from metrics.settings import Settings
    from metrics.store import Store

app = typer.Typer(no_args_is_help=True, help="Accounts of others that a workspace watches: add, list and remove them.")

OfPlatform = Annotated[Platform, typer.Argument(help="The platform.")]
Name = Annotated[str, typer.Argument(help="The handle, with or without @; or the platform's id of the account.")]
_SHOWN = (
    "platform", "key", "handle", "platformAccountId", "label", "group", "own", "state", "stateReason", "stateSince",
    "lookedAt", "source", "enteredBy",
)  # fmt: skip


@app.command(epilog="Example: tidemark watch add demo-north instagram @rival.coffee --label 'Rival Coffee'")
def add(
    workspace: Workspace,
    platform: OfPlatform,
    handle: Name,
    label: Annotated[str | None, typer.Option(help="The name to show to people.")] = None,
    group: Annotated[str | None, typer.Option(help="The group in which the account is compared.")] = None,
    own: Annotated[str | None, typer.Option(help="The id of the connected account that is the same account.")] = None,
    as_json: Json = False,
) -> None:
    """Watch an account, or set label, group and own account of one that is watched."""
    from metrics.watching.lists import NewWatch, watch

    with _changing(workspace) as (store, settings):
        wanted = NewWatch(platform, handle, label, group, own)
        found = watch(store, workspace, wanted, utcnow(), settings.watch_limit)
    if as_json:
        print_json(_shown(found.document))
    else:
        print_line(f"{platform} {found.document['handle']} is {_state(found.document)}")


@app.command("import", epilog="Example: tidemark watch import demo-north rivals.csv")
def import_file(
    workspace: Workspace,
    file: Annotated[Path, typer.Argument(help="CSV, or JSON objects, one a line or in an array; - is standard input.")],
    as_json: Json = False,
) -> None:
    """Watch all accounts of a file, or none of them if a line is wrong.

    Columns: platform, handle, label, group; the last two may be left out. A header is not needed.
    """
    from metrics.watching.lists import watch_all
    from tidemark import watch_file

    wanted = watch_file.parse(content_of(file))
    with _changing(workspace) as (store, settings):
        found = watch_all(store, workspace, wanted, utcnow(), settings.watch_limit)
    if as_json:
        print_json([_shown(one.document) for one in found])
        return
    new = sum(one.is_new for one in found)
    print_line(f"{new} added, {len(found) - new} changed")


@app.command("list", epilog="Example: tidemark watch list demo-north --json")
def list_watched(workspace: Workspace, as_json: Json = False) -> None:
    """List the watched accounts of a workspace with their states."""
    check_id(workspace, "WORKSPACE")
    with open_store() as (store, _):
        found = store.watch_lists.all(workspace)
    if as_json:
        print_json([_shown(one) for one in found])
        return
    print_table(
        ("platform", "handle", "label", "group", "source", "state"),
        [
            (one["platform"], one["handle"], one.get("label", ""), one.get("group", ""), one["source"], _state(one))
            for one in found
        ],
    )


@app.command(epilog="Example: tidemark watch remove demo-north instagram @rival.coffee")
def remove(workspace: Workspace, platform: OfPlatform, handle: Name, as_json: Json = False) -> None:
    """Stop watching an account, and delete its public numbers, posts and rollups.

    A backup that is restored later does not bring them back.
    """
    from metrics.upkeep.ledger import Ledger
    from metrics.watching.lists import unwatch, watched_account

    with _changing(workspace) as (store, settings):
        ledger = Ledger.of(settings)
        ledger.note("account", watched_account(store, workspace, platform, handle)["_id"], user())
        found, gone = unwatch(store, workspace, platform, handle)
        # Noted again for backups that were made meanwhile.
        ledger.note("account", found["_id"], user())
    if as_json:
        print_json({"platform": platform, "key": found["key"], "removedAt": isoformat(utcnow()), "deleted": dict(gone)})
    else:
        print_line(f"{platform} {found['handle']} is not watched any more; {sum(gone.values())} documents were deleted")


@app.command(epilog="Example: tidemark watch enter demo-north tiktok rival followers=18250 --date 2026-01-15")
def enter(
    workspace: Workspace,
    platform: OfPlatform,
    handle: Name,
    numbers: Annotated[list[str], typer.Argument(help="NAME=NUMBER by the names of the catalog, as followers=18250.")],
    on: Annotated[
        str | None, typer.Option("--date", help="The day of the workspace's calendar; by default the present one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Enter numbers of a watched account by hand, where the platform shows none of others."""
    from metrics.upkeep.retention import Horizon
    from metrics.watching.numbers import enter_numbers

    values, day = dict(map(_number, numbers)), None if on is None else day_of(on, "--date")
    with _changing(workspace) as (store, settings):
        horizon = Horizon.of(store, settings, utcnow())
        found = enter_numbers(store, workspace, platform, handle, values, user(), horizon, day=day)
    if as_json:
        entered = {"date": found.day, "numbers": found.numbers, "enteredAt": isoformat(found.entered_at)}
        print_json({**_shown(found.watched), **entered})
    else:
        told = ", ".join(f"{name} {value}" for name, value in found.numbers.items())
        print_line(f"{platform} {found.watched['handle']} on {found.day}: {told}, entered by {user()}")


@app.command("read", epilog="Example: tidemark watch read demo-north --platform bluesky")
def read_now(
    workspace: Workspace,
    platform: Annotated[Platform | None, typer.Option(help="One platform; by default all that show numbers.")] = None,
    as_json: Json = False,
) -> None:
    """Read the watched accounts of a workspace that were not read today, at once and within the same limits."""
    with _changing(workspace) as (store, settings), open_redis(settings) as redis:
        from metrics.vault import Vault
        from pipelines.platforms.public.registry import PUBLIC_PLATFORMS
        from pipelines.watching.read import WatchedReader

        if platform is not None and platform not in PUBLIC_PLATFORMS:
            raise InvalidInput(f"--platform: {FACTS[platform].title} shows no numbers of others", "--platform")
        reader = WatchedReader(store, redis, Vault(settings.secret_keys), settings)
        chosen = PUBLIC_PLATFORMS if platform is None else (platform,)
        found = [reader.read(one, run_id="tidemark watch read", workspace_ids=(workspace,)) for one in chosen]
    read = [one for one in found if one.due]
    if as_json:
        print_json([{"platform": one.platform, **one.counts(), "usd": round(one.usd, 4)} for one in read])
        return
    for one in read:
        print_line(one.summary())
    if not read:
        print_line("every watched account was read today")


@app.command(epilog="Example: tidemark watch off demo-north twitter")
def off(workspace: Workspace, platform: OfPlatform, as_json: Json = False) -> None:
    """Switch a platform off for watching: no account of it is added or read. What was stored stays."""
    _switch(workspace, platform, on=False, as_json=as_json)


@app.command(epilog="Example: tidemark watch on demo-north twitter")
def on(workspace: Workspace, platform: OfPlatform, as_json: Json = False) -> None:
    """Switch a platform on for watching again."""
    _switch(workspace, platform, on=True, as_json=as_json)


def _switch(workspace: str, platform: Platform, *, on: bool, as_json: bool) -> None:
    from metrics.watching.lists import switch_platform

    with _changing(workspace) as (store, _):
        changed = switch_platform(store, workspace, platform, utcnow(), on=on)
    if as_json:
        print_json({"workspace": workspace, "platform": platform, "on": on, "accounts": changed})
    else:
        title = FACTS[platform].title
        print_line(f"{workspace}: {title} is {'on' if on else 'off'} for watching, {changed} accounts")


@contextmanager
def _changing(workspace: str) -> Iterator[tuple["Store", "Settings"]]:
    """Open the stores for a change of a workspace's watch list, and announce it after the block."""
    check_id(workspace, "WORKSPACE")
    with open_store(create=True) as (store, settings), open_redis(settings) as redis:
        from metrics.redis.events import Announcer

        check_workspace(store, workspace)
        yield store, settings
        Announcer(redis).announce(workspace)


def _number(text: str) -> tuple[str, int]:
    name, _, value = text.partition("=")
    if not (name and value.isascii() and value.isdigit()):
        raise InvalidInput("NUMBERS: give NAME=NUMBER with whole numbers, as followers=18250", "NUMBERS")
    return name, int(value)


def _shown(found: WatchedDocument) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name in _SHOWN}


def _state(found: WatchedDocument) -> str:
    return f"{found['state']}: {found['stateReason']}" if "stateReason" in found else found["state"]
