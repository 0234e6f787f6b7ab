"""Count observations that the catalog does not explain. They stay in the log, but enter no rollup."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from metrics.catalog import CATALOG
from metrics.clock import isoformat, utcnow
from metrics.documents import Document
from metrics.store import Store
from metrics.store.errors import mongo_errors

SAMPLES = 5
Where = tuple[str, str, datetime]
"""Workspace, account and slot."""


@dataclass(frozen=True, slots=True)
class Unexplained:
    """Counts of such observations: in total, by kind and by place, and a few of them as text."""

    total: int = 0
    unknown_metrics: int = 0
    not_numbers: int = 0
    future_slots: int = 0
    samples: tuple[str, ...] = ()
    where: Mapping[Where, int] = field(default_factory=dict)


def count_unexplained(
    store: Store, start: datetime, end: datetime, workspace_ids: Sequence[str], now: datetime | None = None
) -> Unexplained:
    """Count observations of `[start, end)` with an unknown metric, a value that is no number, or a future slot."""
    now = now or utcnow()
    found = Unexplained()
    with mongo_errors():
        for workspace_id in workspace_ids:
            rows = list(store.observations.aggregate(_stages(workspace_id, start, end, now)))
            for row in rows:
                found = Unexplained(
                    found.total + row["total"],
                    found.unknown_metrics + row["unknown"],
                    found.not_numbers + row["text"],
                    found.future_slots + row["future"],
                    (*found.samples, *map(_sample, row["samples"]))[:SAMPLES],
                    {**found.where, (workspace_id, row["_id"]["account"], row["_id"]["slot"]): row["total"]},
                )
    return found


def _stages(workspace_id: str, start: datetime, end: datetime, now: datetime) -> list[Document]:
    names = {subject: sorted(n for s, n in CATALOG if s == subject) for subject in ("account", "post")}
    explained = {"$cond": [{"$eq": ["$metadata.metricType", "account"]}, names["account"], names["post"]]}
    entries = {"$objectToArray": "$metrics"}
    unknown = {"$anyElementTrue": {"$map": {"input": entries, "in": {"$not": {"$in": ["$$this.k", "$known"]}}}}}
    text = {"$anyElementTrue": {"$map": {"input": entries, "in": {"$not": {"$isNumber": "$$this.v"}}}}}
    return [
        {"$match": {"metadata.workspaceId": workspace_id, "timestamp": {"$gte": start, "$lt": end}}},
        {"$set": {"known": explained}},
        {"$set": {"unknown": unknown, "text": text, "future": {"$gt": ["$timestamp", now]}}},
        {"$match": {"$expr": {"$or": ["$unknown", "$text", "$future"]}}},
        {
            "$group": {
                "_id": {"account": "$metadata.accountId", "slot": "$timestamp"},
                "total": {"$sum": 1},
                "unknown": {"$sum": {"$toInt": "$unknown"}},
                "text": {"$sum": {"$toInt": "$text"}},
                "future": {"$sum": {"$toInt": "$future"}},
                "samples": {"$firstN": {"input": {"s": "$metadata", "t": "$timestamp", "m": "$metrics"}, "n": SAMPLES}},
            }
        },
    ]


def _sample(row: Document) -> str:
    """Describe an observation by its account and not its post, because an erasure finds traces by the account's id."""
    what = f"{row['s'].get('metricType', 'subject')} of {row['s']['accountId']}"
    return f"{what} at {isoformat(row['t'])}: {sorted(row['m'])}"
