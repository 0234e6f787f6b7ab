"""Aggregation stages that evaluate the terms of posts: from daily rollups to sums per account, span and group.

Each post is summed over the days of a span first. Then it is decided whether it enters, and only then posts are added.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from metrics.aggregation.mongo_expressions import Expression, is_number, when
from metrics.definitions.forms import Form, PostKind, Term, post_kinds, whole_factors
from metrics.definitions.spans import Timeline
from metrics.documents import Document

_NOTHING: Expression = {"$literal": None}
_TYPE_FIELDS = {"metricType": "type", "contentType": "content"}


def sums_per_post(terms: Iterable[Term], timeline: Timeline) -> list[Document]:
    """Return stages from matched rollups to one document per post and span, with the net of each metric.

    `net.likes` is the change over the span, null where it is unknown.
    """
    names = sorted({name for term in terms for name in term.metrics})
    key: Document = {"subject": "$subjectId"} | (
        {} if timeline.is_whole else {"span": timeline.interval("$periodStart")}
    )
    firsts = {"account": "$accountId", "platform": "$platform", "type": "$metricType"}
    sums: Document = {f"sum_{name}": {"$sum": f"$metrics.{name}.net"} for name in names}
    sums |= {f"any_{name}": {"$max": f"$metrics.{name}.net"} for name in names}
    group: Document = {**{name: {"$first": path} for name, path in firsts.items()}, "content": {"$max": "$contentType"}}
    stages: list[Document] = [{"$group": {"_id": key, **group, **sums}}]
    if timeline.overlaps:
        again = {name: {next(iter(how)): f"${name}"} for name, how in (group | sums).items()}
        spans = timeline.spans("$_id.span")
        stages += [
            {"$set": {"_id.span": spans}},
            {"$unwind": "$_id.span"},
            {"$group": {"_id": "$_id", **again}},
        ]
    return stages


def _net(name: str) -> Expression:
    return when(is_number(f"$any_{name}"), f"$sum_{name}", None)


def entering(form: Form, numbers: Sequence[int]) -> list[Document]:
    """Return stages that add to the posts of `sums_per_post` the value of each term, and whether the post enters.

    `numbers` are those of the terms of posts within `form.terms`. The fields are `takes_3`, whether the term
    selects the post; `value_3`, null where it is unknown; `enters`; and `zero`, true for a post that does not enter
    because of its basis.
    """
    fields: Document = {}
    selected: dict[int, Expression] = {}
    for number in numbers:
        term = form.terms[number]
        selected[number] = _selects(term)
        fields[f"takes_{number}"] = selected[number]
        fields[f"value_{number}"] = _value(term)
    known = [{"$or": [{"$not": f"$takes_{n}"}, is_number(f"$value_{n}")]} for n in numbers]
    some = {"$or": [{"$and": [f"$takes_{n}", is_number(f"$value_{n}")]} for n in numbers]}
    if form.under is None:
        return [{"$set": fields}, {"$set": {"enters": some}}]
    complete = {"$and": [*known, some]}
    if not form.pairs_posts:
        return [{"$set": fields}, {"$set": {"enters": complete}}]
    factors = whole_factors(form.under)
    below = [(n, factors[form.terms[n]]) for n in numbers if form.terms[n] in factors]
    basis = {"$add": [when(f"$takes_{n}", {"$multiply": [f"$value_{n}", factor]}, 0) for n, factor in below]}
    has_basis = {"$or": [f"$takes_{n}" for n, _ in below]}
    return [
        {"$set": fields},
        {"$set": {"complete": {"$and": [complete, has_basis]}}},
        {"$set": {"basis": when("$complete", basis, None)}},
        {"$set": {"enters": {"$and": ["$complete", {"$gt": ["$basis", 0]}]}}},
        {"$set": {"zero": {"$and": ["$complete", {"$not": ["$enters"]}]}}},
    ]


def sums_per_account(numbers: Sequence[int], by_types: Sequence[str]) -> list[Document]:
    """Return the stage that adds up the posts of each account, span and group.

    The results are `sum_3` and `known_3`, sum and number of the entering posts for which term 3 is known, and the
    numbers of posts that `enter`, or do not because of their basis (`zero`).
    """
    key: Document = {"account": "$account", "span": {"$ifNull": ["$_id.span", 0]}}
    key |= {name: {"$ifNull": [f"${_TYPE_FIELDS[name]}", "other"]} for name in by_types}
    group: Document = {"enter": {"$sum": when("$enters", 1, 0)}, "zero": {"$sum": when({"$eq": ["$zero", True]}, 1, 0)}}
    for n in numbers:
        counts = {"$and": ["$enters", f"$takes_{n}", is_number(f"$value_{n}")]}
        group[f"sum_{n}"] = {"$sum": when(counts, f"$value_{n}", 0)}
        group[f"known_{n}"] = {"$sum": when(counts, 1, 0)}
    return [{"$group": {"_id": key, **group}}]


def _selects(term: Term) -> Expression:
    """Return whether the labels of a term select a post; the aggregation has only posts of accounts in scope."""
    selector = term.selector
    tests: list[Any] = [
        {"$in": [path, list(values)]}
        for path, values in (
            ("$account", selector.accounts),
            ("$platform", selector.platforms),
            ("$type", selector.metric_types),
            ({"$ifNull": ["$content", "other"]}, selector.content_types),
        )
        if values
    ]
    return {"$and": tests} if tests else True


def _value(term: Term) -> Expression:
    """Return the value of a term for a post; null where it is unknown."""
    if not term.offered:
        return _net(term.name)
    by_metrics: dict[tuple[str, ...], list[PostKind]] = {}
    for kind in post_kinds():
        by_metrics.setdefault(term.metrics_on(kind), []).append(kind)
    branches = [{"case": _is_of(kinds), "then": _sum(metrics)} for metrics, kinds in by_metrics.items() if metrics]
    return {"$switch": {"branches": branches, "default": _NOTHING}}


def _sum(metrics: Iterable[str]) -> Expression:
    every = {"$and": [is_number(f"$any_{name}") for name in metrics]}
    return when(every, {"$add": [f"$sum_{name}" for name in metrics]}, None)


def _is_of(kinds: Iterable[PostKind]) -> Expression:
    parts = ["$platform", "|", "$type", "|", {"$ifNull": ["$content", "other"]}]
    return {"$in": [{"$concat": parts}, ["|".join(kind) for kind in kinds]]}
