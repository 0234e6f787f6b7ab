"""The assets of forecasts: of the days after a day, and of the hours after each six (docs/insights/forecasts.md)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Literal

import dagster as dg

from metrics.clock import utcnow
from metrics.forecasts import WINDOW
from metrics.periods import DAY
from metrics.redis.events import forecasts_event
from pipelines.assets.ended import RETRIES, Metadata, each_ended
from pipelines.checks import forecast_checks
from pipelines.partitions import DAYS, SIX_HOURS, slot_of_key, start_of_key
from pipelines.resources import Tidemark
from pipelines.runs.failures import one_line_failures, retried
from pipelines.runs.tables import whole_numbers
from pipelines.runs.trends import Plotted, periods_before, plot, windows_before

if TYPE_CHECKING:
    from pipelines.insights.forecasts.make import Make, MakeReport

Grain = Literal["day", "hour"]


@dataclass(frozen=True, slots=True)
class _Partitions:
    """The partitions of a grain: the start of one by its key, how long one lasts, and those to plot before one."""

    start_of: Callable[[str], datetime]
    length: timedelta
    before: Callable[[datetime], Sequence[str]]


_GRAINS: Mapping[Grain, _Partitions] = {
    "day": _Partitions(start_of_key, DAY, partial(periods_before, "daily")),
    "hour": _Partitions(slot_of_key, WINDOW, windows_before),
}
_PLOTS = (
    ("errors_before", Plotted("due_error", ""), "error of the {0}s that came due, in usual differences of such {0}s"),
    ("inside_80_before", Plotted("due_inside_80_percent", " %", 100.0), "{0}s that came due inside the 80 % interval"),
)
"""The name of each plot, the number that it shows, and what that is."""


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

    yield from _forecast(context, tidemark, "day", make)


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

    yield from _forecast(context, tidemark, "hour", make_hours)


def _forecast(
    context: dg.AssetExecutionContext, tidemark: Tidemark, grain: Grain, make: "Make"
) -> Iterator[dg.AssetCheckResult]:
    """Make the forecasts of each partition of a run, announce them, and judge what came due."""
    asset, of = context.asset_key, _GRAINS[grain]
    with retried(context, RETRIES), one_line_failures():
        clients = tidemark.clients()

        def announce(workspace_id: str, said_of: datetime, made: int, refused: int) -> None:
            event = forecasts_event(workspace_id, said_of, utcnow(), made, refused, grain=grain)
            clients.announce(workspace_id, [event])

        def make_one(start: datetime, now: datetime) -> "MakeReport":
            return make(clients.store, start, now=now, run_id=context.run.run_id, announce=announce)

        def metadata(report: "MakeReport", start: datetime) -> Metadata:
            counts = _counts(report)
            if not (due := _due(report)):
                return whole_numbers(counts)
            numbers = {name: dg.MetadataValue.float(value) for name, value in due.items()}
            plots = {
                name: plot(context.instance, asset, of.before(start), due[plotted.name], plotted, what.format(grain))
                for name, plotted, what in _PLOTS
            }
            return {**whole_numbers(counts), **numbers, **plots}

        each_ended(context, of.start_of, of.length, make_one, metadata)
        yield forecast_checks.result(clients.store, asset.to_user_string(), utcnow())


def _counts(report: "MakeReport") -> dict[str, int]:
    return {
        "dagster/partition_row_count": report.made + report.refused.total(),
        "workspaces": report.workspaces,
        "accounts": report.accounts,
        "forecasts": report.made,
        "forecasts_of_workspaces": report.sums,
        "refused": report.refused.total(),
        "failed": report.failed,
        "said_before_and_kept": report.kept,
        "due": report.due["points"],
        **{f"refused_{reason}": count for reason, count in sorted(report.refused.items())},
        **{f"method_{method}": count for method, count in sorted(report.methods.items())},
    }


def _due(report: "MakeReport") -> dict[str, float]:
    """Return how good the forecasts were that came due; nothing if none did."""
    if not (points := report.due["points"]):
        return {}
    return {
        **{f"due_inside_{name}_percent": round(100 * report.due[f"inside{name}"] / points, 1) for name in ("80", "95")},
        "due_error": round(report.due["error"] / points, 3),
        "due_error_of_back_tests": round(report.due["expected"] / points, 3),
    }
