"""One day of some workspaces: from the log to rollups of subjects, in one aggregation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from metrics.aggregation.expressions import Expression, numbers_only, when
from metrics.aggregation.subjects import day_entries
from metrics.catalog import DEFINITION_VERSION
from metrics.documents import Document
from metrics.expected import Connection, Span
from metrics.periods import DAY, HOUR, slot_of
from metrics.store import Store
from metrics.store.observations import LEVELS
from pipelines.rollup.opening import SUBJECT
from pipelines.rollup.states import STATE, state_at, stored_states

_JOINED = ("newest", "said", "stored", "opening", "born", "spans")
_IDENTITY = ("workspaceId", "accountId", "platform", "metricType", "postId", "contentType")


@dataclass(frozen=True, slots=True)
class Day:
    """One day of some workspaces, as a roll at `now` reads it.

    `connections` are the hours of the workspaces' accounts. `continued` is the first slot to read where the day
    continues from the states in its rollups, and None where all of it is read.
    """

    workspace_ids: Sequence[str]
    start: datetime
    connections: Sequence[Connection]
    now: datetime
    continued: datetime | None = None

    @property
    def slots(self) -> Document:
        """The slots to read: a whole day with the hour before it, in which nearly all values before the day stand."""
        first = self.start - HOUR if self.continued is None else self.continued
        return {"$gte": first, "$lt": min(self.start + DAY, self.now)}


def day_stages(store: Store, day: Day, openings: list[Document]) -> list[Document]:
    """Return stages over `metrics` to one document per subject observed on the day.

    A slot that has yet to begin is left out. `openings` are stages that add the values before the day that do not
    stand in the hour before it (`pipelines.rollup.staged`). Of slots with a level of the account, `observedSlots`
    counts those that have ended and are hours of the account.
    """
    start, now = day.start, day.now
    cut = {one.account_id: one.within(start, start + DAY) for one in day.connections if not _all_day(one, start)}
    state_until = state_at(start, now)
    since = {"$ifNull": [f"$stored.{STATE}.at", start]}
    within, earlier = {"$gte": ["$$this.t", since]}, {"$lt": ["$$this.t", start]}
    # What was read again may be older than what the state had read.
    newest = {"$gte": ["$newest.t", since]}
    return [
        {"$match": {"metadata.workspaceId": {"$in": list(day.workspace_ids)}, "timestamp": day.slots}},
        {
            "$group": {
                "_id": SUBJECT,
                "newest": {"$max": {"t": "$timestamp", "c": "$collectedAt", "metadata": "$metadata"}},
                "said": {"$push": {"t": "$timestamp", "c": "$collectedAt", "i": "$_id", "m": "$metrics"}},
            }
        },
        *_join(_states(store, day), openings, cut),
        {"$set": {"said": {"$ifNull": ["$said", []]}}},
        {"$set": {"plain": _is_plain()}},
        {"$set": {"said": {"$cond": ["$plain", "$said", _in_order("$said")]}}},
        {
            "$project": {
                "plain": 1,
                "spans": 1,
                # What a platform corrects of a post, its type, follows the newest observation.
                **{name: when(newest, f"$newest.metadata.{name}", f"$stored.{name}") for name in _IDENTITY},
                "before": {"$mergeObjects": ["$opening", _merged({"$filter": {"input": "$said", "cond": earlier}})]},
                "born": {"$eq": ["$born", True]},
                "soFar": f"$stored.{STATE}",
                "slots": {"$filter": {"input": "$said", "cond": within}},
            }
        },
        {"$set": {"slots": {"$cond": ["$plain", "$slots", _merged_by_slot("$slots")]}}},
        {
            "$project": {
                **dict.fromkeys(_IDENTITY, 1),
                "spans": 1,
                "soFar": 1,
                "entries": _entries(state_until),
                "seen": when({"$eq": ["$metricType", "account"]}, _seen(), []),
            }
        },
        {
            "$project": {
                **dict.fromkeys(_IDENTITY, 1),
                "subjectId": "$_id",
                "observedSlots": {"$size": _counted(slot_of(now), some_cut=bool(cut))},
                "metrics": {"$first": "$entries"},
                **({STATE: _state(state_until)} if state_until else {}),
            }
        },
        {"$match": {"metrics": {"$ne": {}}}},
    ]


def _states(store: Store, day: Day) -> list[Document]:
    """Return a stage that adds `stored`, the state and the identity of each rollup from which the day continues."""
    if day.continued is None:
        return []
    stored: Document = {"stored": {name: f"${name}" for name in (*_IDENTITY, STATE)}}
    return [stored_states(store, day.workspace_ids, day.start, stored)]


def _until(state_until: datetime) -> Expression:
    """Return the instant of the new state: a state never goes back."""
    return {"$max": ["$soFar.at", state_until]}


def _entries(state_until: datetime | None) -> Expression:
    """Return the entries of the day, and behind them those of the new state, if it leaves one behind."""
    parts: list[Expression] = [{"m": "$slots.m"}]
    if state_until is not None:
        old = {"$filter": {"input": "$slots", "as": "slot", "cond": {"$lt": ["$$slot.t", _until(state_until)]}}}
        parts.append({"$let": {"vars": {"old": old}, "in": {"m": "$$old.m"}}})
    return {"$map": {"input": parts, "as": "part", "in": day_entries("$$part.m", "$soFar.metrics")}}


def _state(state_until: datetime) -> Expression:
    until = _until(state_until)
    return {
        "at": until,
        "version": {"$literal": DEFINITION_VERSION},
        "metrics": {"$last": "$entries"},
        "seen": {"$filter": {"input": "$seen", "cond": {"$lt": ["$$this", until]}}},
    }


def _all_day(connection: Connection, start: datetime) -> bool:
    return connection.throughout(start, start + DAY)


def _join(states: list[Document], openings: list[Document], cut: Mapping[str, list[Span]]) -> list[Document]:
    """Return stages that add `stored`, `opening` and `born` to subjects, and `spans` to the accounts in `cut`."""
    rows: list[Document] = [
        {"_id": account_id, "spans": [{"first": first, "last": last} for first, last in spans]}
        for account_id, spans in cut.items()
    ]
    joined = [*states, *openings, *([{"$unionWith": {"pipeline": [{"$documents": rows}]}}] if rows else [])]
    if not joined:
        return []
    return [
        *joined,
        {
            "$group": {
                "_id": "$_id",
                **{name: {"$max": f"${name}"} for name in _JOINED},
            }
        },
        # What was cut and not observed has no numbers.
        {"$match": {"$or": [{"newest": {"$ne": None}}, {"stored": {"$ne": None}}]}},
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


def _seen() -> Expression:
    """Return the slots in which an account was observed: one that holds a provider's day alone was not."""
    shows_a_level = {"$or": [{"$isNumber": f"$$this.m.{name}"} for name in LEVELS]}
    observed = {"$filter": {"input": "$slots", "cond": shows_a_level}}
    slots = {"$map": {"input": observed, "in": "$$this.t"}}
    return {"$concatArrays": [{"$ifNull": ["$soFar.seen", []]}, slots]}


def _counted(ended: datetime, *, some_cut: bool) -> Expression:
    """Return the slots of `seen` that have ended and are hours of the account."""
    every: list[Expression] = [{"$lt": ["$$this", ended]}]
    if some_cut:
        inside = {"$and": [{"$gte": ["$$this", "$$span.first"]}, {"$lt": ["$$this", "$$span.last"]}]}
        any_span = {"$anyElementTrue": {"$map": {"input": "$spans", "as": "span", "in": inside}}}
        every.append(when({"$isArray": "$spans"}, any_span, True))
    return {"$filter": {"input": "$seen", "cond": {"$and": every}}}
