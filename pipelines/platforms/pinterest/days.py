"""Reads the days of a Pinterest account: the analytics of its pins that are not advertised.

Facts: docs/platform-facts.md#pinterest-analytics.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from metrics.catalog import metrics_of
from pipelines.platforms.errors import RequestRefused
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.pinterest.answers import TooOld, parsing_answer, take_days
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.refusable import RefusableDays

ANALYTICS = "user_account/analytics"
FIELDS: Mapping[str, str] = {
    metric.name: metric.offers["pinterest"].field
    for metric in metrics_of("account", "period_sum")
    if "pinterest" in metric.offers
}
"""Pinterest's metric of each amount of a day, by canonical name."""

Ask = Callable[[str, Mapping[str, str]], Mapping[str, Any]]
"""Sends a GET request for a path with parameters; returns the body."""


class Days(RefusableDays):
    """Reads days of one account, and adds their numbers to `found`."""

    def __init__(self, ask: Ask, account_id: str, quarantine: Quarantine, found: Mapping[date, Numbers]) -> None:
        super().__init__(account_id, quarantine, found)
        self._ask = ask

    def read(self) -> None:
        """Read all metrics in one call; the errors of those that could not be read are in `failures`.

        Raises:
            NeedsReauth, RateLimited: nothing more can be read.
        """
        self._read_groups([FIELDS])

    def _refuses_days(self, error: RequestRefused) -> bool:
        return isinstance(error, TooOld)

    def _take(self, fields: Mapping[str, str]) -> None:
        """Request some metrics of the days, and store their values.

        Raises:
            PlatformError: the request failed, or the answer has an unexpected form.
        """
        params = {
            "start_date": min(self._found).isoformat(),
            "end_date": max(self._found).isoformat(),
            "content_type": "ORGANIC",
            "metric_types": ",".join(fields.values()),
        }
        body = self._ask(ANALYTICS, params)
        with parsing_answer():
            take_days(self._found, body, fields)
