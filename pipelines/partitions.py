"""Partition definitions, and the conversion between partition keys and slots or periods.

All partitions are in UTC. They include the present window (`end_offset=1`): an hour can be collected on demand before
it ends, and the present day, week and month are rolled up as they grow. The schedules request the window that ended.

Hours begin where kept observations do: older hours cannot be collected (`pipelines.assets.hours`), and Dagster's pages
take longer the more partitions there are. Weeks and months begin with the first whole one.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from metrics.calendars.workspace import FARTHEST_AHEAD
from metrics.clock import utcnow
from metrics.periods import HOUR, Period, midnight, period_end
from metrics.settings import Settings, load_settings

_FIRST_ROLLUPS = date(2024, 1, 1)
"""Days, weeks and months begin no later than this: rollups are kept for longer than observations."""
_MOST_YEARS = 5
"""Years of hours, unless TIDEMARK_FIRST_DAY says otherwise: no platform answers for older ones (platforms' own
retention is two years at most), while observations may be kept for decades."""


def first_days(settings: Settings, today: date) -> tuple[date, date]:
    """Return the first day of hours, and that of days, weeks and months: both are TIDEMARK_FIRST_DAY if that is set.

    Otherwise hours begin on the first of January of the year that kept observations begin in. That moves only once a
    year, so that a running backfill does not lose its partitions, and so that Dagster counts materialised partitions
    again only once a year.
    """
    if settings.first_day is not None:
        return settings.first_day, settings.first_day
    year = max((today - timedelta(days=settings.retention_days)).year, today.year - _MOST_YEARS)
    return date(year, 1, 1), min(date(year, 1, 1), _FIRST_ROLLUPS)


_HOUR_FORMAT = "%Y-%m-%d-%H:%M"
_DAY_FORMAT = "%Y-%m-%d"

FIRST_HOUR, FIRST_DAY = map(midnight, first_days(load_settings(), utcnow().date()))

HOURS = dg.HourlyPartitionsDefinition(start_date=FIRST_HOUR, timezone="UTC", end_offset=1)
SIX_HOURS = dg.TimeWindowPartitionsDefinition(
    start=FIRST_HOUR, fmt=_HOUR_FORMAT, cron_schedule="0 */6 * * *", timezone="UTC", end_offset=1
)
DAYS = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, timezone="UTC", end_offset=1)
WEEKS = dg.WeeklyPartitionsDefinition(start_date=FIRST_DAY, timezone="UTC", day_offset=1, end_offset=1)
MONTHS = dg.MonthlyPartitionsDefinition(start_date=FIRST_DAY, timezone="UTC", end_offset=1)

ROLLUPS: dict[Period, dg.TimeWindowPartitionsDefinition] = {"daily": DAYS, "weekly": WEEKS, "monthly": MONTHS}


def slot_key(slot: datetime) -> str:
    """Return the partition key of a slot, or of the six hours that begin with it."""
    return slot.astimezone(UTC).strftime(_HOUR_FORMAT)


def period_key(start: datetime) -> str:
    """Return the partition key of the day, week or month that starts at `start`."""
    return start.astimezone(UTC).strftime(_DAY_FORMAT)


def slot_of_key(key: str) -> datetime:
    """Return the slot of an hourly partition key, or the first one of that of six hours."""
    return datetime.strptime(key, _HOUR_FORMAT).replace(tzinfo=UTC)


def start_of_key(key: str) -> datetime:
    """Return the start of the period of a daily, weekly or monthly partition key."""
    return datetime.strptime(key, _DAY_FORMAT).replace(tzinfo=UTC)


def has_hour(slot: datetime, now: datetime) -> bool:
    """Tell whether a slot is a partition: it has begun, and is not before the first hour."""
    return FIRST_HOUR <= slot <= now


def has_partition(start: datetime, now: datetime) -> bool:
    """Tell whether the period that starts at `start` is a partition: it has begun, and is not before the first day."""
    return FIRST_DAY <= start <= now


def may_have_begun(period: Period, start: datetime, now: datetime) -> bool:
    """Tell whether the period of a partition may have begun in some calendar, and is not before the first day.

    In Auckland a day begins half a day before its partition exists, and weeks may begin with another day than Monday.
    """
    return has_partition(start, now + FARTHEST_AHEAD[period])


def ranges(period: Period, starts: Sequence[datetime]) -> list[tuple[datetime, datetime]]:
    """Join consecutive periods to ranges `(first start, last start)`, so that one run can cover each range."""
    joined: list[tuple[datetime, datetime]] = []
    for start in sorted(set(starts)):
        if joined and period_end(period, joined[-1][1]) == start:
            joined[-1] = (joined[-1][0], start)
        else:
            joined.append((start, start))
    return joined


def ended_slot(instant: datetime) -> datetime:
    """Return the newest slot that had ended at `instant`."""
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - HOUR


def recent_slots(instant: datetime, hours: int) -> list[datetime]:
    """Return the last `hours` slots that had ended at `instant`, newest first."""
    newest = ended_slot(instant)
    return [newest - timedelta(hours=back) for back in range(hours)]
