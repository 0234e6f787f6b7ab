"""Read the provider's days of an account: those that still settle every few hours, a past one once per run.

Days that a platform publishes as files are read once a day, and as soon as an account is connected.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zlib import crc32

from metrics.catalog import metrics_of
from metrics.documents import AccountDocument, Observation
from metrics.periods import HOUR, midnight
from metrics.store import Store
from pipelines.collect import observe
from pipelines.platforms.base import PlatformApi, PostDaysReader, ReportReader
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.readings import DaysReading, PostDaysReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.limits import PostBudget
from pipelines.platforms.memory import Memory
from pipelines.platforms.provider_days import ProviderDays

_DAY_METRICS = frozenset(m.name for m in metrics_of("account", "period_sum", "period_unique"))
_HOURS_OF_DAY = 24


class RequestedDays:
    """The days that a run requested of accounts, so that the 24 past slots of a day request their day once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requested: set[tuple[str, date]] = set()

    def first(self, account_id: str, day: date) -> bool:
        """Return True at the first call for a day of an account, False at later calls."""
        with self._lock:
            if (account_id, day) in self._requested:
                return False
            self._requested.add((account_id, day))
            return True


@dataclass(frozen=True)
class DayReader:
    """Reads the provider's days that are due in one slot; shared by the threads of a run."""

    store: Store
    api: PlatformApi
    slot: datetime
    old: bool
    now: datetime
    run_id: str
    requested: RequestedDays = field(default_factory=RequestedDays)
    budget: PostBudget | None = None

    def read(self, account: AccountDocument, access: Access, tally: Tally) -> tuple[list[Observation], DaysReading]:
        """Return observations of values that the log lacks, and the reading that they come from.

        Raises:
            PlatformError: the days could not be read.
            MongoUnavailable: MongoDB does not answer.
        """
        days = self._wanted(account)
        if not days:
            return [], DaysReading({})
        if tally.limited is not None:
            # The limit that was met applies to the whole account: request nothing more before it ends.
            raise tally.limited
        reading = self.api.read_days(access, days, tally, self.budget)
        return self._news(account, reading, days), reading

    def read_reports(
        self, account: AccountDocument, access: Access, memory: Memory, tally: Tally
    ) -> tuple[list[Observation], DaysReading]:
        """Return observations of the days in the platform's files, and the reading that they come from.

        Files are read in one hour of the day, which differs from account to account. They are read in every hour of an
        account that has no jobs yet, so that its first file has the earliest day, or whose last reading broke off.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        if self.old or tally.limited is not None or not isinstance(self.api, ReportReader):
            return [], DaysReading({})
        is_behind = not memory.jobs or any(job.behind for job in memory.jobs.values())
        if not is_behind and self.slot.hour != crc32(account["_id"].encode()) % _HOURS_OF_DAY:
            return [], DaysReading({})
        reading = self.api.read_reports(access, memory, tally)
        return self._news(account, reading, sorted(reading.days)), reading

    def read_posts(
        self, account: AccountDocument, access: Access, tally: Tally
    ) -> tuple[list[Observation], PostDaysReading]:
        """Return observations of what the platform tells of posts by day only, and the reading that they come from.

        These days are read once a day, in the last of the hours of `ProviderDays`. Of a post without a value of the
        days that still settle, all days since the connection are stored: a long outage leaves no gap.

        Raises:
            PlatformError: the days could not be read.
            MongoUnavailable: MongoDB does not answer.
        """
        policy = self.api.days
        is_due = policy is not None and bool(policy.hours) and self.slot.hour == max(policy.hours)
        if self.old or not is_due or policy is None or not isinstance(self.api, PostDaysReader):
            return [], PostDaysReading()
        if tally.limited is not None:
            raise tally.limited
        end = self.slot + HOUR
        days, since = _newest_days(end, policy, policy.settling), midnight(policy.oldest(end))
        found = self.store.posts.of_account(account["_id"], since=since)
        posts = {observe.post_of(one, f"{self.now:%Y-%m-%d}"): one["_id"] for one in found}
        if not posts:
            return [], PostDaysReading()
        known = self.store.observations.of_posts(account["_id"], [observe.last_slot(day) for day in days])
        names = frozenset(self.api.post_day_metrics)

        def first_wanted(name: str) -> date:
            has_any = any(not names.isdisjoint(values) for values in known.get(name, {}).values())
            return min(days) if has_any else account["connectedAt"].date()

        wanted = {post: first_wanted(name) for post, name in posts.items()}
        reading = self.api.read_post_days(access, wanted, days[0], tally)
        observations: list[Observation] = []
        for post, name in posts.items():
            stored = {slot.date(): values for slot, values in known.get(name, {}).items()}
            read = reading.posts.get(post.platform_post_id, {})
            observations += observe.day_observations(account, read, stored, self.run_id, self.api.api_version, post)
        return observations, reading

    def _news(self, account: AccountDocument, reading: DaysReading, days: Sequence[date]) -> list[Observation]:
        """Return observations of the values of a reading that the log lacks."""
        known = stored_days(self.store, account["_id"], days) if days else {}
        return list(observe.day_observations(account, reading.days, known, self.run_id, self.api.api_version))

    def _wanted(self, account: AccountDocument) -> list[date]:
        """Return the days to request: for an old slot its own day, else those that still settle."""
        policy = self.api.days
        if policy is None:
            return []
        days = [self.slot.date()] if self.old else _newest_days(self.slot + HOUR, policy, self._depth(account, policy))
        days = [day for day in days if midnight(day) + policy.lag <= self.now]
        if self.old:
            return [day for day in days if self.requested.first(account["_id"], day)]
        # Days before the connection too: they may still have been settling when the history was read.
        return days

    def _depth(self, account: AccountDocument, policy: ProviderDays) -> int:
        """Return how many of the newest days are read in this slot; 0 if none are."""
        is_weekly_turn = hour_of_week(self.slot) == weekly_turn(account["_id"])
        weekly = policy.settling_weekly if is_weekly_turn else 0
        return max(weekly, policy.settling if self.slot.hour in policy.hours else 0)


def hour_of_week(slot: datetime) -> int:
    """Return the number of an hour in its week, 0 to 167, from Monday 00:00 UTC."""
    return slot.weekday() * _HOURS_OF_DAY + slot.hour


def weekly_turn(account_id: str) -> int:
    """Return the hour of the week in which more days of an account are read again; it spreads accounts evenly."""
    return crc32(account_id.encode()) % (7 * _HOURS_OF_DAY)


def stored_days(store: Store, account_id: str, days: Sequence[date]) -> dict[date, dict[str, int | float]]:
    """Return the values that the log has of an account's provider's days, by day; days without any are left out.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    found = store.observations.of_account(account_id, [observe.last_slot(day) for day in days])
    stored = {slot.date(): {n: v for n, v in values.items() if n in _DAY_METRICS} for slot, values in found.items()}
    return {day: values for day, values in stored.items() if values}


def _newest_days(end: datetime, policy: ProviderDays, depth: int) -> list[date]:
    """Return so many of the provider's days that had ended at a slot's end, newest first."""
    newest = policy.newest(end)
    return [newest - timedelta(days=back) for back in range(depth)]
