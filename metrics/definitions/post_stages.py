"""Aggregation stages that evaluate the terms of posts: from daily rollups to sums per account, span and group.

Each post is summed over the days of a span first. Then it is decided whether it enters, and only then posts are added.
Tests that are always true are left out: MongoDB would evaluate them for every post.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from metrics.aggregation.mongo_expressions import Expression, is_number, when
from metrics.definitions.campaign_days import is_chosen
from metrics.definitions.language.forms import Form, PostKind, Term, post_kinds, whole_factors
from metrics.definitions.spans import Timeline
from metrics.documents import Document

_NOTHING: Expression = {"$literal": None}
_FIELDS = {"contentType": "content", "metricType": "type"}
_KIND = ["$platform", "|", "$type", "|", {"$ifNull": ["$content", "other"]}]


def sums_per_post(terms: Sequence[Term], timeline: Timeline, by_types: Sequence[str]) -> list[Document]:
    """Return stages from matched rollups to one document per post and span, with the net of each metric.

    The results are `sum_likes` and `any_likes`, which is null where no net is known. `_id.span` is the span. Sums over
    the days of campaigns have a suffix, and `chosen` with that suffix tells whether there is any such day.
    """
    sums = {(term.selector.suffix, name): term.selector for term in terms for name in term.metrics}
    key: Document = {"subject": "$subjectId"}
    if not timeline.is_whole:
        key["span"] = timeline.interval("$periodStart")
    group: Document = {"account": {"$first": "$accountId"}}
    for name in sorted(_needed(terms, by_types)):
        # A post has the type of its newest rollup: platforms correct types.
        newest = {"$max": {"at": "$periodStart", "value": f"${name}"}}
        group |= {"platform": {"$first": "$platform"}} if name == "platform" else {_FIELDS[name]: newest}
    for (suffix, name), selector in sorted(sums.items(), key=lambda one: one[0]):
        within = is_chosen(selector, "$periodStart", "$accountId", "$subjectId")
        net = f"$metrics.{name}.net" if within is True else when(within, f"$metrics.{name}.net", None)
        group |= {f"sum_{name}{suffix}": {"$sum": net}, f"any_{name}{suffix}": {"$max": net}}
        group |= {} if within is True else {f"chosen{suffix}": {"$max": within}}
    joined = timeline.join({name: next(iter(how)) for name, how in group.items()})
    stages: list[Document] = [{"$group": {"_id": key, **group}}, *joined]
    types = {name: f"${name}.value" for name in _FIELDS.values() if name in group}
    return [*stages, {"$set": types}] if types else stages


def _needed(terms: Iterable[Term], by_types: Sequence[str]) -> set[str]:
    """Return the fields of posts that decide about them."""
    needed = set(by_types)
    for term in terms:
        selector = term.selector
        needed |= {"platform"} if selector.platforms else set()
        needed |= {"metricType"} if selector.metric_types else set()
        needed |= {"contentType"} if selector.content_types else set()
        needed |= {"platform", "metricType", "contentType"} if term.offered else set()
    return needed


def entering(form: Form, numbers: Sequence[int]) -> list[Document]:
    """Return stages that add to the posts of `sums_per_post` the value of each term, and whether the post enters.

    `numbers` are those of the terms of posts within `form.terms`. The fields are `takes_3`, whether the term selects
    the post, if not all are selected; `value_3`, null where it is unknown; `enters`; and, where posts are paired,
    `zero` for a post that does not enter because of its basis.
    """
    tests = {number: _selects(form.terms[number]) for number in numbers}
    fields: Document = {f"takes_{number}": test for number, test in tests.items() if test is not True}
    fields |= {f"value_{number}": _value(form.terms[number]) for number in numbers}

    def takes(number: int, then: Expression, otherwise: Expression) -> Expression:
        return then if tests[number] is True else when(f"$takes_{number}", then, otherwise)

    known = {number: is_number(f"$value_{number}") for number in numbers}
    some = _any(takes(number, known[number], False) for number in numbers)
    if form.under is None:
        return [{"$set": fields}, {"$set": {"enters": some}}]
    every = [takes(number, known[number], True) for number in numbers]
    if not form.pairs_posts:
        return [{"$set": fields}, {"$set": {"enters": {"$and": [*every, some]}}}]
    factors, _ = whole_factors(form.under)
    below = [(number, factors[form.terms[number]]) for number in numbers if form.terms[number] in factors]
    basis = {"$add": [takes(n, {"$multiply": [f"$value_{n}", factor]}, 0) for n, factor in below]}
    has_basis = _any(takes(number, True, False) for number, _ in below)
    return [
        {"$set": fields},
        {"$set": {"basis": when({"$and": [*every, has_basis]}, basis, None)}},
        {"$set": {"enters": {"$gt": ["$basis", 0]}, "zero": {"$and": [is_number("$basis"), {"$lte": ["$basis", 0]}]}}},
    ]


def sums_per_account(form: Form, numbers: Sequence[int], by_types: Sequence[str]) -> list[Document]:
    """Return the stages that add up the posts of each account, span and group.

    The results are `sum_3` and `known_3`, sum and number of the entering posts for which term 3 is known, and the
    numbers of posts that `enter`, or do not because of their basis (`zero`).
    """
    key: Document = {"account": "$account", "span": {"$ifNull": ["$_id.span", 0]}}
    key |= {name: {"$ifNull": [f"${_FIELDS[name]}", "other"]} for name in by_types}
    group: Document = {"enter": {"$sum": when("$enters", 1, 0)}}
    for number in numbers:
        tests = ["$enters"] if _selects(form.terms[number]) is True else ["$enters", f"$takes_{number}"]
        counts = {"$and": [*tests, is_number(f"$value_{number}")]}
        group[f"sum_{number}"] = {"$sum": when(counts, f"$value_{number}", 0)}
        group[f"known_{number}"] = {"$sum": when(counts, 1, 0)}
    if form.pairs_posts:
        group["zero"] = {"$sum": when("$zero", 1, 0)}
    return [{"$group": {"_id": key, **group}}]


def _any(tests: Iterable[Expression]) -> Expression:
    found = [test for test in tests if test is not False]
    return True if any(test is True for test in found) else {"$or": found}


def _selects(term: Term) -> Expression:
    """Return whether the labels of a term select a post, True for all; only posts of accounts in scope are read."""
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
    if selector.campaigns:
        tests.append(f"$chosen{selector.suffix}")
    return {"$and": tests} if tests else True


def _value(term: Term) -> Expression:
    """Return the value of a term for a post; null where it is unknown."""
    suffix = term.selector.suffix
    if not term.offered:
        return when(is_number(f"$any_{term.name}{suffix}"), f"$sum_{term.name}{suffix}", None)
    by_metrics: dict[tuple[str, ...], list[PostKind]] = {}
    for kind in post_kinds():
        by_metrics.setdefault(term.metrics_on(kind), []).append(kind)
    branches = [
        {"case": _is_of(kinds), "then": _sum([f"{name}{suffix}" for name in metrics])}
        for metrics, kinds in by_metrics.items()
        if metrics
    ]
    return {"$switch": {"branches": branches, "default": _NOTHING}}


def _sum(metrics: Iterable[str]) -> Expression:
    every = {"$and": [is_number(f"$any_{name}") for name in metrics]}
    return when(every, {"$add": [f"$sum_{name}" for name in metrics]}, None)


def _is_of(kinds: Iterable[PostKind]) -> Expression:
    return {"$in": [{"$concat": _KIND}, ["|".join(kind) for kind in kinds]]}
