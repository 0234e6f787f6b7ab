"""What a raw asset does with its hours, whether one step collects them or several."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

import dagster as dg

from metrics.clock import utcnow
from metrics.collection.hours import HourState, hour_states
from metrics.documents import Platform
from metrics.upkeep.retention import Horizon
from metrics.visible import visible
from pipelines.checks import freshness
from pipelines.checks import raw as checks
from pipelines.collect.days import AskedDays
from pipelines.collect.report import CollectReport
from pipelines.collect.shards import Shard
from pipelines.partitions import slot_key
from pipelines.resources import Clients
from pipelines.runs import operations, tables
from pipelines.runs.requested_partitions import HOURLY, asked
from pipelines.runs.scope import scope_of_hour
from pipelines.runs.tags import ASSETS, OPERATION

_KEEP_MORE = (
    "Raise TIDEMARK_RETENTION_DAYS and run `tidemark retention sync`, or raise the workspace's own days by "
    "`tidemark retention set`, and launch it again."
)


def slots(context: dg.AssetExecutionContext) -> list[datetime]:
    """Return the hours of a run, the newest first: it is the one that cannot be asked for again.

    Raises:
        InvalidInput: they cannot be meant; the message says what to ask for.
    """
    return asked(context.run.tags, HOURLY, utcnow())[::-1]


def carrying_out(context: dg.AssetExecutionContext, clients: Clients) -> AbstractContextManager[operations.Outcome]:
    """Keep the run's operation informed, where it has one."""
    parts = int(context.run.tags.get(ASSETS, 1))
    name = context.assets_def.key.to_user_string()
    return operations.carrying_out(clients, context.run.tags.get(OPERATION), context.run.run_id, name, parts)


def collect(
    context: dg.AssetExecutionContext,
    clients: Clients,
    platform: Platform,
    slot: datetime,
    asked: AskedDays,
    shard: Shard | None = None,
) -> CollectReport:
    """Collect one hour, or a shard of it, of the workspaces that keep it, and say in the log what failed.

    `asked` is one for all hours of a run.
    """
    work = scope_of_hour(clients, context.run.tags, platform, slot)
    workspaces = work.workspace_ids
    if older := set(older_than_kept(clients, platform, slot)):
        known = clients.store.accounts.workspaces(platform) if workspaces is None else workspaces
        workspaces = tuple(workspace_id for workspace_id in known if workspace_id not in older)
    report = clients.collector().collect(
        platform,
        slot,
        run_id=context.run.run_id,
        workspace_ids=workspaces,
        account_ids=work.account_ids,
        shard=shard,
        asked=asked,
    )
    for failure in report.failures:
        context.log.warning("%s: %s", slot_key(slot), visible(str(failure)))
    return report


def older_than_kept(clients: Clients, platform: Platform, slot: datetime) -> list[str]:
    """Return the workspaces with active accounts whose observations of an hour would be deleted at once, sorted.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    horizon = Horizon.of(clients.store, clients.settings, utcnow())
    return horizon.older(slot, lambda: clients.store.accounts.workspaces(platform))


def materialize(context: dg.AssetExecutionContext, clients: Clients, report: CollectReport) -> None:
    """Materialise one hour now, whatever becomes of the others of the run; not one in which every account failed.

    The metadata tell of the whole hour, whatever of it this run was about, and of the run beside it.
    """
    state = _state(clients, report)
    if _is_empty_handed(context, report, state):
        return
    asset, key = context.assets_def.key, slot_key(report.slot)
    metadata = tables.collect_metadata(report, state) | tables.collect_plot(context.instance, asset, state)
    said = [tables.brought_nothing(report)] if report.expected and not report.rows else []
    if older := len(older_than_kept(clients, report.platform, report.slot)):
        metadata |= tables.older_metadata(older)
        said.append(f"Older than kept in {older} workspaces: nothing was collected for them.")
        context.log.warning("%s: %s %s", key, said[-1], _KEEP_MORE)
    description = " ".join(said) or None
    context.log_event(dg.AssetMaterialization(asset, partition=key, metadata=metadata, description=description))
    context.log_event(freshness.evaluate(clients.store, asset, report.platform, utcnow()))


def _state(clients: Clients, report: CollectReport) -> HourState:
    horizon = Horizon.of(clients.store, clients.settings, utcnow())
    return hour_states(clients.store, report.platform, [report.slot], horizon)[report.slot]


def _is_empty_handed(context: dg.AssetExecutionContext, report: CollectReport, state: HourState) -> bool:
    """Tell whether every account of an hour failed. What an operation asked for of some accounts says nothing of it."""
    return report.empty_handed and not state.observed and OPERATION not in context.run.tags


def accounts(reports: Sequence[CollectReport]) -> dict[str, int]:
    """Count accounts over the hours of a run; an operation has one hour."""
    return {
        "ok": sum(report.ok for report in reports),
        "failed": sum(report.failed for report in reports),
        "skipped": sum(report.skipped for report in reports),
    }


def conclude(
    context: dg.AssetExecutionContext, clients: Clients, reports: Sequence[CollectReport]
) -> Iterator[dg.AssetCheckResult]:
    """Yield the checks of a run's hours.

    Raises:
        Failure: in some hours every account failed; those are not materialised.
    """
    older = {r.slot: len(older_than_kept(clients, r.platform, r.slot)) for r in reports}
    yield from checks.results(clients, context.assets_def.key.to_user_string(), reports, older)
    found = [(report, _state(clients, report)) for report in reports if report.empty_handed]
    empty = [(report, state) for report, state in found if _is_empty_handed(context, report, state)]
    if empty:
        keys = ", ".join(slot_key(report.slot) for report, _ in empty)
        raise dg.Failure(
            f"every account failed in {keys}: see the table of failures",
            metadata=tables.collect_metadata(*empty[0]),
            allow_retries=False,
        )
