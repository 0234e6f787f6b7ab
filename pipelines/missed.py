"""Hours that nobody collected: found by the records of collection, not by the list of runs."""

from datetime import datetime

from metrics.periods import HOUR
from metrics.store import Store
from pipelines.partitions import recent_slots

LOOK_BACK_HOURS = 48
MAX_RUNS_PER_TICK = 3


def missed_slots(store: Store, now: datetime) -> list[datetime]:
    """Return ended hours of the last two days for which no account has any record, newest first, a few at a time.

    The newest hour is left to the schedule until a quarter of an hour has passed. An hour counts only from the moment
    at which the first active account had been connected: before it there was nothing to collect.
    """
    active = store.accounts.find(states=["active"])
    if not active:
        return []
    connected = min(account["connectedAt"] for account in active)
    grace = HOUR / 4
    slots = [s for s in recent_slots(now, LOOK_BACK_HOURS) if s >= connected and now - (s + HOUR) >= grace]
    if not slots:
        return []
    recorded = store.collections.recorded_slots(slots[-1], slots[0] + HOUR)
    return [slot for slot in slots if slot not in recorded][:MAX_RUNS_PER_TICK]
