"""The asset `forecast_models`: what is learned every week from the series of all accounts that allow it."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import dagster as dg

from metrics.periods import WEEK
from pipelines.assets.ended import RETRIES, Metadata, each_ended
from pipelines.partitions import WEEKS, start_of_key
from pipelines.resources import Tidemark
from pipelines.runs.failures import one_line_failures, retried
from pipelines.runs.tables import whole_numbers

if TYPE_CHECKING:
    from pipelines.insights.forecasts.challenger.train import TrainReport

_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("grain", "string", "day or hour."),
        dg.TableColumn("knownUntil", "datetime", "The model knows nothing of this instant and later."),
        dg.TableColumn("trainedFrom", "datetime", "The first instant of the series that it was learned from."),
        dg.TableColumn("series", "int", "How many series it was learned from."),
        dg.TableColumn("error", "double", "The error of an older model in days or hours that it did not know."),
        dg.TableColumn("errorOfCombination", "double", "The error of the combination there."),
        dg.TableColumn("trees", "binary", "The trees, as arrays."),
    ]
)


@dg.asset(
    name="forecast_models",
    deps=["daily_rollup", "anomalies"],
    partitions_def=WEEKS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="insights",
    kinds={"mongodb", "scikitlearn"},
    owners=["team:data"],
    pool="insights",
    output_required=False,
    metadata={"dagster/column_schema": _COLUMNS},
    description="One model of days and one of hours, learned from the series of all accounts whose workspaces allow "
    "it. Forecasts try them beside each series' own methods. The first run also trains those that back-tests need.",
)
def forecast_models(context: dg.AssetExecutionContext, tidemark: Tidemark) -> Iterator[dg.Output[None]]:
    """Train at the end of each week of the run, oldest first; a week that has not ended is left out."""
    # NumPy is imported here, because few other runs need it.
    from pipelines.insights.forecasts.challenger.train import train

    with retried(context, RETRIES), one_line_failures():
        store = tidemark.clients().store

        def make(week: datetime, now: datetime) -> "TrainReport":
            return train(store, week + WEEK, now=now, run_id=context.run.run_id)

        each_ended(context, start_of_key, WEEK, make, _metadata)
    yield from ()


def _metadata(report: "TrainReport", _week: datetime) -> Metadata:
    counts = {
        "dagster/partition_row_count": report.made,
        "models": report.made,
        "too_few_series": report.too_few,
        "trained_before_and_kept": report.kept,
        **{f"series_{grain}": one["series"] for grain, one in report.newest.items()},
        **{f"rows_{grain}": one["rows"] for grain, one in report.newest.items()},
    }
    found = whole_numbers(counts)
    for grain, one in report.newest.items():
        if one["error"] is not None and one["errorOfCombination"] is not None:
            found[f"error_{grain}"] = dg.MetadataValue.float(one["error"])
            found[f"error_of_combination_{grain}"] = dg.MetadataValue.float(one["errorOfCombination"])
    return found
