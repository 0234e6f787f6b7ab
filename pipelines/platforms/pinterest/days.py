"""Reads the days of a Pinterest account: the analytics of its pins that are not advertised.

Facts: docs/platform-facts.md#pinterest-analytics.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from metrics.catalog import metrics_of
from metrics.documents import Reason
from pipelines.platforms.errors import (
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    PostGone,
    RateLimited,
    RequestRefused,
)
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.pinterest.answers import TooOld, parsing_answer, take_days
from pipelines.platforms.quarantine import Quarantine, Refused

ANALYTICS = "user_account/analytics"
FIELDS: Mapping[str, str] = {
    metric.name: metric.offers["pinterest"].field
    for metric in metrics_of("account", "period_sum")
    if "pinterest" in metric.offers
}
"""Pinterest's metric of each amount of a day, by canonical name."""

Ask = Callable[[str, Mapping[str, str]], Mapping[str, Any]]
"""Sends a GET request for a path with parameters; returns the body."""


class Days:
    """Reads days of one account, and adds their numbers to `found`."""

    def __init__(self, ask: Ask, account_id: str, quarantine: Quarantine, found: Mapping[date, Numbers]) -> None:
        self._ask, self._account_id, self._quarantine, self._found = ask, account_id, quarantine, found
        self.failures: dict[str, PlatformError] = {}

    def read(self) -> None:
        """Read all metrics in one call; the errors of those that could not be read are in `failures`.

        Raises:
            NeedsReauth, RateLimited: nothing more can be read.
        """
        wanted = {name: field for name, field in FIELDS.items() if not self._is_retired(field)}
        self._miss(FIELDS.keys() - wanted.keys(), "metric_retired")
        if wanted:
            self._read(wanted)

    def _is_retired(self, field: str) -> bool:
        refused = self._quarantine.is_refused(field, "account")
        return refused and not self._quarantine.should_retry(field, "account")

    def _read(self, fields: Mapping[str, str]) -> None:
        """Read some metrics. If Pinterest refuses the request, they are requested one by one to find the reason."""
        try:
            self._take(fields)
        except (NeedsReauth, RateLimited):
            raise
        except (PermissionMissing, PostGone):
            self._miss(fields, "permission_missing")
        except RequestRefused as error:
            if isinstance(error, TooOld):
                # Pinterest refuses the days and not a metric.
                self._fail(fields, error)
            elif len(fields) > 1:
                for name, field in fields.items():
                    self._read({name: field})
            else:
                (field,) = fields.values()
                self._quarantine.refuse(Refused(field, "account", "", str(error)), self._account_id)
                self._miss(fields, "metric_retired")
        except PlatformError as error:
            self._fail(fields, error)

    def _fail(self, fields: Mapping[str, str], error: PlatformError) -> None:
        self._miss(fields, error.reason)
        self.failures[next(iter(fields.values()))] = error

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
        for field in fields.values():
            self._quarantine.accept(field, "account")

    def _miss(self, names: Mapping[str, str] | set[str], reason: Reason) -> None:
        for numbers in self._found.values():
            for name in names:
                numbers.miss(name, reason)
