"""The assets `raw_public` and `public_rollup`: the public numbers of watched accounts, by UTC day.

No platform shows the public numbers of a past day, so that `raw_public` reads for the present day alone. Accounts that
were looked at on that day are left out: a second run reads what a limit or an error left over.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

import dagster as dg

from metrics.clock import utcnow
from metrics.errors import InvalidInput, Unavailable
from metrics.periods import Period, midnight
from metrics.upkeep.retention import Horizon
from pipelines.assets.outside import platform_api_key
from pipelines.assets.rollups import RETRIES
from pipelines.checks import public_checks
from pipelines.partitions import DAYS, period_key
from pipelines.platforms.public.registry import PUBLIC_PLATFORMS
from pipelines.resources import Clients, Tidemark
from pipelines.rollup import RollReport, roll
from pipelines.runs import tables
from pipelines.runs.failures import one_line_failures, retried
from pipelines.runs.requested_partitions import grain_of, requested_starts
from pipelines.watching.report import WatchReport

_DAY = grain_of("daily")
ROLLUP = "public_rollup"
_WATCHED_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("timestamp", "datetime", "The slot: the UTC hour at whose end the account was read."),
        dg.TableColumn("metadata", "object", "The subject: workspace, watched account, and post if it is one."),
        dg.TableColumn("metrics", "object", "Canonical name to number; an absent metric is unknown."),
    ]
)


@dg.asset(
    name="raw_public",
    deps=[platform_api_key(platform) for platform in PUBLIC_PLATFORMS],
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="public",
    kinds={"python", "mongodb"},
    owners=["team:data"],
    # A pool of its own, so that steps of hourly collection never wait for it.
    pool="watched",
    check_specs=public_checks.raw_specs("raw_public"),
    metadata={"dagster/column_schema": _WATCHED_COLUMNS},
    description="Public numbers of every watched account and its young posts, read once on a UTC day and appended to "
    "`public_metrics`. Only the present day can be read, and accounts that were read on it are left out.",
)
def raw_public(context: dg.AssetExecutionContext, tidemark: Tidemark) -> Iterator[dg.MaterializeResult[None]]:
    """Read the watched accounts of all platforms; one platform that fails does not keep the others from being read."""
    with retried(context, RETRIES), one_line_failures():
        clients = tidemark.clients()
        day = _present_day(requested_starts(context.run.tags, _DAY, utcnow()))
        reports, failed = list[WatchReport](), list[Exception]()
        for platform in PUBLIC_PLATFORMS:
            try:
                report = clients.watched_reader().read(platform, run_id=context.run.run_id)
            except Unavailable:
                raise
            except Exception as error:
                context.log.exception("the watched accounts of %s could not be read", platform)
                failed.append(error)
                continue
            reports.append(report)
            told = context.log.warning if report.skipped or report.failed else context.log.info
            told(report.summary())
        yield dg.MaterializeResult(
            metadata=tables.watched_metadata(reports),
            check_results=[
                public_checks.completeness(clients.store, context.asset_key, day, reports),
                public_checks.impossible_values(clients.store, context.asset_key, day),
            ],
        )
        if failed:
            raise failed[0]


@dg.asset(
    name=ROLLUP,
    deps=[raw_public],
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="public",
    kinds={"mongodb"},
    owners=["team:data"],
    pool="rollups",
    check_specs=public_checks.rollup_specs(ROLLUP),
    output_required=False,
    description="Public numbers of every watched account over one day, and over the weeks and months that the day "
    "changes. When numbers come later, the sensor `late_data` has the day rolled up again.",
)
def public_rollup(context: dg.AssetExecutionContext, tidemark: Tidemark) -> Iterator[dg.AssetCheckResult]:
    """Roll up days of watched accounts, then the weeks and months that these changed."""
    with retried(context, RETRIES), one_line_failures():
        clients = tidemark.clients()
        days = requested_starts(context.run.tags, _DAY, utcnow())
        for day in days:
            roll_public(context, clients, "daily", day, None)
        longer: tuple[Period, ...] = ("weekly", "monthly")
        for period in longer:
            for mark in clients.store.public.marks.pending(period):
                roll_public(context, clients, period, mark.start, mark.workspaces)
        horizon = Horizon.of(clients.store, clients.settings, utcnow())
        yield public_checks.equals_log(clients.store, context.asset_key, days, context.run.run_id, horizon)


def roll_public(
    context: dg.OpExecutionContext | dg.AssetExecutionContext,
    clients: Clients,
    period: Period,
    start: datetime,
    workspaces: Sequence[str] | None,
) -> RollReport:
    """Roll up a period of watched accounts, for some workspaces or all, and show it in Dagster.

    A day materialises its partition. A week or a month has none, and is an observation of the day that it begins with.
    """

    now = utcnow()
    report = roll(
        clients.store.public,
        period,
        [start],
        run_id=context.run.run_id,
        workspace_ids=workspaces,
        horizon=Horizon.of(clients.store, clients.settings, now),
        announce=clients.announcer.announce_public_rollups,
    )
    event = dg.AssetMaterialization if period == "daily" else dg.AssetObservation
    metadata = {**tables.roll_metadata(report), "period": dg.MetadataValue.text(period)}
    context.log_event(event(dg.AssetKey(ROLLUP), partition=period_key(start), metadata=metadata))
    context.log.info("watched accounts, %s: %s", period_key(start), report.summary())
    return report


def _present_day(days: Sequence[datetime]) -> datetime:
    """Return the day of a run, which is the present one.

    Raises:
        InvalidInput: it is another one, or there are several.
    """
    today = midnight(utcnow().date())
    if list(days) != [today]:
        past = period_key(next((day for day in days if day != today), today))
        raise InvalidInput(
            f"{past} is over, and no platform shows the public numbers of a past day: launch the partition "
            f"{period_key(today)}",
            "partition",
        )
    return today
