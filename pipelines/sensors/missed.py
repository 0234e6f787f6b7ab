"""Hours that nobody collected, or not for every account: found by the records of accounts, not by the list of runs."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from metrics.collection.hours import Holes
from metrics.documents import Platform
from metrics.periods import HOUR
from pipelines.partitions import has_hour, recent_slots

LOOK_BACK_HOURS = 48
MAX_RUNS_PER_TICK = 3
_LEFT_TO_THE_SCHEDULE = HOUR / 4


@dataclass(frozen=True, slots=True)
class Missed:
    """Ended hours that follow one another, and the platforms that have accounts without a record in any of them."""

    first: datetime
    last: datetime
    platforms: tuple[Platform, ...]


def slots_to_look_at(now: datetime, kept: datetime) -> list[datetime]:
    """Return the ended hours of the last two days, newest first, that may be asked for.

    The newest hour is left to the schedule until a quarter of an hour has passed; none before `kept` is collected.
    """
    return [
        slot
        for slot in recent_slots(now, LOOK_BACK_HOURS)
        if now - (slot + HOUR) >= _LEFT_TO_THE_SCHEDULE and has_hour(slot, now) and slot >= kept
    ]


def missed_hours(holes: Holes, now: datetime, grace: timedelta) -> list[Missed]:
    """Return what is to be asked for, newest first.

    An hour whose levels can still be read has a run of its own. Older ones that follow one another within a day share
    one, because a run asks for a provider's day once.
    """
    found: list[Missed] = []
    for slot in sorted(holes, reverse=True):
        platforms = tuple(sorted(holes[slot]))
        newer = found[-1] if found else None
        if newer and _may_share(newer, slot, now, grace):
            found[-1] = Missed(slot, newer.last, tuple(sorted({*newer.platforms, *platforms})))
        else:
            found.append(Missed(slot, slot, platforms))
    return found


def _may_share(newer: Missed, slot: datetime, now: datetime, grace: timedelta) -> bool:
    in_time = now - (newer.last + HOUR) <= grace
    return not in_time and slot + HOUR == newer.first and slot.date() == newer.last.date()
