"""The aggregation from the log to rollups of subjects, for one day of some workspaces."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from metrics.aggregation.mongo_expressions import Expression, numbers_only, when
from metrics.aggregation.subjects import day_entries
from metrics.documents import Document
from metrics.expected import Connection, Span
from metrics.periods import DAY, HOUR, midnight, slot_of
from metrics.store.observations import LEVELS
from pipelines.rollup.opening import SUBJECT

_IDENTITY = ("workspaceId", "accountId", "platform", "metricType", "postId", "contentType")


def day_stages(
    workspace_ids: Sequence[str],
    day: date,
    span: Span,
    openings: list[Document],
    connections: Sequence[Connection],
    now: datetime,
    *,
    public: bool = False,
) -> list[Document]:
    """Return stages over the log that give one document per subject observed on a day of the workspaces' calendar.

    The slots of the day are in `span`. The numbers of a provider's day count for the workspace's day of the same date,
    `day`, whatever slot holds them: they are taken from the slots of that date in UTC. Slots in the future are left
    out. `openings` are stages that add the openings that are not in the hour before the day
    (`pipelines.rollup.staged`). `connections` are the times in which the workspaces' accounts were connected:
    `observedSlots` counts the ended slots in these times that have a level of the account. Of watched accounts
    (`public`), which are read once a day, it is 1 if any slot has one, ended or not.
    """
    cut = {one.account_id: one.within(*span) for one in connections if not one.throughout(*span)}
    provided = (midnight(day), midnight(day) + DAY)
    is_same = span == provided
    is_observed = _is_observed(now if public else slot_of(now), some_cut=bool(cut))
    observed: Expression = {"$size": {"$filter": {"input": "$slots", "cond": is_observed}}}
    return [
        *_observations_by_subject(workspace_ids, span, provided, now),
        *_join(openings, cut),
        *_slots_in_order(span, None if is_same else provided),
        {
            "$project": {
                **dict.fromkeys(_IDENTITY, 1),
                "subjectId": "$_id",
                "observedSlots": when(
                    {"$eq": ["$metricType", "account"]}, {"$min": [1, observed]} if public else observed, 0
                ),
                "metrics": day_entries("slots" if is_same else "provided"),
            }
        },
        {"$match": {"metrics": {"$ne": {}}}},
    ]


def _observations_by_subject(workspace_ids: Sequence[str], span: Span, provided: Span, now: datetime) -> list[Document]:
    """Return stages that group the observations of the day, of the hour before it, and of its date, by subject."""
    slots = {"$gte": min(span[0] - HOUR, provided[0]), "$lt": min(max(span[1], provided[1]), now)}
    of_span = {"timestamp": {"$gte": span[0] - HOUR, "$lt": span[1]}}
    # Only accounts have numbers of a provider's day.
    needed = {"$or": [of_span, {"metadata.metricType": "account"}]}
    return [
        {"$match": {"metadata.workspaceId": {"$in": list(workspace_ids)}, "timestamp": slots}},
        *([] if span == provided else [{"$match": needed}]),
        {
            "$group": {
                "_id": SUBJECT,
                "newest": {"$max": {"t": "$timestamp", "c": "$collectedAt", "metadata": "$metadata"}},
                "observations": {"$push": {"t": "$timestamp", "c": "$collectedAt", "i": "$_id", "m": "$metrics"}},
            }
        },
    ]


def _slots_in_order(span: Span, provided: Span | None) -> list[Document]:
    """Return stages that give subjects the arrays that `day_entries` reads.

    `slots` has one merged observation per slot of the day, in order of time; `before` has the last values before it.
    `provided` has the same for the slots of another span.
    """
    start = span[0]
    earlier = _in_span((start - HOUR, start))
    arrays = {"slots": {"$filter": {"input": "$observations", "cond": _in_span(span)}}}
    if provided:
        # Only accounts have numbers of a provider's day.
        of_date = {"$filter": {"input": "$observations", "cond": _in_span(provided)}}
        arrays["provided"] = when({"$eq": ["$newest.metadata.metricType", "account"]}, of_date, [])
    return [
        {"$set": {"plain": _is_plain()}},
        {"$set": {"observations": {"$cond": ["$plain", "$observations", _in_order("$observations")]}}},
        {
            "$project": {
                "plain": 1,
                "spans": 1,
                # A platform may correct the type of a post: the newest observation has the right one.
                **{name: f"$newest.metadata.{name}" for name in _IDENTITY},
                "before": {
                    "$mergeObjects": ["$opening", _merged({"$filter": {"input": "$observations", "cond": earlier}})]
                },
                "born": {"$eq": ["$born", True]},
                **arrays,
            }
        },
        {"$set": {name: {"$cond": ["$plain", f"${name}", _merged_by_slot(f"${name}")]} for name in arrays}},
    ]


def _in_span(span: Span) -> Expression:
    return {"$and": [{"$gte": ["$$this.t", span[0]]}, {"$lt": ["$$this.t", span[1]]}]}


def _join(openings: list[Document], cut: Mapping[str, list[Span]]) -> list[Document]:
    """Return stages that add `opening` and `born` to subjects with openings, and `spans` to the accounts in `cut`."""
    rows: list[Document] = [
        {"_id": account_id, "spans": [{"first": first, "last": last} for first, last in spans]}
        for account_id, spans in cut.items()
    ]
    joined = [*openings, *([{"$unionWith": {"pipeline": [{"$documents": rows}]}}] if rows else [])]
    if not joined:
        return []
    return [
        *joined,
        {
            "$group": {
                "_id": "$_id",
                **{name: {"$max": f"${name}"} for name in ("newest", "observations", "opening", "born", "spans")},
            }
        },
        # Drop accounts of `cut` that were not observed on the day.
        {"$match": {"newest": {"$ne": None}}},
    ]


def _merged(observations: Expression) -> Expression:
    """Merge the metrics of observations in order, without values that are no numbers."""
    return {
        "$reduce": {
            "input": observations,
            "initialValue": {},
            "in": {"$mergeObjects": ["$$value", numbers_only("$$this.m")]},
        }
    }


def _is_plain() -> Expression:
    """Tell whether the observations are in order of time, each slot once: nearly always, and then no sort is needed."""
    return {"$eq": ["$observations.t", {"$sortArray": {"input": {"$setUnion": ["$observations.t"]}, "sortBy": 1}}]}


def _in_order(observations: str) -> Expression:
    """Sort observations by slot, then by age, newest last; `_id` breaks ties, so that the result is deterministic."""
    return {"$sortArray": {"input": observations, "sortBy": {"t": 1, "c": 1, "i": 1}}}


def _merged_by_slot(observations: str) -> Expression:
    """Merge the observations of each slot: per metric, the newest value wins."""
    slots = {"$sortArray": {"input": {"$setUnion": [f"{observations}.t"]}, "sortBy": 1}}
    of_slot = {"$filter": {"input": observations, "as": "one", "cond": {"$eq": ["$$one.t", "$$slot"]}}}
    return {"$map": {"input": slots, "as": "slot", "in": {"t": "$$slot", "m": _merged(of_slot)}}}


def _is_observed(ended: datetime, *, some_cut: bool) -> Expression:
    """Tell whether an account was observed in a slot before `ended`; a provider's day alone is not enough."""
    shows_a_level = {"$or": [{"$isNumber": f"$$this.m.{name}"} for name in LEVELS]}
    every: list[Expression] = [{"$lt": ["$$this.t", ended]}, shows_a_level]
    if some_cut:
        inside = {"$and": [{"$gte": ["$$this.t", "$$span.first"]}, {"$lt": ["$$this.t", "$$span.last"]}]}
        any_span = {"$anyElementTrue": {"$map": {"input": "$spans", "as": "span", "in": inside}}}
        every.append(when({"$isArray": "$spans"}, any_span, True))
    return {"$and": every}
