"""The asset `breakout_posts`: posts that do far better than the account's posts did (docs/insights/breakouts.md)."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import dagster as dg

from metrics.clock import utcnow
from metrics.periods import DAY, HOUR
from metrics.redis.events import breakout_events
from pipelines.assets.ended import RETRIES, Metadata, each_ended
from pipelines.checks import breakout_checks
from pipelines.partitions import HOURS, slot_of_key
from pipelines.resources import Tidemark
from pipelines.runs.failures import one_line_failures, retried
from pipelines.runs.tables import whole_numbers

if TYPE_CHECKING:
    from pipelines.insights.anomalies.telling import Changes
    from pipelines.insights.posts.make_breakouts import BreakoutsReport

_ANNOUNCED = 3 * DAY
"""A breakout that came to its age longer ago is stored, and nobody is told of it."""
_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("accountId", "string", "The account."),
        dg.TableColumn("postId", "string", "The post."),
        dg.TableColumn("metricType", "string", "The type of the post, with which alone it is compared."),
        dg.TableColumn(
            "kind", "string", "breakout; the collection has other kinds, which the asset `anomalies` finds."
        ),
        dg.TableColumn("age", "double", "The newest age in hours at which it is a breakout."),
        dg.TableColumn("observed", "double", "Its engagement at this age."),
        dg.TableColumn("expected", "double", "The median of the account's earlier posts at the same age."),
        dg.TableColumn("multiple", "double", "How many times the median it is."),
        dg.TableColumn("percentile", "double", "The percentage of the earlier posts that had less."),
        dg.TableColumn("score", "double", "The distance from the median in robust deviations of logarithms."),
        dg.TableColumn("severity", "int", "1 to 10, by how rarely the account has such a post."),
        dg.TableColumn("status", "string", "open, ended once it is confirmed, or withdrawn."),
    ]
)


@dg.asset(
    name="breakout_posts",
    deps=["daily_rollup"],
    partitions_def=HOURS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="insights",
    kinds={"mongodb"},
    owners=["team:data"],
    pool="insights",
    check_specs=breakout_checks.specs("breakout_posts"),
    # Each hour is materialised by an event of its own, as soon as it is written.
    output_required=False,
    metadata={"dagster/column_schema": _COLUMNS},
    description="Posts of one hour to two days that do far better than the account's earlier posts of the type did at "
    "the same age, with evidence. At the age of a day they are confirmed or withdrawn. What a person noted stays.",
)
def breakout_posts(context: dg.AssetExecutionContext, tidemark: Tidemark) -> Iterator[dg.AssetCheckResult]:
    """Find them at the end of each hour of the run, oldest first; an hour that has not ended is left out."""
    # NumPy is imported here, because no other run needs it.
    from pipelines.insights.posts.make_breakouts import make_breakouts

    with retried(context, RETRIES), one_line_failures():
        clients = tidemark.clients()

        def announce(workspace_id: str, changes: "Changes") -> None:
            told = [
                event
                for change, one in changes
                if utcnow() - one["to"] < _ANNOUNCED
                for event in breakout_events(change, one)
            ]
            clients.announce(workspace_id, told)

        def make(slot: datetime, now: datetime) -> "BreakoutsReport":
            return make_breakouts(clients.store, slot + HOUR, now=now, run_id=context.run.run_id, announce=announce)

        each_ended(context, slot_of_key, HOUR, make, _metadata)
        yield breakout_checks.result(clients.store, "breakout_posts", utcnow())


def _metadata(report: "BreakoutsReport", _slot: datetime) -> Metadata:
    return whole_numbers({
        "dagster/partition_row_count": report.changes["opened"] + report.changes["updated"],
        "workspaces": report.workspaces,
        "curves": report.curves,
        "young_posts": report.posts,
        "came_to_an_age": report.made,
        "refused": report.refused.total(),
        "failed": report.failed,
        **{change: report.changes[change] for change in ("opened", "updated", "closed")},
        **{f"refused_{reason}": count for reason, count in sorted(report.refused.items())},
    })  # fmt: skip
