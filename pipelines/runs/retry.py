"""Accounts that failed in the newest hour are asked again while their levels can still be read.

Everybody's jobs call the platforms at the full hour, and an outage or a limit then is often over minutes later.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zlib import crc32

from metrics.periods import HOUR
from pipelines.partitions import ended_slot, slot_key

ROUNDS = (timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=40))
"""How long after an hour's end its failed accounts are asked again, at the earliest."""

MAY_PASS = ("provider_error", "rate_limited", "internal_error")
"""Reasons of failures that may have passed some minutes later."""

_MOST_JITTER_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Round:
    """One more try of an hour: `at` is the instant from which it is due, and only earlier failures are tried again."""

    slot: datetime
    number: int
    at: datetime

    @property
    def key(self) -> str:
        """The same for every visit of the sensor that finds this round due: `2026-11-29-01:00 round 1`."""
        return f"{slot_key(self.slot)} round {self.number}"


def round_due(now: datetime, grace: timedelta, salt: str) -> Round | None:
    """Return the newest round of the hour that ended last which is due, None where none is.

    Each round begins up to a minute later than its time, by the hour and by `salt`, so that deployments do not call in
    the same second. None begins when the hour's levels may no longer be read.
    """
    slot = ended_slot(now)
    since = now - (slot + HOUR)
    if since >= grace:
        return None
    due = None
    for number, after in enumerate(ROUNDS, start=1):
        jitter = crc32(f"{salt} {slot_key(slot)} {number}".encode()) % _MOST_JITTER_SECONDS
        begins = after + timedelta(seconds=jitter)
        if begins <= since:
            due = Round(slot, number, slot + HOUR + begins)
    return due
