"""Local days as instants: the first UTC slot of a date in a time zone, and the date of an instant."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from metrics.periods import DAY, HOUR, slot_of

_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)


class DayStart(NamedTuple):
    """Where a local date begins: its first slot, and by how many minutes this slot is later than local midnight."""

    slot: datetime
    shift_minutes: int


@lru_cache(maxsize=16_384)
def day_start(zone: str, day: date) -> DayStart:
    """Return where a date begins in a zone: with the first UTC slot that starts at or after its local midnight.

    A midnight that occurs twice is the first of the two. A midnight that does not exist is the first instant after it
    that exists. A date that the zone skipped therefore begins where the next date begins. Fractions of a minute, which
    offsets before 1973 had, count as a whole minute.

    Raises:
        zoneinfo.ZoneInfoNotFoundError: there is no such zone.
    """
    midnight = _midnight(ZoneInfo(zone), day)
    slot = slot_of(midnight)
    if slot < midnight:
        slot += HOUR
    return DayStart(slot, -((midnight - slot) // _MINUTE))


def date_of(zone: str, instant: datetime) -> date:
    """Return the date whose slots, as `day_start` bounds them, include the slot of an instant."""
    slot = slot_of(instant)
    day = slot.astimezone(ZoneInfo(zone)).date()
    while day_start(zone, day).slot > slot:
        day -= DAY
    while day_start(zone, day + DAY).slot <= slot:
        day += DAY
    return day


def _midnight(local: ZoneInfo, day: date) -> datetime:
    """Return the first instant whose local time is midnight of `day`, or later if midnight does not exist; in UTC."""
    wall = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - the time that a local clock shows
    # With fold=0, Python takes the first of two midnights. For a midnight in a gap, fold=0 gives an instant at or after
    # the end of the gap, and fold=1 an instant before it.
    found = wall.replace(tzinfo=local).astimezone(UTC)
    if _clock(local, found) == wall:
        return found
    before = wall.replace(tzinfo=local, fold=1).astimezone(UTC)
    while found - before > _SECOND:
        middle = before + (found - before) // _SECOND // 2 * _SECOND
        if _clock(local, middle) < wall:
            before = middle
        else:
            found = middle
    return found


def _clock(local: ZoneInfo, instant: datetime) -> datetime:
    """Return the time that a clock of the zone shows at an instant."""
    return instant.astimezone(local).replace(tzinfo=None)
