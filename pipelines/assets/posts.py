"""The assets about posts: `post_outlooks` by hour, `content_decay` by day, `best_times` by week (docs/insights/)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from math import expm1
from typing import TYPE_CHECKING

import dagster as dg

from metrics import best_times as best
from metrics import content_decay as decaying
from metrics.clock import utcnow
from metrics.periods import DAY, HOUR, WEEK
from metrics.post_curves import FINAL_AGE
from metrics.redis.events import outlooks_event
from metrics.store.insights.outlooks import DueOutlooks
from pipelines.assets.ended import RETRIES, Metadata, each_ended
from pipelines.checks import outlook_checks
from pipelines.partitions import DAYS, HOURS, WEEKS, slot_of_key, start_of_key
from pipelines.resources import Tidemark
from pipelines.runs.failures import one_line_failures, retried
from pipelines.runs.tables import whole_numbers
from pipelines.runs.trends import Plotted, line

if TYPE_CHECKING:
    from pipelines.insights.posts.make_outlooks import OutlooksReport
    from pipelines.insights.posts.statements import StatementsReport

_ACCOUNT = [
    dg.TableColumn("accountId", "string", "The account."),
    dg.TableColumn("metricType", "string", "The type of posts."),
    dg.TableColumn("madeAt", "datetime", "When it was said."),
    dg.TableColumn("unavailable", "string", "Why nothing is said."),
]


@dg.asset(
    name="content_decay",
    deps=["daily_rollup"],
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="insights",
    kinds={"mongodb"},
    owners=["team:data"],
    pool="insights",
    # Each day is materialised by an event of its own, as soon as it is written.
    output_required=False,
    metadata={
        "dagster/column_schema": dg.TableSchema(
            [*_ACCOUNT, dg.TableColumn("points", "array", "The share of the final engagement by age, with quartiles.")]
        )
    },
    description="How fast the posts of every account come to the engagement that they have after a week, and their "
    "half-life, or the reason why nothing can be said.",
)
def content_decay(context: dg.AssetExecutionContext, tidemark: Tidemark) -> Iterator[dg.Output[None]]:
    """Say it at the end of each day of the run, oldest first; a day that has not ended is left out."""
    # NumPy is imported here, because no other run needs it.
    from pipelines.insights.posts.say_decay import say_decay
    from pipelines.insights.posts.statements import make_statements

    with retried(context, RETRIES), one_line_failures():
        clients = tidemark.clients()

        def make(day: datetime, now: datetime) -> "StatementsReport":
            return make_statements(
                clients.store, clients.store.content_decay, day, age=FINAL_AGE, model=decaying.MODEL, say=say_decay,
                now=now, run_id=context.run.run_id, announce=lambda workspace_id: clients.announce(workspace_id, []),
            )  # fmt: skip

        each_ended(context, start_of_key, DAY, make, _metadata)
    yield from ()


@dg.asset(
    name="best_times",
    deps=["weekly_rollup"],
    partitions_def=WEEKS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="insights",
    kinds={"mongodb"},
    owners=["team:data"],
    pool="insights",
    output_required=False,
    metadata={
        "dagster/column_schema": dg.TableSchema(
            [*_ACCOUNT, dg.TableColumn("slots", "array", "Weekdays and hours with the lift of a typical post.")]
        )
    },
    description="The weekdays and hours at which the posts of every account do better, if that can be shown, or that "
    "it cannot.",
)
def best_times(context: dg.AssetExecutionContext, tidemark: Tidemark) -> Iterator[dg.Output[None]]:
    """Say it at the end of each week of the run, oldest first; a week that has not ended is left out."""
    # NumPy is imported here, because no other run needs it.
    from pipelines.insights.posts.say_best_times import say_best_times
    from pipelines.insights.posts.statements import make_statements

    with retried(context, RETRIES), one_line_failures():
        clients = tidemark.clients()

        def make(week: datetime, now: datetime) -> "StatementsReport":
            return make_statements(
                clients.store, clients.store.best_times, week + WEEK - DAY, age=best.AGE, model=best.MODEL,
                say=say_best_times, now=now, run_id=context.run.run_id,
                announce=lambda workspace_id: clients.announce(workspace_id, []),
            )  # fmt: skip

        each_ended(context, start_of_key, WEEK, make, _metadata)
    yield from ()


@dg.asset(
    name="post_outlooks",
    deps=["daily_rollup"],
    partitions_def=HOURS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="insights",
    kinds={"mongodb"},
    owners=["team:data"],
    pool="insights",
    check_specs=outlook_checks.specs("post_outlooks"),
    output_required=False,
    metadata={
        "dagster/column_schema": dg.TableSchema(
            [*_ACCOUNT, dg.TableColumn("value", "number", "The engagement to expect after a week, with bounds beside.")]
        )
    },
    description="What becomes of posts that are one hour to two days old, with intervals, or the reason why nothing "
    "can be said.",
)
def post_outlooks(context: dg.AssetExecutionContext, tidemark: Tidemark) -> Iterator[dg.AssetCheckResult]:
    """Say it at the end of each hour of the run, oldest first; an hour that has not ended is left out."""
    # NumPy is imported here, because no other run needs it.
    from pipelines.insights.posts.make_outlooks import make_outlooks
    from pipelines.insights.posts.outlook_models import OutlookModels

    with retried(context, RETRIES), one_line_failures():
        clients, models = tidemark.clients(), OutlookModels()

        @cache
        def due() -> list[DueOutlooks]:
            return outlook_checks.came_due(clients.store, utcnow())

        def make(slot: datetime, now: datetime) -> "OutlooksReport":
            def announce(workspace_id: str) -> None:
                clients.announce(workspace_id, [outlooks_event(workspace_id, slot, utcnow())])

            return make_outlooks(
                clients.store, slot + HOUR, now=now, run_id=context.run.run_id, models=models, announce=announce
            )

        def metadata(report: "OutlooksReport", slot: datetime) -> Metadata:
            return {**_metadata(report, slot), **_plots(due())}

        each_ended(context, slot_of_key, HOUR, make, metadata)
        yield outlook_checks.result("post_outlooks", due())


def _plots(due: Sequence[DueOutlooks]) -> Metadata:
    """Return the error of outlooks by the day on which their posts became a week old, as of the run."""
    errors = [100 * expm1(one["error"] / one["points"]) if one["points"] else None for one in due]
    found = line(errors, Plotted("due_error_percent", " %"), "mean factor by which outlooks missed, by day")
    return {} if found is None else {"errors_before": found}


def _metadata(report: "StatementsReport | OutlooksReport", _start: datetime) -> Metadata:
    return whole_numbers({
        "dagster/partition_row_count": report.made + report.refused.total(),
        "workspaces": report.workspaces,
        "curves": report.curves,
        "statements": report.made,
        "refused": report.refused.total(),
        **{f"refused_{reason}": count for reason, count in sorted(report.refused.items())},
        **{f"method_{one}": count for one, count in sorted(getattr(report, "methods", Counter[str]()).items())},
    })  # fmt: skip
