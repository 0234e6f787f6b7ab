"""Aggregation expressions that roll up subjects: slots into a day, days into longer periods (docs/metrics.md, 4)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import get_args

from metrics.aggregation.mongo_expressions import Expression, is_number, numbers, when
from metrics.aggregation.stored_periods import DAYS_ALONE, StoredPeriods
from metrics.catalog import Kind, Metric, Subject, metrics_of
from metrics.documents import Document
from metrics.periods import DAY

WEEKLY_REACH = "weeklyReach"
_PROVIDED: tuple[Kind, ...] = ("period_sum", "period_unique")
"""The kinds of metrics of an account that belong to a day of the provider."""
_LONGER_THAN_A_DAY = timedelta(hours=26)
"""Longer than any local day, and shorter than any two."""


@cache
def day_entries(provided: str = "slots") -> Expression:
    """Return the entries of a day, by metric.

    They are computed from the arrays `slots.m.<name>`, in order of time, and the last values `before` the day. The
    numbers of an account's provider day are in the arrays `<provided>.m.<name>`. Do not change the result, which is
    shared.
    """
    return _by_subject(lambda metric: _day_entry(metric, provided))


def merged_entries(start: datetime, end: datetime) -> Expression:
    """Return the entries of `[start, end)`, by metric; computed from the arrays `days.m.<name>` in order of time."""
    return _by_subject(lambda metric: _merged_entry(metric, start, end))


def whole_days(start: datetime, end: datetime) -> int:
    """Return the number of local days in `[start, end)`, which have 23 to 25 hours each."""
    return round((end - start) / DAY)


def merge_days(start: datetime, end: datetime, scope: Document, periods: StoredPeriods = DAYS_ALONE) -> list[Document]:
    """Return stages that merge the rollups of `[start, end)` into one document per subject.

    `scope` has the workspaces and the version of their calendar. `periods` are the weeks and months that are read in
    place of their days.
    """
    if whole_days(start, end) in (1, 7):
        # The numbers of people stand in single days.
        periods = DAYS_ALONE
    first = ("workspaceId", "accountId", "platform", "metricType", "postId", "contentType")
    return [
        {"$match": {"$and": [scope, periods.query([(start, end)])]}},
        {"$sort": {"periodStart": 1}},
        {
            "$group": {
                "_id": "$subjectId",
                **{name: {"$last": f"${name}"} for name in first},
                "days": {"$push": {"start": "$periodStart", "m": "$metrics"}},
                "observedSlots": {"$sum": "$observedSlots"},
            }
        },
        {
            "$project": {
                **{name: when({"$ne": [{"$type": f"${name}"}, "missing"]}, f"${name}") for name in first},
                "subjectId": "$_id",
                "observedSlots": 1,
                "metrics": merged_entries(start, end),
            }
        },
        {"$match": {"metrics": {"$ne": {}}}},
    ]


def _by_subject(entry: Callable[[Metric], Expression]) -> Expression:
    """Return the entries of account metrics for accounts, and those of post metrics for posts."""
    of_account, of_post = (
        {metric.name: entry(metric) for metric in metrics_of(subject)} for subject in get_args(Subject)
    )
    return when({"$eq": ["$metricType", "account"]}, of_account, of_post)


def _day_entry(metric: Metric, provided: str) -> Expression:
    slots = provided if metric.subject == "account" and metric.kind in _PROVIDED else "slots"
    values, before = numbers(f"${slots}.m.{metric.name}"), f"$before.{metric.name}"
    first, last = {"$first": "$$values"}, {"$last": "$$values"}
    if metric.kind in ("counter", "gauge"):
        # A post published after the connection opens at 0: its whole count was gained while we observed it. Any other
        # counter, and each gauge, opens at its first value.
        unseen: Expression = when("$born", 0, first) if metric.kind == "counter" else first
        baseline = {"$and": [{"$not": is_number(before)}, {"$not": ["$born"]} if metric.kind == "counter" else True]}
        opening = when(is_number(before), before, unseen)
        found: Document = {
            "open": "$$open",
            "close": last,
            "net": {"$subtract": [last, "$$open"]},
            "samples": {"$size": "$$values"},
            "baseline": when(baseline, True),
        }
        if metric.kind == "gauge":
            found |= {"min": {"$min": "$$values"}, "max": {"$max": "$$values"}, "sum": {"$sum": "$$values"}}
        some: Expression = {"$let": {"vars": {"open": opening}, "in": found}}
    else:
        some = {"total" if metric.kind == "period_sum" else "value": last, "samples": 1}
    return {"$let": {"vars": {"values": values}, "in": _unless_empty("$$values", some)}}


def _merged_entry(metric: Metric, start: datetime, end: datetime) -> Expression:
    entries = f"$days.m.{metric.name}"
    first, last = {"$first": entries}, {"$last": entries}
    samples = {"$sum": f"{entries}.samples"}
    if metric.kind in ("counter", "gauge"):
        found: Document = {
            "open": {"$getField": {"field": "open", "input": first}},
            "close": {"$getField": {"field": "close", "input": last}},
            "net": {"$sum": f"{entries}.net"},
            "samples": samples,
            "baseline": when({"$eq": [{"$getField": {"field": "baseline", "input": first}}, True]}, True),
        }
        if metric.kind == "gauge":
            of_days = {"min": "$min", "max": "$max", "sum": "$sum"}
            found |= {name: {operator: f"{entries}.{name}"} for name, operator in of_days.items()}
        return _unless_empty(entries, found)
    if metric.kind == "period_sum":
        return _unless_empty(entries, {"total": {"$sum": f"{entries}.total"}, "samples": samples})
    # People are never added up. A single day has its own number, a week the provider's number for the seven days that
    # end with it, other periods have none.
    days = whole_days(start, end)
    if days == 1:
        return _unless_empty(entries, first)
    if days == 7 and metric.name == WEEKLY_REACH:
        closing = {"$filter": {"input": "$days", "cond": {"$gt": ["$$this.start", end - _LONGER_THAN_A_DAY]}}}
        field = {"$getField": {"field": metric.name, "input": "$$day.m"}}
        return {"$let": {"vars": {"day": {"$first": closing}}, "in": when({"$gt": [field, None]}, field)}}
    return "$$REMOVE"


def _unless_empty(values: Expression, entry: Expression) -> Expression:
    return when({"$gt": [{"$size": {"$ifNull": [values, []]}}, 0]}, entry)
