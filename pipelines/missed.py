"""Hours that nobody collected: found by the records of collection, not by the list of runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from metrics.documents import Platform
from metrics.periods import HOUR
from pipelines.partitions import has_hour, recent_slots

LOOK_BACK_HOURS = 48
MAX_RUNS_PER_TICK = 3
_LEFT_TO_THE_SCHEDULE = HOUR / 4


@dataclass(frozen=True, slots=True)
class Missed:
    """An ended hour, and the platforms that were not collected in it."""

    slot: datetime
    platforms: tuple[Platform, ...]


def missed_slots(
    connected: Mapping[Platform, datetime],
    is_recorded: Callable[[datetime, Platform], bool],
    now: datetime,
    kept: datetime,
) -> list[Missed]:
    """Return ended hours of the last two days that lack a platform, newest first.

    `connected` says since when each platform has had an active account: before, there was nothing to collect.
    `is_recorded(slot, platform)` tells whether a collection after the slot's end left any record, failures included.
    The newest hour is left to the schedule until a quarter of an hour has passed; none before `kept` is collected.
    """
    found = []
    for slot in recent_slots(now, LOOK_BACK_HOURS):
        if now - (slot + HOUR) < _LEFT_TO_THE_SCHEDULE or not has_hour(slot, now) or slot < kept:
            continue
        expected = [platform for platform, since in sorted(connected.items()) if since < slot + HOUR]
        lacking = tuple(platform for platform in expected if not is_recorded(slot, platform))
        if lacking:
            found.append(Missed(slot, lacking))
    return found
