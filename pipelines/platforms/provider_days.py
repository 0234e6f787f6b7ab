"""When a platform's own days (the provider's days) are read, and how far back they can be requested."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from metrics.periods import midnight


@dataclass(frozen=True, slots=True)
class ProviderDays:
    """When a platform's own days (the provider's days) are read, and how far back they can be requested.

    `hours` are the hours of a UTC day in which the newest days are read; `settling` is how many of these days may still
    change. `settling_weekly` is how many days, the former included, are read again once a week, in an hour that differs
    from account to account, because late corrections are rare. `lag` is how long after 00:00 UTC of its date a day is
    over and counted. One request may cover `span` days, and the platform answers for days that began at most `reach`
    ago, and not before the day `first`. `shorter` has the shorter reach of some metrics, by canonical name.
    """

    hours: tuple[int, ...]
    settling: int
    lag: timedelta
    span: int
    reach: timedelta
    shorter: Mapping[str, timedelta] = field(default_factory=dict)
    first: date = date.min
    settling_weekly: int = 0

    def answers(self, name: str, day: date, now: datetime) -> bool:
        """Tell whether the platform still answers for this metric of a day that is within `reach`."""
        reach = self.shorter.get(name)
        return reach is None or midnight(day) + reach >= now

    def newest(self, now: datetime) -> date:
        """Return the newest day that is over and counted."""
        return (now - self.lag).date()

    def oldest(self, now: datetime) -> date:
        """Return the oldest day that the platform answers for."""
        return max((now - self.reach - timedelta(microseconds=1)).date() + timedelta(days=1), self.first)
