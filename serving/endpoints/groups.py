"""Parts of an answer of `aggregated`: totals of each platform, and a selection of metrics."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from metrics.expected import Connection

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


def keep_fields(rows: Iterable[Mapping[str, Any]], fields: str | None) -> list[Row]:
    """Return rollups or totals with the named metrics only, in their comparisons as well; without names, with all."""
    if fields is None:
        return [dict(row) for row in rows]
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
