"""The daily series of a workspace: the sum over those of its accounts that are forecast themselves."""

from collections.abc import Collection, Sequence
from datetime import timedelta

import numpy as np

from metrics.aggregation.consents import DERIVED
from metrics.documents import Platform
from metrics.expected import Connection
from metrics.forecasts import Forecasted
from pipelines.insights.forecasts.series import DailySeries


class Sum:
    """Collects the series of the accounts of a workspace in one metric.

    Accounts without a forecast of their own are left out: with an account that was connected a week ago, the sum would
    have a history of a week. `withheld` are the platforms whose terms keep them out of totals over several platforms.
    """

    def __init__(self, metric: Forecasted, withheld: Collection[Platform] = ()) -> None:
        self._withheld = withheld if metric.name in DERIVED else ()
        self._series: list[DailySeries] = []
        self.account_ids: list[str] = []
        self.left_out: list[str] = []

    def add(self, account: Connection, series: DailySeries | None) -> None:
        """Add an account with its series; None leaves it out."""
        if series is None or account.platform in self._withheld:
            self.left_out.append(account.account_id)
        else:
            self.account_ids.append(account.account_id)
            self._series.append(series)

    def series(self) -> DailySeries | None:
        """Return the sum; None if there is no day on which all accounts have a value."""
        return sum_of(self._series)


def sum_of(found: Sequence[DailySeries]) -> DailySeries | None:
    """Return the sum of series over the days that all of them reach; a day without a value of one has none.

    Returns None if there is no day on which all have a value.
    """
    if not found:
        return None
    first, last = max(one.first for one in found), min(one.last for one in found)
    days = (last - first).days + 1
    if days < 1:
        return None
    values = sum(one.values[(first - one.first).days :][:days] for one in found)
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return None
    begins, ends = int(known[0]), int(known[-1])
    cut = any(one.cut for one in found)
    return DailySeries(first + timedelta(days=begins), np.asarray(values)[begins : ends + 1], cut)
