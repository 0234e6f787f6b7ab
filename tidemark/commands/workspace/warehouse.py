"""The commands `tidemark warehouse`: the databases of analysts into which every day is loaded."""

import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metrics.clock import isoformat, utcnow
from metrics.errors import InvalidInput, NotFound
from metrics.ids import check_id
from tidemark.commands.console import confirm, print_json, print_line, print_table
from tidemark.commands.stores import open_redis, open_store
from tidemark.commands.user import user

if TYPE_CHECKING:
    from metrics.store import Store
    from metrics.store.workspace.warehouses import WarehouseDocument

app = typer.Typer(no_args_is_help=True, help="Warehouses: add one, try it, load it, see how it stands, remove it.")

Name = Annotated[str, typer.Argument(help="The name of the warehouse, as main.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_LARGEST = 8 * 1024


@app.command(
    epilog="Examples: tidemark warehouse add main duckdb --path $PWD/warehouse.duckdb; "
    "tidemark warehouse add main postgres --url-from url.txt"
)
def add(
    name: Name,
    kind: Annotated[str, typer.Argument(help="duckdb or postgres.")],
    path: Annotated[Path | None, typer.Option(help="DuckDB: the file, which is created if it is missing.")] = None,
    schema: Annotated[
        str | None, typer.Option(help="PostgreSQL: the schema of the tables; without it, tidemark.")
    ] = None,
    url_from: Annotated[
        str | None, typer.Option(help="PostgreSQL: a file with the URL of the database, or - for standard input.")
    ] = None,
    workspace: Annotated[str | None, typer.Option(help="Load only this workspace.")] = None,
    as_json: Json = False,
) -> None:
    """Add a warehouse, or change one, after trying it; all days that have rollups are loaded then."""
    from metrics.warehouse.opening import KINDS

    if kind not in KINDS:
        raise InvalidInput(f"{kind} is none of {', '.join(KINDS)}", "KIND")
    options = {} if path is None else {"path": str(path.absolute())}
    options |= {} if schema is None else {"schema": schema}
    with open_store(create=True) as (store, settings):
        from metrics.warehouse.warehouses import add_warehouse

        if workspace is not None and workspace not in store.accounts.workspaces():
            check_id(workspace, "--workspace")
            raise NotFound(f"there is no workspace {workspace}: see `tidemark accounts list`")
        url = None if url_from is None else _url(url_from)
        wanted: Any = (name, kind, options)
        days = add_warehouse(
            store, settings, *wanted, by=user(), now=utcnow(), url=url, workspace_id=workspace
        )  # fmt: skip
    if as_json:
        print_json({"name": name, "kind": kind, "daysToLoad": days})
    else:
        print_line(
            f"{name}: the tables are there; {days:,} days of workspaces will be loaded (`tidemark warehouse sync`)"
        )


def _url(place: str) -> str:
    """Return the URL of a file; it is not given as an option, because every user of a machine sees those."""
    try:
        content = sys.stdin.buffer.read(_LARGEST) if place == "-" else Path(place).read_bytes()[:_LARGEST]
        return content.decode("utf-8-sig").strip()
    except OSError as error:
        raise InvalidInput(f"{place}: {error.strerror}", "--url-from") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{place}: not UTF-8 text", "--url-from") from None


@app.command("test", epilog="Example: tidemark warehouse test main")
def try_(name: Name, as_json: Json = False) -> None:
    """Connect to a warehouse, and create or complete its tables."""
    with open_store() as (store, settings):
        from metrics.warehouse.warehouses import existing, try_warehouse

        try_warehouse(existing(store, name), settings)
    if as_json:
        print_json({"name": name, "ok": True})
    else:
        print_line(f"{name}: it answers, and its tables are complete")


@app.command(epilog="Example: tidemark warehouse status --json")
def status(as_json: Json = False) -> None:
    """Show all warehouses: how many days are to be loaded, and how the newest load ended."""
    with open_store() as (store, _):
        found = [_shown(store, one) for one in store.warehouses.all()]
    if as_json:
        print_json(found)
        return
    print_table(
        ("name", "kind", "where", "workspace", "days to load", "last load", "error"),
        [
            (
                one["name"],
                one["kind"],
                ", ".join(one["options"].values()),
                one["workspaceId"] or "all",
                f"{one['daysToLoad']:,}",
                one["lastLoadAt"] or "never",
                one["error"] or "",
            )
            for one in found
        ],
    )


def _shown(store: "Store", warehouse: "WarehouseDocument") -> dict[str, Any]:
    last = warehouse.get("last")
    return {
        "name": warehouse["_id"],
        "kind": warehouse["kind"],
        "options": warehouse["options"],
        "workspaceId": warehouse.get("workspaceId"),
        "daysToLoad": store.warehouse_marks(warehouse["_id"]).count(),
        "lastLoadAt": isoformat(last["at"]) if last else None,
        "error": last.get("error") if last else None,
    }


@app.command(epilog="Example: tidemark warehouse sync main")
def sync(name: Name, as_json: Json = False) -> None:
    """Load all days that changed now, the present one too, without waiting for Dagster."""
    with open_store() as (store, settings), open_redis(settings) as redis:
        from metrics.warehouse.loader import Loader, opened
        from metrics.warehouse.warehouses import existing

        warehouse = existing(store, name)
        with opened(warehouse, settings, redis) as destination:
            report = Loader(store, settings, destination, name, f"sync by {user()}").load(
                store.warehouse_marks(name).pending(utcnow())
            )
        store.warehouses.note(name, {"at": utcnow()})
    if as_json:
        print_json({"name": name, "days": report.days, "rows": report.rows(), "kept": report.kept})
    else:
        print_line(report.summary())


@app.command(epilog="Example: tidemark warehouse backfill main --from 2026-01-01 --to 2026-01-31")
def backfill(
    name: Name,
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day.")] = None,
    as_json: Json = False,
) -> None:
    """Mark all days that have rollups, or those of a range, to be loaded again; Dagster or `sync` loads them."""
    days = tuple(None if one is None else one.date() for one in (first, last))
    _check_range(*days)
    with open_store() as (store, _):
        from metrics.warehouse.marking import mark_stored
        from metrics.warehouse.warehouses import existing

        marked = mark_stored(store, existing(store, name), *days)
    if as_json:
        print_json({"name": name, "daysToLoad": marked})
    else:
        print_line(f"{name}: {marked:,} days of workspaces will be loaded")


def _check_range(first: date | None, last: date | None) -> None:
    if first and last and last < first:
        raise InvalidInput(f"--to: {last} is before {first}", "--to")


@app.command(epilog="Example: tidemark warehouse remove main --yes")
def remove(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    as_json: Json = False,
) -> None:
    """Remove a warehouse: nothing is loaded into it any more. Its tables stay, and erasures no longer reach them."""
    if not yes:
        confirm(f"Remove the warehouse {name}? Its tables stay, and later erasures do not reach them.")
    with open_store() as (store, _):
        from metrics.warehouse.warehouses import remove_warehouse

        remove_warehouse(store, name)
    if as_json:
        print_json({"name": name, "removedAt": isoformat(utcnow())})
    else:
        print_line(f"{name} is removed; its tables stay")
