"""Periods that are not stored: any range of days, merged from daily rollups when it is read; nothing is written."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from metrics.aggregation.accounts import account_stages
from metrics.aggregation.post_parts import POSTS, nets
from metrics.aggregation.stored_periods import DAYS_ALONE, StoredPeriods
from metrics.aggregation.subjects import merge_days
from metrics.documents import AggregatedDocument, Document, Platform
from metrics.expected import Connection
from metrics.store import Store
from metrics.store.errors import mongo_errors
from metrics.store.rollup.rollups import answering_for


def custom_rollups(
    store: Store,
    workspace_id: str,
    start: datetime,
    end: datetime,
    *,
    connections: Sequence[Connection],
    now: datetime,
    period: str = "custom",
    version: int = 0,
    platform: Platform | None = None,
    account_ids: Sequence[str] | None = None,
    periods: StoredPeriods = DAYS_ALONE,
) -> list[AggregatedDocument]:
    """Return one document per account over the days of `[start, end)`, sorted by account, without `_id`.

    `period` is what the documents name as their period and run. `connections` has the hours of the workspace's
    accounts, and `version` is that of its calendar. `periods` are the weeks and months that are read in place of days.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    scope: Document = {"workspaceId": workspace_id, **answering_for(version)}
    if platform is not None:
        scope["platform"] = platform
    if account_ids is not None:
        scope["accountId"] = {"$in": list(account_ids)}
    # Of posts, the rollups of accounts have only nets, which take MongoDB a fraction of merging whole entries.
    posts = nets((start, end), {**scope, "metricType": POSTS}, periods)
    pipeline = [
        *merge_days(start, end, {**scope, "metricType": "account"}, periods),
        {"$unionWith": {"coll": store.rollups.subjects.name, "pipeline": posts}},
        *account_stages(period, start, end, connections, now, store.names),
        {"$set": {"runId": period}},
        {"$unset": "_id"},
        {"$sort": {"accountId": 1}},
    ]
    with mongo_errors():
        found = store.rollups.subjects.aggregate(pipeline, allowDiskUse=True)
        return cast("list[AggregatedDocument]", list(found))
