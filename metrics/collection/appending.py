"""Append observations to the log, mark their days to be rolled up again, and store the records of their accounts."""

from collections.abc import Sequence
from dataclasses import dataclass

from metrics.catalog import metrics_of
from metrics.documents import CollectionDocument, Observation
from metrics.periods import midnight
from metrics.store import Store
from metrics.store.rollup.roll_marks import Touched

_PROVIDED = frozenset(metric.name for metric in metrics_of("account", "period_sum", "period_unique"))
"""The metrics of a provider's day."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The documents to write for an account of a workspace: observations, and after them its record, if it has one."""

    workspace_id: str
    observations: Sequence[Observation]
    record: CollectionDocument | None = None


def append_and_mark(store: Store, entries: Sequence[Entry]) -> None:
    """Append the observations of entries, mark their days, and store their records.

    Raises:
        MongoUnavailable: MongoDB does not answer; what was written before stays, and writing all again is harmless.
    """
    # Mark before and after: after a crash in between, the first mark is there; a roll-up in between takes the first
    # mark, and the second one remains. The calendar may change in between, too.
    store.marks.touch(_days(store, entries))
    store.observations.append(observation for entry in entries for observation in entry.observations)
    store.marks.touch(_days(store, entries))
    store.collections.put(entry.record for entry in entries if entry.record is not None)


def _days(store: Store, entries: Sequence[Entry]) -> set[Touched]:
    """Return the days of observations: those of their slots in the workspace's calendars, and those of their dates.

    The numbers of a provider's day count for the day of the same date in UTC.
    """
    written = [entry for entry in entries if entry.observations]
    if not written:
        return set()
    calendars = store.calendars.of({entry.workspace_id for entry in written})
    found: set[Touched] = set()
    for entry in written:
        slots = {one.slot for one in entry.observations}
        dates = {calendar.date_of(slot) for calendar in calendars[entry.workspace_id].kept for slot in slots}
        of_accounts = (one for one in entry.observations if one.metric_type == "account")
        dates |= {one.slot.date() for one in of_accounts if any(name in _PROVIDED for name in one.metrics)}
        found |= {(entry.workspace_id, "daily", midnight(day)) for day in dates}
    return found
