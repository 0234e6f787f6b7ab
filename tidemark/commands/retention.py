"""`tidemark retention`: how long the data of single workspaces is kept."""

from typing import Annotated

import typer

from metrics.clock import utcnow
from metrics.errors import NotFound
from tidemark.commands.console import print_json, print_line
from tidemark.commands.stores import open_store

app = typer.Typer(no_args_is_help=True, help="How long data is kept, where a workspace differs from the settings.")

Json = Annotated[bool, typer.Option("--json", help="For a program to read.")]


@app.command("set", epilog="Example: tidemark retention set demo-north --days 90 --rollup-days 730")
def set_days(
    workspace: Annotated[str, typer.Argument(help="The workspace.")],
    days: Annotated[int | None, typer.Option(help="Days of observations; left out: as in the settings.")] = None,
    rollup_days: Annotated[int | None, typer.Option(help="Days of rollups; left out: as in the settings.")] = None,
    as_json: Json = False,
) -> None:
    """Set how long the data of a workspace is kept. The next daily maintenance deletes what is older."""
    with open_store() as (store, _):
        from metrics.store.retention import Days

        if workspace not in store.accounts.workspaces():
            raise NotFound(f"there is no workspace {workspace}: see `tidemark accounts list`")
        store.retention.set(workspace, Days(days, rollup_days))
    if as_json:
        print_json({"workspace": workspace, "days": days, "rollupDays": rollup_days})
    else:
        print_line(f"{workspace}: observations {_said(days)}, rollups {_said(rollup_days)}")


@app.command("list", epilog="Example: tidemark retention list --json")
def list_days(as_json: Json = False) -> None:
    """List the settings, and the workspaces that differ from them."""
    with open_store() as (store, settings):
        own = store.retention.all()
    rows: dict[str, tuple[int | None, int | None]] = {"*": (settings.retention_days, settings.rollup_retention_days)}
    rows |= {workspace: (days.observations, days.rollups) for workspace, days in own.items()}
    if as_json:
        print_json([{"workspace": name, "days": days, "rollupDays": rollups} for name, (days, rollups) in rows.items()])
        return
    for name, (days, rollups) in rows.items():
        print_line(f"{'all' if name == '*' else name}: observations {_said(days)}, rollups {_said(rollups)}")


@app.command(epilog="Example: tidemark retention apply")
def apply(as_json: Json = False) -> None:
    """Delete now what is older than kept; Dagster's job `maintain_daily` does it every day."""
    with open_store() as (store, settings):
        from metrics import retention

        gone = retention.apply(store, retention.Horizon.of(store, settings, utcnow()))
    if as_json:
        print_json({"deleted": gone})
    else:
        print_line("deleted " + (", ".join(f"{n:,} {name}" for name, n in gone.items() if n) or "nothing"))


def _said(days: int | None) -> str:
    return "as in the settings" if days is None else f"{days} days"
