"""The series of a workspace: the sum over those of its accounts that are forecast themselves."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic

import numpy as np

from metrics.aggregation.consents import DERIVED, left_out
from metrics.documents import Platform
from metrics.expected import Connection
from metrics.forecasts import Forecasted
from metrics.store import Store
from pipelines.insights.forecasts.series import At, Series


class Sum(Generic[At]):
    """Collects the series of the accounts of a workspace in one metric.

    Accounts without a forecast of their own are left out: with an account that was connected a week ago, the sum would
    have a history of a week. `withheld` are the platforms whose terms keep them out of totals over several platforms.
    """

    def __init__(self, metric: Forecasted, withheld: Collection[Platform] = ()) -> None:
        self._withheld = withheld if metric.name in DERIVED else ()
        self._series: list[Series[At]] = []
        self.account_ids: list[str] = []
        self.left_out: list[str] = []

    def add(self, account: Connection, series: Series[At] | None) -> None:
        """Add an account with its series; None leaves it out."""
        if series is None or account.platform in self._withheld:
            self.left_out.append(account.account_id)
        else:
            self.account_ids.append(account.account_id)
            self._series.append(series)

    def series(self) -> Series[At] | None:
        """Return the sum; None if there is no day or hour at which all accounts have a value."""
        return sum_of(self._series)


def sums_of(
    store: Store, workspace_id: str, accounts: Iterable[Connection], metrics: Mapping[str, Forecasted]
) -> dict[str, Sum[Any]]:
    """Return a sum without any account for each metric that adds up over accounts.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    withheld = left_out(accounts, store.consents.lacking(workspace_id))
    return {name: Sum(metric, withheld) for name, metric in metrics.items() if metric.adds_over_accounts}


def said_of_sums(
    sums: Mapping[str, Sum[Any]],
    earlier: Sequence[Mapping[str, Any]],
    say: Callable[[str, Any, Sequence[Any]], Mapping[str, object]],
) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield each metric of which an account is forecast, with what is said of its sum and the accounts in it.

    `say` gets the metric, the sum, and what was said earlier of the sum over the same accounts: what was said of the
    sum over others is not judged by the sum over these.
    """
    for name, one in sums.items():
        if one.account_ids:
            same = [said for said in earlier if said["metric"] == name and said["accountIds"] == one.account_ids]
            of = {"accountIds": one.account_ids, "leftOut": one.left_out}
            yield name, {**say(name, one.series(), same), **of}


def sum_of(found: Sequence[Series[At]]) -> Series[At] | None:
    """Return the sum of series over the days or hours that all of them reach; where one has no value, there is none.

    Returns None if there is no day or hour at which all have a value.
    """
    if not found:
        return None
    first, last = max(one.first for one in found), min(one.last for one in found)
    step = found[0].STEP
    number = (last - first) // step + 1
    if number < 1:
        return None
    values = np.sum([one.values[(first - one.first) // step :][:number] for one in found], axis=0)
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return None
    begins, ends = int(known[0]), int(known[-1])
    cut = any(one.cut for one in found)
    return replace(found[0], first=first + begins * step, values=values[begins : ends + 1], cut=cut)
