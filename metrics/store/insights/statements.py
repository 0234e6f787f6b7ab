"""Collections of statements about accounts that are made again from time to time: each is kept as it was said."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from metrics.documents import Document
from metrics.store.errors import duplicates, mongo_errors
from metrics.store.insights.announcement_marks import Said

_RECENT = timedelta(days=14)
"""How much older than the newest statement about a workspace one about an account may be, to be answered."""


class Statements:
    """Reads and writes of one collection; its documents have `workspaceId`, `accountId`, `metricType` and `day`.

    Each method raises `MongoUnavailable` if MongoDB does not answer.
    """

    def __init__(self, db: Database[Document], name: Said) -> None:
        self.name: Said = name
        self._statements = db[name]

    def add(self, documents: Sequence[Mapping[str, Any]]) -> int:
        """Store what is said; what was said before under the same `_id` stays. Return how many are new."""
        return add_new(self._statements, documents)

    def history(self, account_id: str, fields: Mapping[str, Any]) -> list[Document]:
        """Return what was said of an account, oldest first, with some fields: as MongoDB takes them."""
        shown = {**dict.fromkeys(("metricType", "madeAt", "unavailable"), 1), **fields}
        with mongo_errors():
            return list(self._statements.find({"accountId": account_id}, shown).sort("day", 1))

    def newest(self, workspace_id: str, account_id: str | None = None) -> list[Document]:
        """Return the newest that was said of each account and type of posts, by account id and type.

        What is more than two weeks older than the newest of them is left out.
        """
        query: Document = {"workspaceId": workspace_id}
        if account_id is not None:
            query["accountId"] = account_id
        with mongo_errors():
            newest = self._statements.find_one(query, {"day": 1}, sort=[("day", -1)])
        if newest is None:
            return []
        query["day"] = {"$gt": newest["day"] - _RECENT}
        of = {"account": "$accountId", "type": "$metricType"}
        stages: list[Document] = [
            {"$match": query},
            {"$sort": {"day": -1}},
            {"$group": {"_id": of, "newest": {"$first": "$$ROOT"}}},
            {"$sort": {"_id.account": 1, "_id.type": 1}},
        ]
        with mongo_errors():
            return [row["newest"] for row in self._statements.aggregate(stages, allowDiskUse=True)]


def add_new(collection: Collection[Document], documents: Sequence[Mapping[str, Any]]) -> int:
    """Insert documents, except those whose `_id` is stored already; return how many are new.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    if not documents:
        return 0
    with mongo_errors():
        try:
            collection.insert_many([dict(one) for one in documents], ordered=False)
        except BulkWriteError as error:
            return len(documents) - len(duplicates(error))
    return len(documents)
