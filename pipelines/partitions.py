"""Partitions, and the keys by which Dagster knows slots and periods.

All grains are UTC and start on the same instant, the Monday 2024-01-01, so that no week or month lacks a day. Every
grain holds the window under way (`end_offset=1`): an hour can be collected on demand before it ends, and the running
day, week and month are rolled up as they grow. The schedules name the window that ended.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from metrics.periods import HOUR, Period, period_end

FIRST_DAY = "2024-01-01"

HOURS = dg.HourlyPartitionsDefinition(start_date=f"{FIRST_DAY}-00:00", timezone="UTC", end_offset=1)
DAYS = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, timezone="UTC", end_offset=1)
WEEKS = dg.WeeklyPartitionsDefinition(start_date=FIRST_DAY, timezone="UTC", day_offset=1, end_offset=1)
MONTHS = dg.MonthlyPartitionsDefinition(start_date=FIRST_DAY, timezone="UTC", end_offset=1)

ROLLUPS: dict[Period, dg.TimeWindowPartitionsDefinition] = {"daily": DAYS, "weekly": WEEKS, "monthly": MONTHS}

_HOUR_FORMAT = "%Y-%m-%d-%H:%M"
_DAY_FORMAT = "%Y-%m-%d"


def slot_key(slot: datetime) -> str:
    """Return the partition key of a slot."""
    return slot.astimezone(UTC).strftime(_HOUR_FORMAT)


def period_key(start: datetime) -> str:
    """Return the partition key of the day, week or month that starts at `start`."""
    return start.astimezone(UTC).strftime(_DAY_FORMAT)


def slot_of_key(key: str) -> datetime:
    """Return the slot of an hourly partition key."""
    return datetime.strptime(key, _HOUR_FORMAT).replace(tzinfo=UTC)


def start_of_key(key: str) -> datetime:
    """Return the start of the period of a daily, weekly or monthly partition key."""
    return datetime.strptime(key, _DAY_FORMAT).replace(tzinfo=UTC)


def has_partition(start: datetime, now: datetime) -> bool:
    """Tell whether the period that starts at `start` is a partition: begun, and not before the first day of all."""
    return start_of_key(FIRST_DAY) <= start <= now


def ranges(period: Period, starts: Sequence[datetime]) -> list[tuple[datetime, datetime]]:
    """Return consecutive periods joined to ranges, `(first start, last start)`, so that each range is one run."""
    joined: list[tuple[datetime, datetime]] = []
    for start in sorted(set(starts)):
        if joined and period_end(period, joined[-1][1]) == start:
            joined[-1] = (joined[-1][0], start)
        else:
            joined.append((start, start))
    return joined


def ended_slot(instant: datetime) -> datetime:
    """Return the hour that just ended at `instant`."""
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - HOUR


def recent_slots(instant: datetime, hours: int) -> list[datetime]:
    """Return the last `hours` ended slots, newest first."""
    newest = ended_slot(instant)
    return [newest - timedelta(hours=back) for back in range(hours)]
