"""The range of days of an analytics request, and what Pinterest knows of each day."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from metrics.periods import DAY, midnight
from simulator.pinterest.call import Call
from simulator.pinterest.problem import LAST_90_DAYS

REACH, LONGEST = timedelta(days=90), timedelta(days=90)
ESTIMATE_AFTER, READY_AFTER = timedelta(hours=24), timedelta(hours=48)
"""How long after the end of a day its numbers are estimated, and final."""

Values = dict[str, int | float]


def days_of(call: Call) -> list[date]:
    """Return the days of a request, oldest first.

    Raises:
        Problem: a date is missing or wrong, or the range begins or ends too early or late.
    """
    first, last, today = call.day("start_date"), call.day("end_date"), call.now.date()
    if first < today - REACH or last > first + LONGEST:
        raise call.wrong(LAST_90_DAYS)
    if last < first or last > today:
        raise call.wrong()
    if call.aim.strike("early_days"):
        raise call.wrong(LAST_90_DAYS)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def status_of(day: date, now: datetime) -> str:
    """Return what Pinterest says of a day that it has numbers of."""
    end = midnight(day) + DAY
    if end + READY_AFTER <= now:
        return "READY"
    return "ESTIMATE" if end + ESTIMATE_AFTER <= now else "PROCESSING"


def is_known(status: str) -> bool:
    """Tell whether a day with this status has numbers."""
    return status in ("READY", "ESTIMATE")


def analytics(
    days: Sequence[date],
    statuses: Sequence[str],
    values: Callable[[date, str], Values],
    lifetime: Values | None = None,
) -> dict[str, Any]:
    """Return analytics by day, with their sums; a day without numbers has an empty object.

    `values` takes a day and its status, of which `statuses` has one for each day. Rates of the sums are those of the
    sums, not sums of rates.
    """
    rows = [values(day, said) if is_known(said) else {} for day, said in zip(days, statuses, strict=True)]
    known = [row for row in rows if row]
    summary = {name: _total(name, known) for name in known[0]} if known else {}
    found: dict[str, Any] = {
        "daily_metrics": [
            {"data_status": said, "date": day.isoformat(), "metrics": row}
            for day, said, row in zip(days, statuses, rows, strict=True)
        ]
    }
    if lifetime is not None:
        found["lifetime_metrics"] = lifetime
    return {**found, "summary_metrics": summary}


def rate(part: float, impressions: float) -> float:
    """Return a rate by impressions."""
    return part / impressions if impressions else 0


def _total(name: str, rows: list[Values]) -> int | float:
    if name == "VIDEO_AVG_WATCH_TIME":
        starts = sum(row.get("VIDEO_START", 0) for row in rows)
        return rate(sum(row[name] * row.get("VIDEO_START", 0) for row in rows), starts)
    if not name.endswith("_RATE"):
        return sum(row[name] for row in rows)
    part = name.removesuffix("_RATE")
    if not all(part in row and "IMPRESSION" in row for row in rows):
        return sum(row[name] for row in rows) / len(rows)
    return rate(sum(row[part] for row in rows), sum(row["IMPRESSION"] for row in rows))
