"""The collection `post_outlooks`: what was said of each young post at each age; documents never change."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, TypedDict, cast

from pymongo.database import Database

from metrics.documents import Document
from metrics.periods import DAY
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


class DueOutlooks(TypedDict):
    """What became of the outlooks of a day: how many there are, how many ended inside of each interval.

    `error` is the sum of the absolute differences of `ln(1 + engagement)`.
    """

    points: int
    inside80: int
    inside95: int
    error: float


def outlook_id(post_id: str, age: float) -> str:
    """Return the `_id` of what is said of a post at an age in hours."""
    return f"{post_id}|{age:g}"


def _inside(share: str) -> Document:
    within = {"$and": [{"$gte": ["$final", f"$lo{share}"]}, {"$lte": ["$final", f"$hi{share}"]}]}
    return {"$sum": {"$cond": [within, 1, 0]}}


def _log(value: str) -> Document:
    return {"$ln": {"$add": [1, value]}}


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

    def due(self, first: datetime, days: int) -> list[DueOutlooks]:
        """Judge the outlooks of posts that have a final value, by the day since `first` on which they were published.

        Returns the sums of each of the days over all workspaces, in order.
        """
        day: Document = {
            "$floor": {"$divide": [{"$subtract": ["$publishedAt", first]}, DAY // timedelta(milliseconds=1)]}
        }
        missed: Document = {"$abs": {"$subtract": [_log("$value"), _log("$final")]}}
        stages: list[Document] = [
            *_with_final({"publishedAt": {"$gte": first, "$lt": first + days * DAY}}),
            {
                "$group": {
                    "_id": day,
                    "points": {"$sum": 1},
                    **{name: _inside(name[-2:]) for name in _INSIDE},
                    "error": {"$sum": missed},
                }
            },
        ]
        with mongo_errors():
            rows = {int(row.pop("_id")): row for row in self._statements.aggregate(stages)}
        nothing: DueOutlooks = {"points": 0, "inside80": 0, "inside95": 0, "error": 0.0}
        return [cast("DueOutlooks", rows.get(place, nothing)) for place in range(days)]

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
