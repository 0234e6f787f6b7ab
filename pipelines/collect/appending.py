"""Append observations to the log, and mark their days to be rolled up again."""

from collections.abc import Sequence

from metrics.catalog import metrics_of
from metrics.documents import Observation
from metrics.periods import midnight
from metrics.store import Store
from metrics.store.rollup.roll_marks import Touched

_PROVIDED = frozenset(metric.name for metric in metrics_of("account", "period_sum", "period_unique"))
"""The metrics of a provider's day."""


def append_and_mark(store: Store, workspace_id: str, observations: Sequence[Observation]) -> int:
    """Append observations of a workspace and mark their days; return how many.

    Raises:
        MongoUnavailable: MongoDB does not answer; what was appended before stays.
    """
    # Mark before and after: after a crash in between, the first mark is there; a roll-up in between takes the first
    # mark, and the second one remains. The calendar may change in between, too.
    store.marks.touch(_days(store, workspace_id, observations))
    rows = store.observations.append(observations)
    store.marks.touch(_days(store, workspace_id, observations))
    return rows


def _days(store: Store, workspace_id: str, observations: Sequence[Observation]) -> set[Touched]:
    """Return the days of observations: those of their slots in the workspace's calendars, and those of their dates.

    The numbers of a provider's day count for the day of the same date in UTC.
    """
    slots = {one.slot for one in observations}
    dates = {calendar.date_of(slot) for calendar in store.calendars.get(workspace_id).kept for slot in slots}
    of_accounts = (one for one in observations if one.metric_type == "account")
    dates |= {one.slot.date() for one in of_accounts if any(name in _PROVIDED for name in one.metrics)}
    return {(workspace_id, "daily", midnight(day)) for day in dates}
