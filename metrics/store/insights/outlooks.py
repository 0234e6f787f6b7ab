"""The collection `post_outlooks`: what was said of each young post at each age; documents never change."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, TypedDict, cast

from pymongo.database import Database

from metrics.documents import Document
from metrics.post_outlooks import OutlookDocument
from metrics.store.errors import mongo_errors
from metrics.store.insights.statements import Statements

NAME: Final = "post_outlooks"
_INSIDE = ("inside80", "inside95")


class DueOutlook(TypedDict):
    """What was said of a post at an age, and the `final` engagement that the post came to."""

    age: float
    value: float
    lo80: float
    hi80: float
    lo95: float
    hi95: float
    final: float


def outlook_id(post_id: str, age: float) -> str:
    """Return the `_id` of what is said of a post at an age in hours."""
    return f"{post_id}|{age:g}"


def _inside(share: str) -> Document:
    within = {"$and": [{"$gte": ["$final", f"$lo{share}"]}, {"$lte": ["$final", f"$hi{share}"]}]}
    return {"$sum": {"$cond": [within, 1, 0]}}


def _with_final(query: Document) -> list[Document]:
    """Return the stages that find outlooks with a value whose posts have a `final` engagement."""
    return [
        {"$match": {**query, "value": {"$exists": True}}},
        {"$lookup": {"from": "post_curves", "localField": "postId", "foreignField": "_id", "as": "curve"}},
        {"$set": {"final": {"$arrayElemAt": [{"$first": "$curve.values"}, -1]}}},
        {"$match": {"$expr": {"$isNumber": "$final"}}},
    ]


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
        stages: list[Document] = [
            *_with_final({"publishedAt": {"$gte": first, "$lt": end}}),
            {"$group": {"_id": None, "points": {"$sum": 1}, **{name: _inside(name[-2:]) for name in _INSIDE}}},
        ]
        with mongo_errors():
            row = next(iter(self._statements.aggregate(stages)), {})
        return {name: row.get(name, 0) for name in ("points", *_INSIDE)}

    def due_of(self, workspace_id: str, first: datetime, end: datetime) -> Iterator[DueOutlook]:
        """Yield what was said of the posts of a workspace that were published in `[first, end)` and have an end."""
        stages = _with_final({"workspaceId": workspace_id, "publishedAt": {"$gte": first, "$lt": end}})
        shown = {"_id": 0, **dict.fromkeys(("age", "value", "lo80", "hi80", "lo95", "hi95", "final"), 1)}
        with mongo_errors():
            for row in self._statements.aggregate([*stages, {"$project": shown}]):
                yield cast("DueOutlook", row)

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
