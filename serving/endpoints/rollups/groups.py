"""Groups of an answer: totals of each platform or of each part of the posts, and a selection of metrics."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from metrics.aggregation.post_parts import PostCounts, PostPart, Sums, of_part, parts_of
from metrics.expected import Connection, Span
from serving.endpoints.rollups.selection import Rollups

_BY_METRIC = ("aggregatedMetrics", "metrics", "unavailable", "missing", "parts")
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
    totals_of: Callable[[PostPart, Rollups], Iterable[Row]],
) -> list[Row]:
    """Return the totals of the posts of each content type, oldest period first, then by content type.

    Each type of which one of the periods has a post gets a row in every period. `totals_of` returns the totals of one
    type from the accounts' documents with the sums of that type, a row per period.
    """
    rows = [
        {"contentType": part.content_type, **row}
        for part in parts_in(rollups, sums)
        for row in totals_of(part, rollups_of(part, rollups, sums))
    ]
    return sorted(rows, key=lambda row: row["periodStart"])


def parts_in(
    rollups: Rollups, sums: Mapping[Span, Sums], counts: Mapping[Span, PostCounts] | None = None
) -> list[PostPart]:
    """Return the parts of which one of the periods has a post, sorted; the arguments are those of `rollups_of`."""
    found = {
        part
        for span, documents in rollups.items()
        for part in parts_of(documents.values(), sums[span], counts[span] if counts else None)
    }
    return sorted(found, key=lambda part: (part.content_type or "", part.metric_type or ""))


def rollups_of(
    part: PostPart, rollups: Rollups, sums: Mapping[Span, Sums], counts: Mapping[Span, PostCounts] | None = None
) -> Rollups:
    """Return the accounts' documents with the sums over one part of their posts in place of their metrics.

    `counts` has the numbers of published posts of parts by metric type, which the documents do not have.
    """
    return {
        span: {
            account: of_part(document, part, sums[span], counts[span] if counts else None)
            for account, document in documents.items()
        }
        for span, documents in rollups.items()
    }


def keep_fields(rows: Iterable[Mapping[str, Any]], fields: Iterable[str] | None) -> Sequence[Mapping[str, Any]]:
    """Return rollups or totals with the named metrics only, in their comparisons as well; without names, with all."""
    if fields is None:
        return list(rows)
    names = frozenset(fields)
    return [_kept(row, names) for row in rows]


def _kept(row: Mapping[str, Any], names: frozenset[str]) -> Row:
    kept = {name: _only(part, names) if name in _BY_METRIC else part for name, part in row.items()}
    if "comparison" in kept:
        comparison = kept["comparison"]
        kept["comparison"] = {**comparison, "changes": _only(comparison["changes"], names)}
    return kept


def _only(by_metric: Row, names: frozenset[str]) -> Row:
    return {name: value for name, value in by_metric.items() if name in names}
