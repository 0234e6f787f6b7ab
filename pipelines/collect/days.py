"""The provider's own days of an account: the settling ones every few hours, a past one once per run."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from metrics.catalog import metrics_of
from metrics.documents import AccountDocument, Observation
from metrics.periods import HOUR, midnight
from metrics.store import Store
from pipelines.collect import observe
from pipelines.platforms.base import Access, DaysReading, PlatformApi, PostBudget, ProviderDays, Tally

_DAY_METRICS = frozenset(m.name for m in metrics_of("account", "period_sum", "period_unique"))


class AskedDays:
    """The days that a run asked of accounts: 24 past slots of a day have one day in common, which is asked for once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: set[tuple[str, date]] = set()

    def first(self, account_id: str, day: date) -> bool:
        """Tell whether a day of an account was not asked for before, and note that it is now."""
        with self._lock:
            if (account_id, day) in self._asked:
                return False
            self._asked.add((account_id, day))
            return True


@dataclass(frozen=True)
class DayReader:
    """Reads days for one slot; shared by the threads of a run."""

    store: Store
    api: PlatformApi
    slot: datetime
    old: bool
    now: datetime
    run_id: str
    asked: AskedDays = field(default_factory=AskedDays)
    budget: PostBudget | None = None

    def read(self, account: AccountDocument, access: Access, tally: Tally) -> tuple[list[Observation], DaysReading]:
        """Return what is new of the provider's days, and the reading that it comes from.

        Raises:
            PlatformError: the days could not be read.
            MongoUnavailable: MongoDB does not answer.
        """
        days = self._wanted(account)
        if not days:
            return [], DaysReading({})
        if tally.limited is not None:
            # A limit that was met stands for the whole account: nothing more is asked before it is over.
            raise tally.limited
        reading = self.api.read_days(access, days, tally, self.budget)
        known = told_days(self.store, account["_id"], days)
        version = self.api.api_version
        return list(observe.day_observations(account, reading.days, known, self.run_id, version)), reading

    def _wanted(self, account: AccountDocument) -> list[date]:
        """Return the days to ask for: the slot's own for an old slot, else those that still settle."""
        policy = self.api.days
        if policy is None or not (self.old or self.slot.hour in policy.hours):
            return []
        days = [self.slot.date()] if self.old else _newest_days(self.slot + HOUR, policy)
        days = [day for day in days if midnight(day) + policy.lag <= self.now]
        if self.old:
            return [day for day in days if self.asked.first(account["_id"], day)]
        # Days before the connection too: where the history read them, they may still have been settling.
        return days


def told_days(store: Store, account_id: str, days: Sequence[date]) -> dict[date, dict[str, int | float]]:
    """Return what the log has of the provider's days of an account, by day; days of which it has nothing are left out.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    found = store.observations.of_account(account_id, [observe.last_slot(day) for day in days])
    said = {slot.date(): {n: v for n, v in values.items() if n in _DAY_METRICS} for slot, values in found.items()}
    return {day: values for day, values in said.items() if values}


def _newest_days(end: datetime, policy: ProviderDays) -> list[date]:
    """Return the provider's days that were over at a slot's end, as far back as they still settle."""
    newest = policy.newest(end)
    return [newest - timedelta(days=back) for back in range(policy.settling)]
