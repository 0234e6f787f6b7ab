"""Steps that raw assets share, whether one step collects an hour or one per shard: collect, materialise, check."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

import dagster as dg

from metrics.clock import utcnow
from metrics.collection.hours import HourState, hour_states
from metrics.documents import Platform
from metrics.upkeep.retention import Horizon
from metrics.visible import visible
from pipelines.checks import freshness, raw_checks
from pipelines.collect.days import RequestedDays
from pipelines.collect.report import CollectReport
from pipelines.collect.shards import Shard
from pipelines.partitions import slot_key
from pipelines.resources import Clients
from pipelines.runs import operations, tables
from pipelines.runs.account_progress import AccountProgress
from pipelines.runs.requested_partitions import HOURLY, requested_starts
from pipelines.runs.scope import scope_of_hour
from pipelines.runs.tags import ASSETS, OPERATION

_KEEP_MORE = (
    "Raise TIDEMARK_RETENTION_DAYS and run `tidemark retention sync`, or raise the workspace's own days by "
    "`tidemark retention set`, and launch it again."
)


def slots(context: dg.AssetExecutionContext) -> list[datetime]:
    """Return the hours of a run, newest first, because the levels of the newest cannot be read later.

    Raises:
        InvalidInput: the run's partitions are missing or invalid; the message says what to launch instead.
    """
    return requested_starts(context.run.tags, HOURLY, utcnow())[::-1]


def report_outcome(context: dg.AssetExecutionContext, clients: Clients) -> AbstractContextManager[operations.Outcome]:
    """Report begin and outcome of this asset to the run's operation, if it has one."""
    parts = int(context.run.tags.get(ASSETS, 1))
    name = context.assets_def.key.to_user_string()
    return operations.report_outcome(clients, context.run.tags.get(OPERATION), context.run.run_id, name, parts)


def collect(
    context: dg.AssetExecutionContext,
    clients: Clients,
    platform: Platform,
    slot: datetime,
    requested: RequestedDays,
    shard: Shard | None = None,
) -> CollectReport:
    """Collect one hour, or a shard of it, for the workspaces that keep it, and log failures.

    All hours of a run share one `requested`.
    """
    work = scope_of_hour(clients, context.run.tags, platform, slot)
    workspaces = work.workspace_ids
    if older := set(older_than_kept(clients, platform, slot)):
        known = clients.store.accounts.workspaces(platform) if workspaces is None else workspaces
        workspaces = tuple(workspace_id for workspace_id in known if workspace_id not in older)
    progress = None
    if (batch_id := context.run.tags.get(OPERATION)) is not None:
        progress = AccountProgress(clients, batch_id, platform, shard.name if shard else "all")
    report = clients.collector().collect(
        platform,
        slot,
        run_id=context.run.run_id,
        workspace_ids=workspaces,
        account_ids=work.account_ids,
        shard=shard,
        requested=requested,
        every_post=work.every_post,
        on_account=progress.account_done if progress else None,
    )
    if progress:
        progress.finish()
    for failure in report.failures:
        context.log.warning("%s: %s", slot_key(slot), visible(str(failure)))
    return report


def older_than_kept(clients: Clients, platform: Platform, slot: datetime) -> list[str]:
    """Return the workspaces, sorted, with active accounts and a retention that would delete an hour's data at once.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    horizon = Horizon.of(clients.store, clients.settings, utcnow())
    return horizon.workspaces_without(slot, lambda: clients.store.accounts.workspaces(platform))


def materialize(context: dg.AssetExecutionContext, clients: Clients, report: CollectReport) -> None:
    """Materialise one hour at once, independently of the run's other hours, unless every account failed in it.

    The metadata describe the whole hour, even if the run collected a part of it; the run has numbers of its own.
    """
    state = _state(clients, report)
    if _is_empty_handed(context, report, state):
        return
    asset, key = context.assets_def.key, slot_key(report.slot)
    metadata = tables.collect_metadata(report, state) | tables.collect_plot(context.instance, asset, state)
    notes = [tables.no_observation_text(report)] if report.expected and not report.rows else []
    if older := len(older_than_kept(clients, report.platform, report.slot)):
        metadata |= tables.older_metadata(older)
        notes.append(f"Not collected for {older} workspaces, which no longer keep this hour.")
        context.log.warning("%s: %s %s", key, notes[-1], _KEEP_MORE)
    description = " ".join(notes) or None
    context.log_event(dg.AssetMaterialization(asset, partition=key, metadata=metadata, description=description))
    context.log_event(freshness.evaluate(clients.store, asset, report.platform, utcnow()))


def _state(clients: Clients, report: CollectReport) -> HourState:
    horizon = Horizon.of(clients.store, clients.settings, utcnow())
    return hour_states(clients.store, report.platform, [report.slot], horizon)[report.slot]


def _is_empty_handed(context: dg.AssetExecutionContext, report: CollectReport, state: HourState) -> bool:
    """Tell whether every account of an hour failed. Never for an operation, which collects only some accounts."""
    return report.empty_handed and not state.observed and OPERATION not in context.run.tags


def accounts(reports: Sequence[CollectReport]) -> dict[str, int]:
    """Sum the counts of accounts over the hours of a run; the run of an operation has one hour."""
    return {
        "ok": sum(report.ok for report in reports),
        "failed": sum(report.failed for report in reports),
        "skipped": sum(report.skipped for report in reports),
    }


def conclude(
    context: dg.AssetExecutionContext, clients: Clients, reports: Sequence[CollectReport]
) -> Iterator[dg.AssetCheckResult]:
    """Yield the results of the checks of a run's hours.

    Raises:
        Failure: in some hours every account failed; these hours are not materialised.
    """
    older = {r.slot: len(older_than_kept(clients, r.platform, r.slot)) for r in reports}
    yield from raw_checks.results(clients, context.assets_def.key.to_user_string(), reports, older)
    found = [(report, _state(clients, report)) for report in reports if report.empty_handed]
    empty = [(report, state) for report, state in found if _is_empty_handed(context, report, state)]
    if empty:
        keys = ", ".join(slot_key(report.slot) for report, _ in empty)
        raise dg.Failure(
            f"every account failed in {keys}: see the table of failures",
            metadata=tables.collect_metadata(*empty[0]),
            allow_retries=False,
        )
