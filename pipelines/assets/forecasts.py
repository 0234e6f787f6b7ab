"""The assets of forecasts: of the days after a day, and of the hours after each six (docs/insights/forecasts.md)."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import dagster as dg

from metrics.clock import utcnow
from metrics.forecasts import WINDOW
from metrics.periods import DAY
from metrics.redis.events import forecasts_event
from pipelines.checks import forecast_checks
from pipelines.partitions import DAYS, SIX_HOURS, period_key, slot_key, slot_of_key, start_of_key
from pipelines.resources import Tidemark
from pipelines.runs.failures import one_line_failures, retried
from pipelines.runs.progress import Progress

if TYPE_CHECKING:
    from pipelines.insights.forecasts.make import MakeReport

RETRIES = dg.RetryPolicy(max_retries=3, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""Retries in case a store does not answer."""


def _columns(*own: dg.TableColumn, unit: str) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn("accountId", "string", "The account."),
            dg.TableColumn("metric", "string", "The metric, by its name in rollups."),
            *own,
            dg.TableColumn("madeAt", "datetime", "When it was made."),
            dg.TableColumn("values", "array", f"A value per {unit}; the bounds of 80 % and 95 % are beside."),
            dg.TableColumn("backtest", "object", f"How good the method was on earlier {unit}s."),
            dg.TableColumn("due", "object", f"How good earlier forecasts were on the {unit}s that came due."),
            dg.TableColumn("unavailable", "string", "Why there is no forecast."),
        ]
    )


_OF_DAYS = _columns(
    dg.TableColumn("day", "datetime", "The day at whose end the forecast was made."),
    dg.TableColumn("origin", "string", "The newest day with a value; the forecast is of the days after it."),
    unit="day",
)
_OF_HOURS = _columns(
    dg.TableColumn("window", "datetime", "The start of the six hours at whose end the forecast was made."),
    dg.TableColumn("origin", "datetime", "The newest hour with a value; the forecast is of the hours after it."),
    unit="hour",
)


@dg.asset(
    name="account_forecasts",
    deps=["daily_rollup"],
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="insights",
    kinds={"mongodb"},
    owners=["team:data"],
    pool="insights",
    check_specs=forecast_checks.specs("account_forecasts"),
    # Each day is materialised by an event of its own, as soon as it is written.
    output_required=False,
    metadata={"dagster/column_schema": _OF_DAYS},
    description="What is to be expected of daily numbers of every account in the 28 days after a day, with intervals "
    "from back-tests, or the reason why nothing can be said. What was said is kept: a day that is materialised again "
    "gets only what it lacks.",
)
def account_forecasts(context: dg.AssetExecutionContext, tidemark: Tidemark) -> Iterator[dg.AssetCheckResult]:
    """Forecast the days after each day of the run, oldest first; a day that has not ended is left out."""
    # NumPy is imported here, because no other run needs it.
    from pipelines.insights.forecasts.make import make

    with retried(context, RETRIES), one_line_failures():
        clients = tidemark.clients()
        days = sorted(start_of_key(key) for key in context.partition_keys)
        progress = Progress(len(days), context.log.info)

        def announce(workspace_id: str, said_of: datetime, made: int, refused: int) -> None:
            event = forecasts_event(workspace_id, said_of, utcnow(), made, refused, grain="day")
            clients.announce(workspace_id, [event])

        for day in days:
            now = utcnow()
            if day + DAY > now:
                context.log.warning("%s has not ended: it is forecast when it has", period_key(day))
                continue
            report = make(clients.store, day, now=now, run_id=context.run.run_id, announce=announce)
            progress.step(f"{period_key(day)}: {report.summary()}")
            context.log_event(
                dg.AssetMaterialization(context.asset_key, partition=period_key(day), metadata=_metadata(report))
            )
        yield forecast_checks.result(clients.store, "account_forecasts", utcnow())


@dg.asset(
    name="hourly_forecasts",
    # Its runs derive what accounts gained in each hour.
    deps=["anomalies"],
    partitions_def=SIX_HOURS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="insights",
    kinds={"mongodb"},
    owners=["team:data"],
    pool="insights",
    check_specs=forecast_checks.specs("hourly_forecasts"),
    output_required=False,
    metadata={"dagster/column_schema": _OF_HOURS},
    description="What is to be expected of engagement and followers of every account in the 48 hours after each six, "
    "with intervals from back-tests, or the reason why nothing can be said. What was said is kept.",
)
def hourly_forecasts(context: dg.AssetExecutionContext, tidemark: Tidemark) -> Iterator[dg.AssetCheckResult]:
    """Forecast the hours after each window of the run, oldest first; a window that has not ended is left out."""
    # NumPy is imported here, because no other run needs it.
    from pipelines.insights.forecasts.make_hours import make_hours

    with retried(context, RETRIES), one_line_failures():
        clients = tidemark.clients()
        windows = sorted(slot_of_key(key) for key in context.partition_keys)
        progress = Progress(len(windows), context.log.info)

        def announce(workspace_id: str, said_of: datetime, made: int, refused: int) -> None:
            event = forecasts_event(workspace_id, said_of, utcnow(), made, refused, grain="hour")
            clients.announce(workspace_id, [event])

        for window in windows:
            now = utcnow()
            if window + WINDOW > now:
                context.log.warning("the six hours from %s have not ended: they are forecast then", slot_key(window))
                continue
            report = make_hours(clients.store, window, now=now, run_id=context.run.run_id, announce=announce)
            progress.step(f"{slot_key(window)}: {report.summary()}")
            context.log_event(
                dg.AssetMaterialization(context.asset_key, partition=slot_key(window), metadata=_metadata(report))
            )
        yield forecast_checks.result(clients.store, "hourly_forecasts", utcnow())


def _metadata(report: "MakeReport") -> dict[str, dg.MetadataValue]:
    points = report.due["points"]
    counts = {
        "dagster/partition_row_count": report.made + report.refused.total(),
        "workspaces": report.workspaces,
        "accounts": report.accounts,
        "forecasts": report.made,
        "forecasts_of_workspaces": report.sums,
        "refused": report.refused.total(),
        "failed": report.failed,
        "said_before_and_kept": report.kept,
        "due": points,
        **{f"refused_{reason}": count for reason, count in sorted(report.refused.items())},
        **{f"method_{method}": count for method, count in sorted(report.methods.items())},
    }
    found: dict[str, dg.MetadataValue] = {name: dg.MetadataValue.int(count) for name, count in counts.items()}
    if points:
        found |= {
            f"due_inside_{name}_percent": dg.MetadataValue.float(round(100 * report.due[f"inside{name}"] / points, 1))
            for name in ("80", "95")
        }
        found["due_error"] = dg.MetadataValue.float(round(report.due["error"] / points, 3))
        found["due_error_of_back_tests"] = dg.MetadataValue.float(round(report.due["expected"] / points, 3))
    return found
