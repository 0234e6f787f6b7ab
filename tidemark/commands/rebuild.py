"""The command `tidemark rebuild`: derives rollups again from the log, or checks that they agree with it."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from metrics.clock import utcnow
from metrics.errors import InvalidInput
from metrics.periods import DAY, midnight
from tidemark.commands.console import print_json, print_line, progress
from tidemark.commands.stores import open_store

if TYPE_CHECKING:
    from pipelines.rollup import ComparisonReport, Difference

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
        from pipelines.rollup import compare_with_log
        from pipelines.rollup import rebuild as rebuild_rollups

        _refuse_unknown(workspace or [], store.accounts.workspaces())
        horizon = Horizon.of(store, settings, utcnow())
        if check:
            compared = compare_with_log(
                store, start, end, run_id="rebuild", workspace_ids=workspace, horizon=horizon, progress=show
            )
        else:
            rebuilt = rebuild_rollups(
                store, start, end, run_id="rebuild", workspace_ids=workspace, horizon=horizon, progress=show
            )
    if check:
        _show_comparison(compared, as_json)
    elif as_json:
        print_json({"changed": rebuilt.changed, "daysBeforeLog": rebuilt.before_log})
    else:
        print_line(f"{rebuilt.changed} rollups changed")


def _show_comparison(report: "ComparisonReport", as_json: bool) -> None:
    """Print a comparison, and exit with 1 if rollups differ that do not wait to be rolled up."""
    if as_json:
        listed = {"differences": report.differences, "waiting": report.waiting}
        fields = {name: [_as_json(one) for one in some] for name, some in listed.items()}
        print_json({"compared": report.compared, "daysBeforeLog": report.before_log, **fields})
    else:
        for difference in report.differences[:MAX_SHOWN]:
            print_line(str(difference))
        if (more := len(report.differences) - MAX_SHOWN) > 0:
            print_line(f"… and {more} more: --json lists all")
        print_line(f"{report.compared} rollups compared, {len(report.differences)} differ")
        if report.waiting:
            print_line(
                f"{len(report.waiting)} others wait to be rolled up, because observations came late: check later"
            )
    if report.differences:
        raise typer.Exit(1)


def _as_json(difference: "Difference") -> dict[str, str]:
    return {"collection": difference.collection, "id": difference.id, "kind": difference.kind}


def _refuse_unknown(wanted: list[str], known: list[str]) -> None:
    if unknown := sorted(set(wanted) - set(known)):
        raise InvalidInput(f"--workspace: there is no {', '.join(unknown)}; `tidemark accounts list` shows all")


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{option}: {text} is not a date; write it as 2026-01-15") from None
