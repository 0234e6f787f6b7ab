"""The command `tidemark rebuild`: derives rollups again from the log, or checks that they agree with it."""

from datetime import date
from typing import Annotated

import typer

from metrics.clock import utcnow
from metrics.errors import InvalidInput
from metrics.periods import DAY, midnight
from tidemark.commands.console import print_json, print_line, progress
from tidemark.commands.stores import open_store

MAX_SHOWN = 20


def rebuild(
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="First day, as 2026-01-15.")],
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="Last day, included.")],
    workspace: Annotated[list[str] | None, typer.Option(help="Only this workspace; repeat for more.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; compare, exit 1 on a difference.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Derive rollups again from the log, or compare the stored rollups with the log.

    This includes all weeks and months that overlap the range.
    """
    start, end = midnight(_day(first, "--from")), midnight(_day(last, "--to")) + DAY
    with open_store(create=not check) as (store, settings), progress("checking" if check else "rebuilding") as show:
        # Imported after the store is opened, so that an unreachable store is reported at once.
        from metrics.upkeep.retention import Horizon
        from pipelines.rollup import rebuild as rebuild_rollups

        _refuse_unknown(workspace or [], store.accounts.workspaces())
        report = rebuild_rollups(
            store,
            start,
            end,
            run_id="rebuild",
            workspace_ids=workspace,
            horizon=Horizon.of(store, settings, utcnow()),
            check=check,
            progress=show,
        )
    if as_json:
        differences = [{"collection": d.collection, "id": d.id, "kind": d.kind} for d in report.differences]
        counts = {"compared": report.compared} if check else {"changed": report.changed}
        print_json({**counts, "daysBeforeLog": report.before_log, "differences": differences})
    else:
        for difference in report.differences[:MAX_SHOWN]:
            print_line(str(difference))
        if (more := len(report.differences) - MAX_SHOWN) > 0:
            print_line(f"… and {more} more: --json lists all")
        compared = f"{report.compared} rollups compared, {len(report.differences)} differ"
        print_line(compared if check else f"{report.changed} rollups changed")
    if report.differences:
        raise typer.Exit(1)


def _refuse_unknown(wanted: list[str], known: list[str]) -> None:
    if unknown := sorted(set(wanted) - set(known)):
        raise InvalidInput(f"--workspace: there is no {', '.join(unknown)}; `tidemark accounts list` shows all")


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{option}: {text} is not a date; write it as 2026-01-15") from None
