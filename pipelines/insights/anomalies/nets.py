"""What accounts gain in each hour: derived from the log a day at a time, stored, and read as series of many weeks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from metrics.aggregation.hourly import read_hours
from metrics.anomalies import HOURLY, HourlyNets, Refusal
from metrics.calendars import Calendar
from metrics.catalog import DEFINITION_VERSION
from metrics.expected import Connection
from metrics.periods import DAY, HOUR, WEEK
from metrics.store import Store
from metrics.store.insights.hourly_nets import nets_id
from pipelines.insights.anomalies.hours import HISTORY_WEEKS
from pipelines.insights.anomalies.hours import WEEK as WEEK_HOURS
from pipelines.insights.anomalies.smoothing import Floats

JUDGED_WEEKS = 3
"""The week of a day and the two before it are judged, so that an anomaly is the same from each of its days."""
_DAY_HOURS = 24
_LEAST_HOURS = 14 * _DAY_HOURS
_WHOLE = 0.9
_LEAST_MEAN = 10.0
_STALE_HOURS = 48

Series = tuple[str, str]
"""An account and a metric."""


def derive_nets(
    store: Store, workspace_id: str, account_ids: Sequence[str], day: datetime, calendar: Calendar, now: datetime
) -> list[HourlyNets]:
    """Return what accounts gained in each hour of a UTC day that has ended by `now`, and how many followers they had.

    Only gains of one hour count: a gain over unobserved hours, or of a post that is read every six hours, belongs to no
    hour. An hour in which no post was read twice in a row has no gain of posts.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    end = min(day + DAY, now.replace(minute=0, second=0, microsecond=0))
    scope = {"workspaceId": workspace_id, "accountId": {"$in": list(account_ids)}}
    # The hour before the day makes its first gain one of one hour; the workspace's days have openings of new posts.
    begin = min(calendar.span("daily", calendar.date_of(day)).start, day - HOUR)
    hours = read_hours(store, scope, (begin, max(end, begin)), calendar, consecutive=True)
    found: dict[str, HourlyNets] = {}
    for account_id in account_ids:
        found[account_id] = {
            "_id": nets_id(account_id, day),
            "workspaceId": workspace_id,
            "accountId": account_id,
            "day": day,
            "nets": {},
            "definitionVersion": DEFINITION_VERSION,
            "observed": sorted(
                (slot - day) // HOUR for one, slot in hours.observed if one == account_id and slot >= day
            ),
        }
    for (account_id, _), by_slot in hours.values.items():
        of_account = found[account_id]
        for slot, values in by_slot.items():
            if day <= slot < end:
                _add(of_account["nets"], (slot - day) // HOUR, values)
                if "followers" in values:
                    levels = of_account.setdefault("followers", [None] * _DAY_HOURS)
                    levels[(slot - day) // HOUR] = values["followers"]
    return list(found.values())


def _add(nets: dict[str, list[float | None]], hour: int, values: Mapping[str, int | float]) -> None:
    for metric, source in HOURLY.items():
        if source in values:
            row = nets.setdefault(metric, [None] * _DAY_HOURS)
            row[hour] = (row[hour] or 0) + values[source]


@dataclass(frozen=True, slots=True)
class NetSeries:
    """Nets of series by hour from `begin` on, a Monday; NaN is an hour without one. `names` has the row's series."""

    begin: datetime
    names: Sequence[Series]
    counts: Floats

    def instant(self, column: int) -> datetime:
        """Return the start of the hour of a column."""
        return self.begin + column * HOUR

    def column(self, instant: datetime) -> int:
        """Return the column of an hour; it may lie outside."""
        return (instant - self.begin) // HOUR


def read_nets(store: Store, accounts: Sequence[Connection], day: datetime, end: datetime) -> NetSeries:
    """Return the stored nets of accounts, as far as `JUDGED_WEEKS` up to `end` need them.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    monday = day - timedelta(days=day.weekday())
    begin = monday - (HISTORY_WEEKS + JUDGED_WEEKS - 1) * WEEK
    hours = (end - begin) // HOUR
    names = [(one.account_id, metric) for one in accounts for metric in HOURLY]
    row_of = {name: row for row, name in enumerate(names)}
    counts = np.full((len(names), -(-hours // _DAY_HOURS) * _DAY_HOURS), np.nan)
    for document in store.hourly_nets.between([one.account_id for one in accounts], begin, end):
        first = (document["day"] - begin) // HOUR
        for metric, values in document["nets"].items():
            if (row := row_of.get((document["accountId"], metric))) is not None:
                counts[row, first : first + _DAY_HOURS] = [np.nan if one is None else one for one in values]
    return NetSeries(begin, names, counts[:, :hours])


def refusals(counts: Floats, column: int) -> list[Refusal | None]:
    """Return why each series is not watched in the day that begins at a column, by the hours before it.

    Fewer than 14 days, fewer than nine tenths of the last 14 days with a value, and fewer than ten events an hour on
    average are too few. Those have their days.
    """
    return [_refusal(row[:column]) for row in counts]


def _refusal(past: Floats) -> Refusal | None:
    known = np.flatnonzero(~np.isnan(past))
    if not len(known):
        return "no_observation"
    if len(past) - known[-1] > _STALE_HOURS:
        return "stale"
    if len(past) - known[0] < _LEAST_HOURS:
        return "too_short"
    newest = past[-_LEAST_HOURS:]
    newest = newest[~np.isnan(newest)]
    if len(newest) < _WHOLE * _LEAST_HOURS:
        return "too_sparse"
    if newest.min() == newest.max():
        return "constant"
    return "too_few" if abs(float(newest.mean())) < _LEAST_MEAN else None


def watched_days(counts: Floats, weeks: int) -> Floats:
    """Return 1 for each hour in the newest weeks in which a series is watched, and NaN for the others."""
    found = np.full_like(counts, np.nan)
    last = counts.shape[1]
    first = max((last - 1) // WEEK_HOURS - weeks + 1, 0) * WEEK_HOURS
    for column in range(first, last, _DAY_HOURS):
        watched = [reason is None for reason in refusals(counts, column)]
        found[watched, column : column + _DAY_HOURS] = 1.0
    return found
