"""One day of one workspace: from the log to rollups of subjects, in one aggregation."""

from datetime import datetime
from typing import Any

from metrics.aggregation.expressions import numbers_only
from metrics.aggregation.subjects import day_entries
from metrics.catalog import metrics_of
from metrics.documents import Document
from metrics.periods import DAY, HOUR
from pipelines.rollup.opening import SUBJECT, Opening

LONG_AGO = datetime(1970, 1, 1)  # noqa: DTZ001 - BSON dates are UTC
_LEVELS = tuple(metric.name for metric in metrics_of("account", "gauge"))
_IDENTITY = ("workspaceId", "accountId", "platform", "metricType", "postId", "contentType")


def day_stages(workspace_id: str, start: datetime, openings: list[Opening], now: datetime) -> list[Document]:
    """Return stages over `metrics` to one document per subject observed on the day that starts at `start`.

    A slot that has yet to begin is left out. `openings` are the values before the day that do not stand in the hour
    before it.
    """
    end = min(start + DAY, now)
    return [
        {"$match": {"metadata.workspaceId": workspace_id, "timestamp": {"$gte": start - HOUR, "$lt": end}}},
        {
            "$group": {
                "_id": {"s": SUBJECT, "t": "$timestamp"},
                "metadata": {"$first": "$metadata"},
                "said": {"$push": {"c": "$collectedAt", "i": "$_id", "m": "$metrics"}},
            }
        },
        {"$project": {"s": "$_id.s", "t": "$_id.t", "metadata": 1, "m": _counting("$said", start)}},
        {"$unionWith": {"pipeline": [{"$documents": [_opening(o) for o in openings]}]}} if openings else {"$match": {}},
        {"$sort": {"t": 1}},
        {
            "$group": {
                "_id": "$s",
                "metadata": {"$last": "$metadata"},
                "before": {"$mergeObjects": {"$cond": [{"$lt": ["$t", start]}, "$m", {}]}},
                "slots": {"$push": {"$cond": [{"$lt": ["$t", start]}, None, {"t": "$t", "m": "$m"}]}},
                "born": {"$max": "$born"},
            }
        },
        {
            "$project": {
                **{name: f"$metadata.{name}" for name in _IDENTITY},
                "metricType": "$metadata.metricType",
                "before": 1,
                "born": {"$eq": ["$born", True]},
                "slots": {"$filter": {"input": "$slots", "cond": {"$ne": ["$$this", None]}}},
            }
        },
        {
            "$project": {
                **dict.fromkeys(_IDENTITY, 1),
                "subjectId": "$_id",
                "observedSlots": {"$size": {"$filter": {"input": "$slots", "cond": _shows_a_level()}}},
                "metrics": day_entries(),
            }
        },
        {"$match": {"metrics": {"$ne": {}}}},
    ]


def _counting(said: str, start: datetime) -> Any:
    """Merge what was said of a slot, oldest first; numbers only where there is more to merge than the one of a slot."""
    in_order = {"$sortArray": {"input": said, "sortBy": {"c": 1, "i": 1}}}
    numbers = numbers_only("$$this.m")
    merged = {"$reduce": {"input": in_order, "initialValue": {}, "in": {"$mergeObjects": ["$$value", numbers]}}}
    alone = {"$and": [{"$eq": [{"$size": said}, 1]}, {"$gte": ["$_id.t", start]}]}
    return {"$cond": [alone, {"$first": f"{said}.m"}, merged]}


def _shows_a_level() -> Any:
    """Tell whether an account was observed in a slot: one that holds a provider's day alone was not."""
    return {"$or": [{"$isNumber": f"$$this.m.{name}"} for name in _LEVELS]}


def _opening(opening: Opening) -> Document:
    return {"s": opening.subject_id, "t": LONG_AGO, "m": {"$literal": opening.found}, "born": opening.born}
