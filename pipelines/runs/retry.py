"""Rounds in which accounts that failed in the newest hour are collected again, while their levels can still be read.

The jobs of many users call the platforms at the full hour; an outage or a limit at that time is often over minutes
later.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zlib import crc32

from metrics.periods import HOUR
from pipelines.partitions import ended_slot, slot_key

ROUNDS = (timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=40))
"""Earliest times after an hour's end at which its failed accounts are collected again."""

MAY_PASS = ("provider_error", "rate_limited", "internal_error")
"""Reasons of failures that may be over some minutes later."""

_MOST_JITTER_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Round:
    """One retry of an hour. It is due from the instant `at` on, and retries only accounts that failed before that."""

    slot: datetime
    number: int
    at: datetime

    @property
    def key(self) -> str:
        """The name of the round, the same in all evaluations of the sensor: `2026-11-29-01:00 round 1`."""
        return f"{slot_key(self.slot)} round {self.number}"


def round_due(now: datetime, grace: timedelta, salt: str) -> Round | None:
    """Return the newest due round of the hour that ended last, or None.

    Each round begins up to a minute later than its time. The jitter depends on the hour and on `salt`, so that
    deployments do not call in the same second. No round begins after the `grace` of the hour.
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
