"""The collection frequency of a post by its age: the younger it is, the more often it is read.

Due slots follow the UTC calendar. The last slot of a day is always due (in the weekly step, the last slot of Sunday),
so that a closing value was read on its own day.
"""

from datetime import datetime, timedelta

from metrics.periods import HOUR, WEEK
from pipelines.platforms.data.wanted import FOLLOWED

HOURLY_UNTIL = timedelta(days=2)
SIX_HOURLY_UNTIL = WEEK
DAILY_UNTIL = timedelta(days=30)
FOLLOWED_UNTIL = FOLLOWED

LAST_HOUR = 23
_SUNDAY = 6


def due(published_at: datetime, slot: datetime) -> bool:
    """Tell whether a post is due in a slot, by its age at the slot's end."""
    age = slot + HOUR - published_at
    if age <= timedelta() or age > FOLLOWED_UNTIL:
        return False
    if age <= HOURLY_UNTIL:
        return True
    if age <= SIX_HOURLY_UNTIL:
        return slot.hour % 6 == LAST_HOUR % 6
    if slot.hour != LAST_HOUR:
        return False
    return age <= DAILY_UNTIL or slot.weekday() == _SUNDAY


def due_slots(published_at: datetime, start: datetime, end: datetime) -> list[datetime]:
    """Return the slots in `[start, end)` in which a post is due, oldest first."""
    slot = max(start, (published_at - HOUR).replace(minute=0, second=0, microsecond=0))
    last = min(end, published_at + FOLLOWED_UNTIL)
    found = []
    while slot < last:
        if due(published_at, slot):
            found.append(slot)
        slot += HOUR
    return found
