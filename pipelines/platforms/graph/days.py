"""Insights of accounts that Meta no longer has: they are told to the quarantine, and not asked while they are in it.

An account may be refused what others have, one with few followers for instance. A metric is therefore left out only
where a whole run ended without an answer for it, never within the run that met the refusals.
"""

from collections.abc import Iterable, Mapping
from datetime import date

from pipelines.platforms.errors import MetricRefused, PlatformError
from pipelines.platforms.graph.answers import is_edge
from pipelines.platforms.graph.client import Result
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.quarantine import Quarantine, Refused

_ACCOUNT = "account"


class DayMetrics:
    """Knows which metrics of accounts are refused for everybody; thread-safe."""

    def __init__(self, quarantine: Quarantine) -> None:
        self._quarantine = quarantine

    def to_ask(self, names: Iterable[str], days: Mapping[date, Numbers]) -> set[str]:
        """Return the metrics to ask for; of the others the days note that they are retired."""
        asked = {
            name
            for name in names
            if not self._quarantine.keeps(name, _ACCOUNT) or self._quarantine.to_try(name, _ACCOUNT)
        }
        for name in set(names) - asked:
            for numbers in days.values():
                numbers.miss(name, "metric_retired")
        return asked

    def learn(self, account_id: str, name: str, result: Result) -> None:
        """Note what an account was answered for a metric."""
        if isinstance(result, MetricRefused):
            self._quarantine.refuse(Refused(name, _ACCOUNT, "", str(result)), account_id)
        elif not isinstance(result, PlatformError) and is_edge(result):
            self._quarantine.accept(name, _ACCOUNT)
