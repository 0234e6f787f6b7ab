"""The collection `post_outlooks`: what was said of each young post at each age; documents never change."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, cast

from pymongo.database import Database

from metrics.documents import Document
from metrics.post_outlooks import OutlookDocument
from metrics.store.errors import mongo_errors
from metrics.store.insights.statements import Statements

NAME: Final = "post_outlooks"
_INSIDE = ("inside80", "inside95")


def outlook_id(post_id: str, age: float) -> str:
    """Return the `_id` of what is said of a post at an age in hours."""
    return f"{post_id}|{age:g}"


def _inside(share: str) -> Document:
    within = {"$and": [{"$gte": ["$final", f"$lo{share}"]}, {"$lte": ["$final", f"$hi{share}"]}]}
    return {"$sum": {"$cond": [within, 1, 0]}}


class Outlooks(Statements):
    """Reads and writes of outlooks. Each method raises `MongoUnavailable` if MongoDB does not answer."""

    def __init__(self, db: Database[Document]) -> None:
        super().__init__(db, NAME)

    def said(self, workspace_id: str, since: datetime) -> set[str]:
        """Return the ids of what was said of the posts of a workspace that were published from `since` on."""
        query = {"workspaceId": workspace_id, "publishedAt": {"$gte": since}}
        with mongo_errors():
            return {row["_id"] for row in self._statements.find(query, {"_id": 1})}

    def due(self, first: datetime, end: datetime) -> dict[str, int]:
        """Count the outlooks of posts that were published in `[first, end)` and have a final value, and those inside.

        The counts are `points`, `inside80` and `inside95`, over all workspaces.
        """
        final = {"$arrayElemAt": [{"$first": "$curve.values"}, -1]}
        stages: list[Document] = [
            {"$match": {"publishedAt": {"$gte": first, "$lt": end}, "value": {"$exists": True}}},
            {"$lookup": {"from": "post_curves", "localField": "postId", "foreignField": "_id", "as": "curve"}},
            {"$set": {"final": final}},
            {"$match": {"$expr": {"$isNumber": "$final"}}},
            {"$group": {"_id": None, "points": {"$sum": 1}, **{name: _inside(name[-2:]) for name in _INSIDE}}},
        ]
        with mongo_errors():
            row = next(iter(self._statements.aggregate(stages)), {})
        return {name: row.get(name, 0) for name in ("points", *_INSIDE)}

    def of_posts(
        self, workspace_id: str, since: datetime, account_id: str | None, post_ids: Sequence[str] | None
    ) -> list[OutlookDocument]:
        """Return the newest that was said of each post that was published from `since` on, newest posts first.

        With `post_ids`, of these posts only, whenever they were published.
        """
        query: Document = {"workspaceId": workspace_id}
        if post_ids is not None:
            query["postId"] = {"$in": list(post_ids)}
        else:
            query["publishedAt"] = {"$gte": since}
        if account_id is not None:
            query["accountId"] = account_id
        stages: list[Document] = [
            {"$match": query},
            {"$sort": {"age": -1}},
            {"$group": {"_id": "$postId", "newest": {"$first": "$$ROOT"}}},
            {"$sort": {"newest.publishedAt": -1, "_id": 1}},
        ]
        with mongo_errors():
            return [cast("OutlookDocument", row["newest"]) for row in self._statements.aggregate(stages)]
