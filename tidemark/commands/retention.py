"""The commands `tidemark retention`: how long data is kept, in general and for single workspaces."""

from typing import TYPE_CHECKING, Annotated

import typer

from metrics.clock import utcnow
from metrics.errors import InvalidInput
from tidemark.arguments import Json, check_workspace
from tidemark.commands.console import print_json, print_line, print_note
from tidemark.commands.stores import open_redis, open_store

if TYPE_CHECKING:
    from metrics.documents import AccountDocument

app = typer.Typer(no_args_is_help=True, help="How long data is kept, in general and for single workspaces.")

_IN_SYNC = "the database keeps data for as long as the settings say"


@app.command("set", epilog="Example: tidemark retention set demo-north --days 90 --rollup-days 730")
def set_days(
    workspace: Annotated[str, typer.Argument(help="The workspace.")],
    days: Annotated[int | None, typer.Option(help="Days of observations. If left out: the general retention.")] = None,
    rollup_days: Annotated[
        int | None, typer.Option(help="Days of rollups. If left out: the general retention.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Set how long the data of a workspace is kept. The next daily maintenance deletes older data."""
    with open_store() as (store, _):
        from metrics.store.workspace_settings import Days

        check_workspace(store, workspace)
        store.retention.set(workspace, Days(days, rollup_days))
    if as_json:
        print_json({"workspace": workspace, "days": days, "rollupDays": rollup_days})
    else:
        print_line(f"{workspace}: observations {_in_words(days)}, rollups {_in_words(rollup_days)}")


@app.command("list", epilog="Example: tidemark retention list --json")
def list_days(as_json: Json = False) -> None:
    """List how long the database keeps data, and the workspaces that keep it for a shorter time."""
    with open_store() as (store, settings):
        from metrics.store.setup.lifetimes import setting_differences
        from metrics.upkeep.retention import Horizon

        own, kept = store.retention.all(), Horizon.of(store, settings, utcnow())
        differing = setting_differences(store.db, settings)
    rows: dict[str, tuple[int | None, int | None]] = {"*": (kept.observations, kept.rollups)}
    rows |= {workspace: (days.observations, days.rollups) for workspace, days in own.items()}
    if as_json:
        print_json([{"workspace": name, "days": days, "rollupDays": rollups} for name, (days, rollups) in rows.items()])
        return
    for name, (days, rollups) in rows.items():
        print_line(f"{'all' if name == '*' else name}: observations {_in_words(days)}, rollups {_in_words(rollups)}")
    for difference in differing:
        print_note(f"{difference}: the database decides; `tidemark retention sync` changes it")


@app.command(epilog="Example: TIDEMARK_RETENTION_DAYS=800 tidemark retention sync")
def sync(
    shorten: Annotated[bool, typer.Option("--shorten", help="Delete data that the settings no longer keep.")] = False,
    lengthen_only: Annotated[
        bool, typer.Option("--lengthen", help="Apply longer retentions only, and name the shorter ones.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make the database keep data for as long as the settings say.

    If any retention would become shorter, the command refuses, and tells how much would be deleted, unless --shorten is
    given. --lengthen is for scripts that run at every start: it does not apply shorter retentions, and names them.
    """
    if shorten and lengthen_only:
        raise InvalidInput("--shorten and --lengthen exclude one another: leave one of them out")
    with open_store() as (store, settings):
        from tidemark.lifetimes import changed, lengthen, synchronise

        if lengthen_only:
            found = lengthen(store, settings, print_note)
        else:
            found = synchronise(store, settings, print_note, shorten=shorten)
    if as_json:
        seconds = {change.wanted.collection: (change.present, change.wanted.seconds) for change in found}
        print_json([{"collection": name, "before": was, "seconds": now} for name, (was, now) in seconds.items()])
        return
    for change in found:
        print_line(changed(change))
    if not found:
        print_line("nothing was lengthened" if lengthen_only else _IN_SYNC)


@app.command(epilog="Example: tidemark retention apply")
def apply(as_json: Json = False) -> None:
    """Delete data beyond its retention now; Dagster's job `maintain_daily` does this every day."""
    with open_store() as (store, settings), open_redis(settings) as redis:
        from metrics.store.erasures import ErasureIds
        from metrics.upkeep import retention
        from metrics.upkeep.ended import delete_ended
        from tidemark.erasure.traces import forget_exports, forget_in_warehouses

        def exported(account: "AccountDocument") -> None:
            named = ErasureIds(account["workspaceId"], (account["_id"],), (), ())
            forget_exports(settings, redis, named, whole_workspace=False)
            forget_in_warehouses(settings, store, redis, named, whole_workspace=False)

        now = utcnow()
        gone = retention.apply(store, retention.Horizon.of(store, settings, now))
        ended = delete_ended(store, redis, now, exported)
    if as_json:
        print_json({"deleted": gone, "endedGrants": ended})
        return
    print_line("deleted " + (", ".join(f"{n:,} {name}" for name, n in gone.items() if n) or "nothing"))
    for account_id in ended:
        print_line(f"deleted all numbers of {account_id}, because its grant ended longer ago than the terms allow")


def _in_words(days: int | None) -> str:
    return "as all" if days is None else f"{days} days"
