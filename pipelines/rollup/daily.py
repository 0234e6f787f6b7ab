"""One day of some workspaces: from the log to rollups of subjects, in one aggregation."""

from collections.abc import Sequence
from datetime import datetime

from metrics.aggregation.expressions import Expression, numbers_only, when
from metrics.aggregation.subjects import day_entries
from metrics.catalog import metrics_of
from metrics.documents import Document
from metrics.periods import DAY, HOUR
from pipelines.rollup.opening import SUBJECT, Opening

_LEVELS = tuple(metric.name for metric in metrics_of("account", "gauge"))
_IDENTITY = ("workspaceId", "accountId", "platform", "metricType", "postId", "contentType")


def day_stages(workspace_ids: Sequence[str], start: datetime, openings: list[Opening], now: datetime) -> list[Document]:
    """Return stages over `metrics` to one document per subject observed on the day that starts at `start`.

    A slot that has yet to begin is left out. `openings` are the values before the day that do not stand in the hour
    before it.
    """
    slots = {"$gte": start - HOUR, "$lt": min(start + DAY, now)}
    within, earlier = {"$gte": ["$$this.t", start]}, {"$lt": ["$$this.t", start]}
    return [
        {"$match": {"metadata.workspaceId": {"$in": list(workspace_ids)}, "timestamp": slots}},
        {
            "$group": {
                "_id": SUBJECT,
                "newest": {"$max": {"t": "$timestamp", "c": "$collectedAt", "metadata": "$metadata"}},
                "said": {"$push": {"t": "$timestamp", "c": "$collectedAt", "i": "$_id", "m": "$metrics"}},
            }
        },
        *_join(openings),
        {"$set": {"plain": _is_plain()}},
        {"$set": {"said": {"$cond": ["$plain", "$said", _in_order("$said")]}}},
        {
            "$project": {
                "plain": 1,
                # What a platform corrects of a post, its type, follows the newest observation.
                **{name: f"$newest.metadata.{name}" for name in _IDENTITY},
                "before": {"$mergeObjects": ["$opening", _merged({"$filter": {"input": "$said", "cond": earlier}})]},
                "born": {"$eq": ["$born", True]},
                "slots": {"$filter": {"input": "$said", "cond": within}},
            }
        },
        {"$set": {"slots": {"$cond": ["$plain", "$slots", _merged_by_slot("$slots")]}}},
        {
            "$project": {
                **dict.fromkeys(_IDENTITY, 1),
                "subjectId": "$_id",
                "observedSlots": when(
                    {"$eq": ["$metricType", "account"]},
                    {"$size": {"$filter": {"input": "$slots", "cond": _shows_a_level()}}},
                    0,
                ),
                "metrics": day_entries(),
            }
        },
        {"$match": {"metrics": {"$ne": {}}}},
    ]


def _join(openings: list[Opening]) -> list[Document]:
    """Return stages that add `opening` and `born` to the subjects concerned."""
    if not openings:
        return []
    rows = [{"_id": o.subject_id, "opening": {"$literal": o.found}, "born": o.born} for o in openings]
    return [
        {"$unionWith": {"pipeline": [{"$documents": rows}]}},
        {
            "$group": {
                "_id": "$_id",
                **{name: {"$max": f"${name}"} for name in ("newest", "said", "opening", "born")},
            }
        },
    ]


def _merged(said: Expression) -> Expression:
    """Merge what was said, in order: the numbers alone."""
    return {
        "$reduce": {"input": said, "initialValue": {}, "in": {"$mergeObjects": ["$$value", numbers_only("$$this.m")]}}
    }


def _is_plain() -> Expression:
    """Tell whether what was said is in order of time, each slot once: nearly always, and then there is no sorting."""
    return {"$eq": ["$said.t", {"$sortArray": {"input": {"$setUnion": ["$said.t"]}, "sortBy": 1}}]}


def _in_order(said: str) -> Expression:
    """Order by slot, newest last; `_id` breaks ties, so that the same log always gives the same answer."""
    return {"$sortArray": {"input": said, "sortBy": {"t": 1, "c": 1, "i": 1}}}


def _merged_by_slot(said: str) -> Expression:
    """Merge what was said of the same slot: the newest wins, metric by metric."""
    slots = {"$sortArray": {"input": {"$setUnion": [f"{said}.t"]}, "sortBy": 1}}
    of_slot = {"$filter": {"input": said, "as": "one", "cond": {"$eq": ["$$one.t", "$$slot"]}}}
    return {"$map": {"input": slots, "as": "slot", "in": {"t": "$$slot", "m": _merged(of_slot)}}}


def _shows_a_level() -> Expression:
    """Tell whether an account was observed in a slot: one that holds a provider's day alone was not."""
    return {"$or": [{"$isNumber": f"$$this.m.{name}"} for name in _LEVELS]}
