"""Aggregation stages that read the numbers of accounts over spans, and how many posts they published in them."""

from collections.abc import Iterable, Sequence
from typing import Any

from metrics.aggregation.mongo_expressions import Expression, is_number, when
from metrics.definitions.campaign_days import is_chosen
from metrics.definitions.language.forms import Term
from metrics.definitions.spans import Timeline
from metrics.documents import Document

_JOINED = {"total": "$sum", "known": "$max", "sum": "$sum", "samples": "$sum", "min": "$min", "max": "$max"}
_JOINED |= {"open": "$min", "close": "$max", "unique": "$max"}
"""How a field of several intervals is joined into that of a span; those with a time are objects `{at, value}`."""


def account_numbers(terms: Iterable[Term], timeline: Timeline) -> list[Document]:
    """Return stages from matched daily rollups of accounts to one document per account and span.

    Its fields are named by function and metric, as `close_followers`. `open`, `close` and `unique` are `{at, value}`
    with the start of their day; a mean is `sum_followers` and `samples_followers`. Unknown ones are null. Those of the
    days of campaigns have a suffix.
    """
    accumulators: Document = {}
    for term in terms:
        for name in term.metrics if term.function != "published" else ():
            within = is_chosen(term.selector, "$periodStart", "$subjectId", None)
            for how, read in _reads(term, name).items():
                value = read if within is True else when(within, read, None)
                accumulators[f"{how}_{name}{term.selector.suffix}"] = {_JOINED[how]: value}
    key: Document = {"account": "$subjectId"} | _interval(timeline, "$periodStart")
    joined = timeline.join({name: _JOINED[name.partition("_")[0]] for name in accumulators})
    return [{"$group": {"_id": key, **accumulators}}, *joined]


def _reads(term: Term, name: str) -> dict[str, Expression]:
    path = f"$metrics.{name}"
    if term.function == "total":
        return {"total": f"{path}.total", "known": f"{path}.total"}
    if term.function == "avg":
        return {"sum": f"{path}.sum", "samples": f"{path}.samples"}
    if term.function in ("min", "max"):
        return {term.function: f"{path}.{term.function}"}
    field = f"{path}.{'value' if term.function == 'unique' else term.function}"
    return {term.function: when(is_number(field), {"at": "$periodStart", "value": field}, None)}


def published_posts(terms: Sequence[tuple[int, Term]], timeline: Timeline, by_types: Sequence[str]) -> list[Document]:
    """Return stages from matched posts to their numbers per account, span and group: `sum_3` for term 3."""
    key: Document = {"account": "$accountId"} | _interval(timeline, "$publishedAt")
    key |= {name: {"$ifNull": [f"${name}", "other"]} for name in by_types}
    counts: Document = {f"sum_{n}": {"$sum": when(_selects(term), 1, 0)} for n, term in terms}
    return [{"$group": {"_id": key, **counts}}, *timeline.join(dict.fromkeys(counts, "$sum"))]


def _selects(term: Term) -> Expression:
    selector = term.selector
    tests: list[Any] = [
        {"$in": [path, list(values)]}
        for path, values in (
            ("$accountId", selector.accounts),
            ("$platform", selector.platforms),
            ("$metricType", selector.metric_types),
            ({"$ifNull": ["$contentType", "other"]}, selector.content_types),
        )
        if values
    ]
    if selector.campaigns:
        tests.append(is_chosen(selector, "$publishedAt", "$accountId", "$_id"))
    return {"$and": tests} if tests else True


def _interval(timeline: Timeline, path: str) -> Document:
    return {} if timeline.is_whole else {"span": timeline.interval(path)}
