"""Custom periods: any range of days, merged from daily rollups when it is read; nothing is written."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from metrics.aggregation.accounts import account_stages
from metrics.aggregation.subjects import merge_days
from metrics.documents import AggregatedDocument, Document, Platform
from metrics.expected import Connection
from metrics.store import Store
from metrics.store.errors import mongo_errors


def custom_rollups(
    store: Store,
    workspace_id: str,
    start: datetime,
    end: datetime,
    *,
    connections: Sequence[Connection],
    now: datetime,
    platform: Platform | None = None,
    account_ids: Sequence[str] | None = None,
) -> list[AggregatedDocument]:
    """Return one document per account over the days of `[start, end)`, sorted by account, without `_id`.

    `period` and `runId` of the documents are `custom`. `connections` has the hours of the workspace's accounts.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    scope: Document = {"workspaceId": workspace_id}
    if platform is not None:
        scope["platform"] = platform
    if account_ids is not None:
        scope["accountId"] = {"$in": list(account_ids)}
    pipeline = [
        *merge_days(start, end, scope),
        *account_stages("custom", start, end, connections, now),
        {"$set": {"runId": "custom"}},
        {"$unset": "_id"},
        {"$sort": {"accountId": 1}},
    ]
    with mongo_errors():
        found = store.rollups.subjects.aggregate(pipeline, allowDiskUse=True)
        return cast("list[AggregatedDocument]", list(found))
