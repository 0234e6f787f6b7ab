"""Jobs: collect an hour, roll up, forecast, find anomalies, read histories, check freshness, export, prune runs."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from metrics.clock import utcnow
from metrics.periods import PERIODS, Period, midnight, period_start
from metrics.settings import Settings
from pipelines.checks.freshness import CHECKS
from pipelines.collect.history import LAST_STEP_SECONDS, SECONDS
from pipelines.partitions import FIRST_HOUR, period_key, slot_key
from pipelines.platforms.registry import PLATFORMS_IMPLEMENTED
from pipelines.resources import Tidemark
from pipelines.runs import tables
from pipelines.runs.failures import one_line_failures
from pipelines.runs.pruning import purge
from pipelines.runs.storage import prune, shrink
from pipelines.runs.tags import HISTORY, ONE_PARTITION, Priority

AssetJob: TypeAlias = UnresolvedAssetJobDefinition
_FRESHNESS = dg.AssetSelection.checks(*CHECKS)

collect_hourly = dg.define_asset_job(
    "collect_hourly",
    # Freshness has a job of its own, because it has to be evaluated also if nothing is collected.
    selection=dg.AssetSelection.groups("raw") - _FRESHNESS,
    description="Collects one hour of every platform: all active accounts, or those that an operation or sensor names.",
    tags={**Priority.HOURLY, **ONE_PARTITION},
)


_ROLLED: Mapping[Period, str] = {
    "daily": "Computes the numbers of UTC days from observations, for every workspace or those that changed.",
    "weekly": "Merges the days of weeks from Monday, for every workspace or those that changed.",
    "monthly": "Merges the days of calendar months, for every workspace or those that changed.",
}


def _aggregate(period: Period) -> AssetJob:
    return dg.define_asset_job(
        f"aggregate_{period}",
        selection=dg.AssetSelection.assets(f"{period}_rollup"),
        description=_ROLLED[period],
        tags=Priority.ROLLUP,
    )


def _insight(name: str, assets: str | Sequence[str], description: str) -> AssetJob:
    names = [assets] if isinstance(assets, str) else assets
    return dg.define_asset_job(
        name, selection=dg.AssetSelection.assets(*names), description=description, tags=Priority.ROLLUP
    )


AGGREGATE: Mapping[Period, AssetJob] = {
    "daily": _aggregate("daily"),
    "weekly": _aggregate("weekly"),
    "monthly": _aggregate("monthly"),
}
read_watched = dg.define_asset_job(
    "read_watched",
    selection=dg.AssetSelection.assets("raw_public", "public_rollup"),
    description="Reads the public numbers of all watched accounts that were not read today, and rolls them up.",
    tags={**Priority.ROLLUP, **ONE_PARTITION},
)
forecast_daily = _insight(
    "forecast_daily",
    "account_forecasts",
    "Says what is to be expected after a day, with intervals, for every workspace.",
)
forecast_hours = _insight(
    "forecast_hours",
    "hourly_forecasts",
    "Says what is to be expected of the next 48 hours, with intervals, for every workspace.",
)
train_forecasts = _insight(
    "train_forecasts",
    "forecast_models",
    "Learns from the series of all accounts that allow it how forecasts err.",
)
find_anomalies = _insight(
    "find_anomalies",
    "anomalies",
    "Finds what was out of the ordinary in the ended hours of a day, and in the day once it has ended.",
)
outlooks_hourly = _insight(
    "outlooks_hourly",
    # One run makes both, because a run costs seconds of process start and both are made from the same curves.
    ("post_outlooks", "breakout_posts"),
    "Says what becomes of young posts, with intervals, and finds those that break out, for every workspace.",
)
decay_daily = _insight("decay_daily", "content_decay", "Says how fast posts age, for every workspace.")
best_times_weekly = _insight(
    "best_times_weekly",
    "best_times",
    "Says at which hours posts do better, if that can be shown, for every workspace.",
)
check_freshness = dg.define_asset_job(
    "check_freshness",
    selection=_FRESHNESS,
    description="Evaluates the check `freshness`: how old is the newest hour of every platform in MongoDB?",
)
export_daily = dg.define_asset_job(
    "export_daily",
    selection=dg.AssetSelection.groups("export"),
    description="Writes observations and rollups of days as Parquet files into the folder of TIDEMARK_EXPORT_URL.",
)

load_warehouses = dg.define_asset_job(
    "load_warehouses",
    selection=dg.AssetSelection.assets("export_warehouse"),
    description="Loads observations and rollups of days into the warehouses of `tidemark warehouse`.",
)


@dg.op(
    # A pool of its own, so that steps of hourly collection never wait for it.
    pool="history",
    description="Reads the history of accounts for some minutes, those that have waited longest first.",
)
def read_histories(context: dg.OpExecutionContext, tidemark: Tidemark) -> None:
    """Read the histories that were requested; the next run reads what is left."""
    with one_line_failures():
        report = tidemark.clients().history_reader().read(run_id=context.run_id, say=context.log.info)
    for failure in report.failures:
        context.log.warning("%s", failure)
    context.log.info(report.summary())
    context.add_output_metadata(tables.history_metadata(report))


@dg.job(
    description="Reads the history of accounts that were connected: posts and the platform's own days.",
    # A run ends by itself before that. The limit is for runs whose process died with its code server, unnoticed.
    tags={HISTORY: "true", **Priority.HISTORY, "dagster/max_runtime": str(int(SECONDS + LAST_STEP_SECONDS))},
)
def collect_history() -> None:
    """Read histories, at a lower priority than hours."""
    read_histories()


@dg.op(description="Deletes runs older than TIDEMARK_RUN_HISTORY_DAYS; their partitions stay materialised.")
def purge_runs(context: dg.OpExecutionContext, tidemark: Tidemark) -> None:
    """Delete old runs, the oldest first."""
    days = tidemark.settings().run_history_days
    purged = purge(context.instance, utcnow() - timedelta(days=days))
    context.log.info("%s runs older than %s days deleted, %s partitions kept", purged.runs, days, purged.partitions)


def first_partitions(settings: Settings, now: datetime) -> dict[dg.AssetKey, str]:
    """Return, by asset, the first partition whose events are kept: older partitions have no data any more."""
    hours = {dg.AssetKey(f"raw_{platform}"): slot_key(FIRST_HOUR) for platform in PLATFORMS_IMPLEMENTED}
    kept = midnight((now - timedelta(days=settings.rollup_retention_days)).date())
    of_days = ("account_forecasts", "anomalies", "content_decay", "best_times", "forecast_models")
    public = ("raw_public", "public_rollup")
    insights = {dg.AssetKey(name): period_key(kept) for name in (*of_days, *public)}
    of_hours = ("post_outlooks", "breakout_posts", "hourly_forecasts")
    insights |= {dg.AssetKey(name): slot_key(FIRST_HOUR) for name in of_hours}
    return (
        hours
        | insights
        | {dg.AssetKey(f"{period}_rollup"): period_key(period_start(period, kept)) for period in PERIODS}
    )


@dg.op(
    ins={"after": dg.In(dg.Nothing)},
    description="Deletes old rows that remain after runs are deleted, and frees disk space.",
)
def tidy_storage(context: dg.OpExecutionContext, tidemark: Tidemark) -> None:
    """Delete old events without a run, check records and backfills; then shrink SQLite's files."""
    settings, now = tidemark.settings(), utcnow()
    days = settings.run_history_days
    pruned = prune(context.instance, now - timedelta(days=days), first_partitions(settings, now))
    context.log.info(
        "%s events without a run, %s records of checks and %s backfills older than %s days deleted",
        pruned.events,
        pruned.checks,
        pruned.backfills,
        days,
    )
    shrunk = shrink(context.instance)
    context.log.info("%s bytes of disk space freed", shrunk.given_back)
    if shrunk.busy:
        context.log.warning("%s: in use, will be shrunk another day", ", ".join(shrunk.busy))


@dg.job(description="Deletes Dagster's old history; the data is not touched.")
def purge_history() -> None:
    """Delete old runs, then other old rows, so that Dagster's storage does not grow for ever."""
    tidy_storage(purge_runs())


JOBS = [
    collect_hourly,
    *AGGREGATE.values(),
    read_watched,
    forecast_daily,
    forecast_hours,
    train_forecasts,
    find_anomalies,
    outlooks_hourly,
    decay_daily,
    best_times_weekly,
]
"""The jobs that work on partitions."""
