"""`tidemark rebuild`: derive rollups again from the log, or prove that they are what the log says."""

from datetime import date
from typing import Annotated

import typer

from metrics.errors import InvalidInput
from metrics.periods import DAY, midnight
from pipelines.rollup import rebuild as rebuild_rollups
from tidemark.commands.console import out
from tidemark.commands.stores import open_store

MAX_SHOWN = 20


def rebuild(
    first: Annotated[str, typer.Option("--from", help="First day, 2026-01-15.")],
    last: Annotated[str, typer.Option("--to", help="Last day, included.")],
    check: Annotated[bool, typer.Option(help="Change nothing; compare, and exit 1 on a difference.")] = False,
) -> None:
    """Derive rollups again. Example: tidemark rebuild --from 2026-01-01 --to 2026-01-31 --check"""
    start, end = midnight(_day(first, "--from")), midnight(_day(last, "--to")) + DAY
    with open_store() as (store, _):
        report = rebuild_rollups(store, start, end, run_id="rebuild", check=check)
    for difference in report.differences[:MAX_SHOWN]:
        out.print(str(difference), markup=False, soft_wrap=True)
    if check:
        out.print(f"{report.compared} rollups compared, {len(report.differences)} differ")
        if report.differences:
            raise typer.Exit(1)
    else:
        out.print(f"{report.changed} rollups changed")


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{option}: {text} is no date; write it as 2026-01-15") from None
