"""The collection `hourly_nets`: what accounts gained in each hour; it is derived from the log, a document a day."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import cast

from pymongo import ReplaceOne
from pymongo.database import Database

from metrics.anomalies import HourlyNets
from metrics.documents import Document
from metrics.store.errors import mongo_errors

NAME = "hourly_nets"


def nets_id(account_id: str, day: datetime) -> str:
    """Return the `_id` of the nets of an account on a UTC day."""
    return f"{account_id}|{day:%Y-%m-%d}"


class HourlyNetsStore:
    """Reads and writes of nets by hour. Each method raises `MongoUnavailable` if MongoDB does not answer."""

    def __init__(self, db: Database[Document]) -> None:
        self._nets = db[NAME]

    def put(self, documents: Sequence[HourlyNets]) -> None:
        """Store days, in place of what was derived of them before."""
        writes = [
            ReplaceOne({"_id": one["_id"], "workspaceId": one["workspaceId"]}, cast("Document", one), upsert=True)
            for one in documents
        ]
        if writes:
            with mongo_errors():
                self._nets.bulk_write(writes, ordered=False)

    def between(
        self, account_ids: Sequence[str], first: datetime, end: datetime, fields: Iterable[str] | None = None
    ) -> list[HourlyNets]:
        """Return the days of accounts in `[first, end)`, with all fields or some."""
        query = {"accountId": {"$in": list(account_ids)}, "day": {"$gte": first, "$lt": end}}
        shown = None if fields is None else {"_id": 0, "accountId": 1, "day": 1, **dict.fromkeys(fields, 1)}
        with mongo_errors():
            return cast("list[HourlyNets]", list(self._nets.find(query, shown)))
