"""The daily quotas of the project that all callers share; they begin anew at midnight of the Pacific time zone.

A request costs one unit, an invalid one too. Facts: docs/platform-facts.md#youtube-limits-and-errors.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from simulator.state import State
from simulator.youtube.problem import Problem

PACIFIC = ZoneInfo("America/Los_Angeles")
UNITS = {"general": 10_000, "stats": 10_000, "search": 100, "reporting": 20_000}
REPORTING_PER_MINUTE = 60
_OWN = {"videos:batchGetStats": "stats", "search": "search"}

Used = dict[tuple[str, date], int]


def bucket_of(method: str) -> str:
    """Return the quota that counts a method of the Data API."""
    return _OWN.get(method, "general")


def used(state: State) -> Used:
    """Return the units that were used, by quota and Pacific day."""
    found: Used = state.memory.setdefault("youtube:quota", {})
    return found


def spend(state: State, bucket: str, now: datetime) -> None:
    """Count a request in a quota.

    Raises:
        Problem: the quota of this day is used.
    """
    place = bucket, now.astimezone(PACIFIC).date()
    units = used(state)
    if units.get(place, 0) >= UNITS[place[0]]:
        raise exceeded()
    units[place] = units.get(place, 0) + 1


def exceeded() -> Problem:
    """Return the error for a quota that is used; its message has a link."""
    message = (
        'The request cannot be completed because you have exceeded your <a href="/youtube/v3/getting-started#quota">'
        "quota</a>."
    )
    return Problem(403, "quotaExceeded", message, "youtube.quota")
