"""Columns of a chart: the totals of consecutive periods, turned into one series per metric."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from metrics.calendars import Span
from metrics.documents import AggregatedDocument
from serving.endpoints.rollups.names import NamedMetric

Row = Mapping[str, Any]
"""The totals of one period, as `workspace_totals` returns them."""


def with_own_values(
    rows: Iterable[Row], documents: Mapping[datetime, AggregatedDocument], names: Sequence[str]
) -> list[Row]:
    """Return the totals of a single account with its own values of metrics that do not add up over accounts.

    `documents` are the rollups of the account, by the start of their period.
    """
    found: list[Row] = []
    for row in rows:
        document = documents.get(row["periodStart"])
        values = document["aggregatedMetrics"] if document else {}
        reasons = document.get("unavailable", {}) if document else {}
        own = {name: values[name] for name in names if name in values}
        lacking = {name: reasons.get(name, "no_observation") for name in names if name not in values}
        unavailable = {name: reason for name, reason in row["unavailable"].items() if name not in names}
        found.append({**row, "metrics": row["metrics"] | own, "unavailable": unavailable | lacking})
    return found


def in_periods(rows: Iterable[Row], periods: Sequence[Span]) -> list[Row | None]:
    """Return the totals of each period, None for one in which no account is expected."""
    of_start = {row["periodStart"]: row for row in rows}
    return [of_start.get(period.start) for period in periods]


def series_of(
    metric: NamedMetric, group: Mapping[str, str], rows: Sequence[Row | None], whole: Row | None
) -> dict[str, Any]:
    """Return the series of one metric and group.

    `rows` are the totals by period, as `in_periods` returns them, `whole` those of the range. A value that is unknown
    is None, and `unavailable` has its reason by the index of its period. The status of a period in which no account is
    expected is None.
    """
    name = metric.name
    values: list[int | float | None] = []
    status: list[str | None] = []
    unavailable: dict[str, str] = {}
    missing: dict[str, list[str]] = {}
    for index, row in enumerate(rows):
        value = row["metrics"].get(name) if row else None
        values.append(value)
        status.append(_status(row, name) if row else None)
        if value is None:
            unavailable[str(index)] = _reason(row, name)
        if row and (lacking := row["missing"].get(name)):
            missing[str(index)] = lacking
    found = {"metric": name, "group": dict(group), "unit": metric.unit, "values": values, "status": status}
    parts: dict[str, Any] = {}
    if metric.definition is not None:
        parts = _own_parts(name, rows, whole)
    elif name == "engagementRate":
        parts = _parts(rows, whole)
    return {**found, "unavailable": unavailable, "missing": missing, **parts, **_over_range(name, whole)}


def _parts(rows: Sequence[Row | None], whole: Row | None) -> dict[str, Any]:
    """Return what a rate is made of: its basis, and by period its numerator and denominator, which can be pooled."""
    found = [row["metrics"].get("engagementRateParts", {}) if row else {} for row in rows]
    parts = {"over": [part.get("engagement") for part in found], "under": [part.get("basis") for part in found]}
    basis = whole["metrics"].get("engagementRateBasis") if whole else None
    return {"parts": parts} if basis is None else {"basis": basis, "parts": parts}


def _own_parts(name: str, rows: Sequence[Row | None], whole: Row | None) -> dict[str, Any]:
    """Return what the values of an own metric are made of, by period and over the range, so that they can be pooled."""
    found = [row["parts"].get(name, {}) if row else {} for row in rows]
    keys = ["over", *(["under"] if any("under" in part for part in found) else []), "measured"]
    parts = {"parts": {key: [part.get(key) for part in found] for key in keys}}
    total = whole["parts"].get(name) if whole else None
    return parts if total is None else {**parts, "totalParts": total}


def _over_range(name: str, whole: Row | None) -> dict[str, Any]:
    """Return what a series says about the whole range: total, the accounts that it lacks, and the comparison."""
    value = whole["metrics"].get(name) if whole else None
    found: dict[str, Any] = {"total": value} if value is not None else {"totalUnavailable": _reason(whole, name)}
    if whole is None:
        return found
    if missing := whole["missing"].get(name):
        found["totalMissing"] = missing
    if name in whole.get("withheld", {}).get("metrics", ()):
        found["withheld"] = whole["withheld"]["platforms"]
    if "comparison" in whole:
        comparison = {key: part for key, part in whole["comparison"].items() if key != "changes"}
        change = whole["comparison"]["changes"].get(name)
        found["comparison"] = comparison if change is None else {**comparison, "change": change}
    return found


def _status(row: Row, name: str) -> str:
    partial = row["status"] == "complete" and name in row["missing"]
    return "partial" if partial else str(row["status"])


def _reason(row: Row | None, name: str) -> str:
    """Return why a value is unknown. A metric that a part of the posts cannot have is not supported."""
    return row["unavailable"].get(name, "not_supported") if row else "no_observation"
