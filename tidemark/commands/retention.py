"""`tidemark retention`: how long data is kept, by the database and for single workspaces."""

from typing import Annotated

import typer

from metrics.clock import utcnow
from metrics.errors import InvalidInput, NotFound
from tidemark.commands.console import print_json, print_line, print_note
from tidemark.commands.stores import open_store

app = typer.Typer(no_args_is_help=True, help="How long data is kept, by all and by single workspaces.")

_AS_SAID = "the database keeps data for as long as the settings say"

Json = Annotated[bool, typer.Option("--json", help="For a program to read.")]


@app.command("set", epilog="Example: tidemark retention set demo-north --days 90 --rollup-days 730")
def set_days(
    workspace: Annotated[str, typer.Argument(help="The workspace.")],
    days: Annotated[int | None, typer.Option(help="Days of observations; left out: as all.")] = None,
    rollup_days: Annotated[int | None, typer.Option(help="Days of rollups; left out: as all.")] = None,
    as_json: Json = False,
) -> None:
    """Set how long the data of a workspace is kept. The next daily maintenance deletes what is older."""
    with open_store() as (store, _):
        from metrics.store.workspace_settings import Days

        if workspace not in store.accounts.workspaces():
            raise NotFound(f"there is no workspace {workspace}: see `tidemark accounts list`")
        store.retention.set(workspace, Days(days, rollup_days))
    if as_json:
        print_json({"workspace": workspace, "days": days, "rollupDays": rollup_days})
    else:
        print_line(f"{workspace}: observations {_said(days)}, rollups {_said(rollup_days)}")


@app.command("list", epilog="Example: tidemark retention list --json")
def list_days(as_json: Json = False) -> None:
    """List what the database keeps, and the workspaces that keep less."""
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
        print_line(f"{'all' if name == '*' else name}: observations {_said(days)}, rollups {_said(rollups)}")
    for difference in differing:
        print_note(f"{difference}: the database decides; `tidemark retention sync` changes it")


@app.command(epilog="Example: TIDEMARK_RETENTION_DAYS=800 tidemark retention sync")
def sync(
    shorten: Annotated[bool, typer.Option("--shorten", help="Delete what the settings keep no longer.")] = False,
    lengthen_only: Annotated[
        bool, typer.Option("--lengthen", help="Apply what is longer, and leave and name what is shorter.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make the database keep data for as long as the settings say.

    Where that is shorter than at present it is refused, with how much would be deleted, unless --shorten is given. For
    a script that runs at every start there is --lengthen, which leaves a shorter retention as it is and says so.
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
        seconds = {one.wanted.collection: (one.present, one.wanted.seconds) for one in found}
        print_json([{"collection": name, "before": was, "seconds": now} for name, (was, now) in seconds.items()])
        return
    for one in found:
        print_line(changed(one))
    if not found:
        print_line("nothing was lengthened" if lengthen_only else _AS_SAID)


@app.command(epilog="Example: tidemark retention apply")
def apply(as_json: Json = False) -> None:
    """Delete now what is older than kept; Dagster's job `maintain_daily` does it every day."""
    with open_store() as (store, settings):
        from metrics.upkeep import retention

        gone = retention.apply(store, retention.Horizon.of(store, settings, utcnow()))
    if as_json:
        print_json({"deleted": gone})
    else:
        print_line("deleted " + (", ".join(f"{n:,} {name}" for name, n in gone.items() if n) or "nothing"))


def _said(days: int | None) -> str:
    return "as all" if days is None else f"{days} days"
