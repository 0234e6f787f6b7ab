"""Parts of an answer of `aggregated`: totals of each platform or content type, and a selection of metrics."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from metrics.aggregation.content_types import Sums, content_types, of_type
from metrics.documents import ContentType
from metrics.expected import Connection, Span
from serving.endpoints.selection import Rollups

_BY_METRIC = ("aggregatedMetrics", "metrics", "unavailable", "missing")
"""Fields of rollups and totals that are objects by metric."""

Row = dict[str, Any]


def totals_by_platform(
    accounts: Sequence[Connection], totals_of: Callable[[Sequence[Connection]], Iterable[Row]]
) -> list[Row]:
    """Return the totals of the accounts of each platform, oldest period first, then by platform.

    `totals_of` returns the totals of some of the accounts, a row per period.
    """
    platforms = sorted({account.platform for account in accounts})
    rows = [
        {"platform": platform, **row}
        for platform in platforms
        for row in totals_of([account for account in accounts if account.platform == platform])
    ]
    return sorted(rows, key=lambda row: row["periodStart"])


def totals_by_content_type(
    rollups: Rollups,
    sums: Mapping[Span, Sums],
    totals_of: Callable[[ContentType, Rollups], Iterable[Row]],
) -> list[Row]:
    """Return the totals of the posts of each content type, oldest period first, then by content type.

    Each type of which one of the periods has a post gets a row in every period. `totals_of` returns the totals of one
    type from the accounts' documents with the sums of that type, a row per period.
    """
    every = sorted({name for span, found in rollups.items() for name in content_types(found.values(), sums[span])})
    rows = [
        {"contentType": name, **row}
        for name in every
        for row in totals_of(
            name,
            {
                span: {account: of_type(document, name, sums[span]) for account, document in found.items()}
                for span, found in rollups.items()
            },
        )
    ]
    return sorted(rows, key=lambda row: row["periodStart"])


def keep_fields(rows: Iterable[Mapping[str, Any]], fields: str | None) -> Sequence[Mapping[str, Any]]:
    """Return rollups or totals with the named metrics only, in their comparisons as well; without names, with all."""
    if fields is None:
        return list(rows)
    names = frozenset(fields.split(","))
    return [_kept(row, names) for row in rows]


def _kept(row: Mapping[str, Any], names: frozenset[str]) -> Row:
    kept = {name: _only(part, names) if name in _BY_METRIC else part for name, part in row.items()}
    if "comparison" in kept:
        comparison = kept["comparison"]
        kept["comparison"] = {**comparison, "changes": _only(comparison["changes"], names)}
    return kept


def _only(by_metric: Row, names: frozenset[str]) -> Row:
    return {name: value for name, value in by_metric.items() if name in names}
