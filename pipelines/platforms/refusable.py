"""Reads groups of an account's daily metrics from a platform that refuses a whole request for one metric of it.

A refused group is requested metric by metric. A metric that is refused alone goes into the quarantine.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import date

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
from pipelines.platforms.quarantine import Quarantine, Refused


class RefusableDays(ABC):
    """Reads days of one account, and adds their numbers to `found`.

    Metrics are given as the platform's fields by canonical name. `failures` has the errors of those that could not be
    read.
    """

    def __init__(self, account_id: str, quarantine: Quarantine, found: Mapping[date, Numbers]) -> None:
        self._account_id, self._quarantine, self._found = account_id, quarantine, found
        self.failures: dict[str, PlatformError] = {}

    @abstractmethod
    def _take(self, fields: Mapping[str, str]) -> None:
        """Request some metrics of the days, and store their values.

        Raises:
            PlatformError: the request failed, or the answer has an unexpected form.
        """

    def _refuses_days(self, error: RequestRefused) -> bool:
        """Tell whether the platform refuses the requested days, and none of the metrics."""
        del error
        return False

    def _read_groups(self, groups: Iterable[Mapping[str, str]]) -> None:
        """Read all groups, without metrics that are known to be refused.

        Raises:
            NeedsReauth, RateLimited: nothing more can be read.
        """
        for fields in groups:
            wanted = {name: field for name, field in fields.items() if not self._is_retired(field)}
            self._miss(fields.keys() - wanted.keys(), "metric_retired")
            if wanted:
                self._read_group(wanted)

    def _is_retired(self, field: str) -> bool:
        refused = self._quarantine.is_refused(field, "account")
        return refused and not self._quarantine.should_retry(field, "account")

    def _read_group(self, fields: Mapping[str, str]) -> None:
        """Read one group. If the platform refuses it, its metrics are requested one by one to find the reason."""
        try:
            self._take(fields)
            for field in fields.values():
                self._quarantine.accept(field, "account")
        except (NeedsReauth, RateLimited):
            raise
        except (PermissionMissing, PostGone):
            self._miss(fields, "permission_missing")
        except RequestRefused as error:
            if self._refuses_days(error):
                self._fail(fields, error)
            elif len(fields) > 1:
                for name, field in fields.items():
                    self._read_group({name: field})
            else:
                (field,) = fields.values()
                self._quarantine.refuse(Refused(field, "account", "", str(error)), self._account_id)
                self._miss(fields, "metric_retired")
        except PlatformError as error:
            self._fail(fields, error)

    def _fail(self, fields: Mapping[str, str], error: PlatformError) -> None:
        self._miss(fields, error.reason)
        self.failures[next(iter(fields.values()))] = error

    def _miss(self, names: Iterable[str], reason: Reason) -> None:
        for name in names:
            for numbers in self._found.values():
                numbers.miss(name, reason)
