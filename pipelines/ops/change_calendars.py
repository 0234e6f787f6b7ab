"""The job `change_calendars`: complete the changes of calendars that were requested, one workspace after the other.

Which changes are left to do stands in MongoDB (`metrics.store.calendars`), so a run that is killed loses nothing: the
next one goes on where it ended. The sensor `requested_work` requests the runs.
"""

from collections.abc import Sequence
from time import monotonic

import dagster as dg

from metrics.clock import isoformat, utcnow
from metrics.collection.calendars import unfinished
from metrics.documents import OperationDocument
from metrics.errors import Unavailable
from metrics.upkeep.retention import Horizon
from pipelines.resources import Clients, Tidemark
from pipelines.rollup.recalendar import Change, change_calendar
from pipelines.runs.failures import one_line_failures
from pipelines.runs.tags import CALENDARS, Priority

_PROGRESS_SECONDS = 5.0
"""How often the log tells how far a change is."""


@dg.op(
    # A pool of its own, so that hours and days never wait for it.
    pool="calendars",
    description="Derives the rollups of workspaces in their new calendars, and then lets these calendars answer reads.",
)
def derive_in_new_calendars(context: dg.OpExecutionContext, tidemark: Tidemark) -> None:
    """Change the calendars of all workspaces that wait for it; one that fails does not keep the others waiting."""
    with one_line_failures():
        clients = tidemark.clients()
        failed: dict[str, Exception] = {}
        for workspace_id in clients.store.calendars.with_upcoming():
            try:
                _change(context, clients, workspace_id)
            except Unavailable:
                raise
            except Exception as error:
                context.log.exception("the calendar of %s could not be changed", workspace_id)
                failed[workspace_id] = error
        if failed:
            raise next(iter(failed.values()))


@dg.job(
    description="Changes the calendars of workspaces: derives their days, weeks and months again.",
    tags={CALENDARS: "true", **Priority.ROLLUP, "dagster/max_runtime": "86400"},
)
def change_calendars() -> None:
    """Change calendars."""
    derive_in_new_calendars()


def _change(context: dg.OpExecutionContext, clients: Clients, workspace_id: str) -> None:
    mine = unfinished(clients.store, workspace_id)
    for operation in mine:
        if clients.store.operations.start(operation["_id"], context.run_id):
            clients.announce_operation(operation["_id"])
    told = monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal told
        _report(clients, mine, done, total)
        if monotonic() - told >= _PROGRESS_SECONDS:
            told = monotonic()
            context.log.info("%s: %s of %s periods (%d %%)", workspace_id, done, total, 100 * done // total)

    now = utcnow()
    change = change_calendar(
        clients.store,
        workspace_id,
        run_id=context.run_id,
        horizon=Horizon.of(clients.store, clients.settings, now),
        now=now,
        progress=progress,
    )
    if change is None:
        context.log.info("%s: the calendar was changed once more meanwhile; that change comes next", workspace_id)
        return
    # With the new version of the data, no answer is read from the cache that the former calendar gave.
    clients.announce(workspace_id, [])
    for operation in mine:
        if clients.store.operations.finish(operation["_id"], "succeeded") is not None:
            clients.announce_operation(operation["_id"])
    context.log.info("%s", _summary(change))


def _report(clients: Clients, operations: Sequence[OperationDocument], done: int, total: int) -> None:
    for operation in operations:
        if clients.store.operations.progress(operation["_id"], {"done": done, "expected": total}) is not None:
            clients.announce_operation(operation["_id"])


def _summary(change: Change) -> str:
    before = f", before {isoformat(change.former_until)} the former one answers" if change.former_until else ""
    calendar = ", ".join(f"{name} {value}" for name, value in change.calendar.described().items())
    return f"{change.workspace_id}: {change.periods} periods derived{before}; the calendar is {calendar}"
