"""The asset `anomalies`: what was out of the ordinary in a day and in its hours (docs/insights/anomalies.md)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import dagster as dg

from metrics.clock import utcnow
from metrics.periods import DAY, HOUR
from metrics.redis.events import anomaly_event
from pipelines.assets.ended import RETRIES, Metadata, each_ended
from pipelines.checks import anomaly_checks
from pipelines.partitions import DAYS, start_of_key
from pipelines.resources import Tidemark
from pipelines.runs.failures import one_line_failures, retried
from pipelines.runs.tables import whole_numbers

if TYPE_CHECKING:
    from metrics.anomalies import AnomalyDocument, Change
    from pipelines.insights.anomalies.make import FoundReport

_ANNOUNCED = 3 * DAY
"""An anomaly that ended longer ago is stored, and nobody is told of it."""
_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("accountId", "string", "The account; absent for a whole platform."),
        dg.TableColumn("metric", "string", "The metric, by its name in rollups."),
        dg.TableColumn("from", "datetime", "The start of its first hour or day."),
        dg.TableColumn("to", "datetime", "The end of its last hour or day."),
        dg.TableColumn("kind", "string", "spike, drop, shift, outage, platform or collection."),
        dg.TableColumn("observed", "double", "The sum over its hours or days."),
        dg.TableColumn("expected", "double", "What was expected of them, with `lo` and `hi` beside it."),
        dg.TableColumn("score", "double", "The farthest residual, in usual residuals of the series."),
        dg.TableColumn("severity", "int", "1 to 10, by how rarely the series has such an hour or day."),
        dg.TableColumn("evidence", "object", "Values before it, similar anomalies, posts that carry it."),
        dg.TableColumn("known", "array", "Holidays and campaigns on its days."),
        dg.TableColumn("status", "string", "open, ended, or withdrawn because late data changed the numbers."),
    ]
)


@dg.asset(
    name="anomalies",
    deps=["daily_rollup"],
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="insights",
    kinds={"mongodb"},
    owners=["team:data"],
    pool="insights",
    check_specs=anomaly_checks.specs("anomalies"),
    # Each day is materialised by an event of its own, as soon as it is written.
    output_required=False,
    metadata={"dagster/column_schema": _COLUMNS},
    description="What was out of the ordinary in the ended hours of a day, and in the day itself once it has ended: by "
    "each series' own past, with evidence. A day that is materialised again withdraws or corrects what late data "
    "changed; what a person noted stays.",
)
def anomalies(context: dg.AssetExecutionContext, tidemark: Tidemark) -> Iterator[dg.AssetCheckResult]:
    """Find the anomalies of each day of the run, oldest first, as far as its hours have ended."""
    # NumPy is imported here, because no other run needs it.
    from pipelines.insights.anomalies.make import find

    with retried(context, RETRIES), one_line_failures():
        clients = tidemark.clients()

        def announce(workspace_id: str, changes: "Sequence[tuple[Change, AnomalyDocument]]") -> None:
            told = [anomaly_event(change, one) for change, one in changes if utcnow() - one["to"] < _ANNOUNCED]
            clients.announce(workspace_id, told)

        def make(day: datetime, now: datetime) -> "FoundReport":
            return find(clients.store, day, now=now, run_id=context.run.run_id, announce=announce)

        # A day has anomalies of hours from the end of its first hour on.
        each_ended(context, start_of_key, HOUR, make, _metadata)
        yield anomaly_checks.result(clients.store, "anomalies", utcnow())


def _metadata(report: "FoundReport", _day: datetime) -> Metadata:
    return whole_numbers({
        "dagster/partition_row_count": report.changes["opened"] + report.changes["updated"],
        "workspaces": report.workspaces,
        "accounts": report.accounts,
        "watched_series": report.watched,
        "refused": report.refused.total(),
        "failed": report.failed,
        "day_has_ended": int(report.days),
        **{change: report.changes[change] for change in ("opened", "updated", "closed")},
        **{f"refused_{reason}": count for reason, count in sorted(report.refused.items())},
        **{f"kind_{kind}": count for kind, count in sorted(report.kinds.items())},
    })  # fmt: skip
