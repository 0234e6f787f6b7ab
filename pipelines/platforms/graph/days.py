"""Quarantine of account insights that Meta has retired: they are reported to it, and not requested while in it.

Meta refuses some metrics for single accounts, such as those with few followers. A metric is therefore left out only
after a whole run has ended without an answer for it, never within the run that met the refusals.
"""

from collections.abc import Iterable, Mapping
from datetime import date

from pipelines.platforms.errors import MetricRefused, PlatformError
from pipelines.platforms.graph.answers import is_insights_edge
from pipelines.platforms.graph.client import Result
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.quarantine import Quarantine, Refused

_ACCOUNT = "account"


class DayMetrics:
    """Decides which account metrics to request, with the quarantine; thread-safe."""

    def __init__(self, quarantine: Quarantine) -> None:
        self._quarantine = quarantine

    def to_ask(self, names: Iterable[str], days: Mapping[date, Numbers]) -> set[str]:
        """Return the metrics to request; for the others, note in all days that they are retired."""
        allowed = {
            name
            for name in names
            if not self._quarantine.was_refused_before(name, _ACCOUNT) or self._quarantine.should_retry(name, _ACCOUNT)
        }
        for name in set(names) - allowed:
            for numbers in days.values():
                numbers.miss(name, "metric_retired")
        return allowed

    def learn(self, account_id: str, name: str, result: Result) -> None:
        """Report to the quarantine whether a metric was refused or answered for an account."""
        if isinstance(result, MetricRefused):
            self._quarantine.refuse(Refused(name, _ACCOUNT, "", str(result)), account_id)
        elif not isinstance(result, PlatformError) and is_insights_edge(result):
            self._quarantine.accept(name, _ACCOUNT)
