"""Rebuild rollups from the log: derive the periods of a range of days again, and replace the stored rollups."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import count

from metrics.calendars import Calendar
from metrics.calendars.workspace import WorkspaceCalendar
from metrics.clock import utcnow
from metrics.errors import InvalidInput
from metrics.periods import DAY, Period, midnight, starts_between
from metrics.store import Store
from metrics.store.errors import mongo_errors
from metrics.upkeep.retention import Horizon
from pipelines.rollup.affected_periods import affected_periods
from pipelines.rollup.roll import RollReport, roll

Progress = Callable[[int, int], None]
"""Called with the number of derived periods, and their total."""

PeriodStarts = Mapping[Period, Sequence[datetime]]


@dataclass
class RebuildReport:
    """The roll-ups of a rebuild.

    `before_log` counts days whose rollups were kept: they are before a workspace's first observation, or before the
    horizon.
    """

    rolls: list[RollReport] = field(default_factory=list)
    before_log: int = 0

    @property
    def changed(self) -> int:
        """How many documents were replaced or removed."""
        return sum(report.replaced + report.removed for report in self.rolls)


@dataclass(frozen=True, slots=True)
class Derivable:
    """Workspaces of one calendar whose log covers the same days of a range, and the partitions to derive for them.

    `first` is the first day that can be derived, None for workspaces without observations. `left` counts the days of
    the range before it, over all these workspaces.
    """

    workspaces: list[str]
    calendar: Calendar
    first: datetime | None
    starts: PeriodStarts
    left: int


def rebuild(
    store: Store,
    start: datetime,
    end: datetime,
    *,
    run_id: str,
    workspace_ids: Sequence[str] | None = None,
    horizon: Horizon | None = None,
    now: datetime | None = None,
    progress: Progress = lambda _done, _total: None,
) -> RebuildReport:
    """Derive all rollups of the days in `[start, end)` again, and of the weeks and months that overlap them.

    Rollups of days before a workspace's first observation, or before the `horizon`, are kept.

    Raises:
        InvalidInput: the range is empty, or begins in the future.
        MongoUnavailable: MongoDB does not answer; rebuild again.
    """
    now = now or utcnow()
    report = RebuildReport()
    with mongo_errors():
        groups = derivable(store, start, end, workspace_ids, horizon, now)
        step = steps(groups, progress)
        for group in groups:
            report.before_log += group.left
            report.rolls += roll_all(store, group.starts, group.workspaces, run_id, horizon, now, step)
    return report


def derivable(
    store: Store,
    start: datetime,
    end: datetime,
    workspace_ids: Sequence[str] | None,
    horizon: Horizon | None,
    now: datetime,
) -> list[Derivable]:
    """Return what the log allows to derive in `[start, end)`, for groups of workspaces.

    Raises:
        InvalidInput: the range is empty, or begins in the future.
    """
    if start >= end:
        raise InvalidInput(
            f"{start:%Y-%m-%d} to {end:%Y-%m-%d} is no range of days: the first day comes before the end", "from"
        )
    if start > now:
        raise InvalidInput(f"{start:%Y-%m-%d} has not begun: today is {now:%Y-%m-%d}", "from")
    groups = []
    for workspaces, calendar, first in _by_first_day(store, workspace_ids, horizon):
        skipped = (max(first, start) - start).days if first else (end - start).days
        left = len(workspaces) * min(skipped, (end - start).days)
        starts = _plan(calendar, start, min(end, now), first)
        groups.append(Derivable(workspaces, calendar, first, starts, left))
    return groups


def steps(groups: Sequence[Derivable], progress: Progress) -> Callable[[], None]:
    """Return a function that reports progress, to be called after each derived period."""
    total = sum(len(starts) for group in groups for starts in group.starts.values())
    done = count(1)
    return lambda: progress(min(next(done), total), total)


def roll_all(
    store: Store,
    periods: PeriodStarts,
    workspaces: Sequence[str],
    run_id: str,
    horizon: Horizon | None,
    now: datetime,
    step: Callable[[], None],
    calendars: Mapping[str, WorkspaceCalendar] | None = None,
) -> list[RollReport]:
    """Roll up periods of workspaces, the days first; `step` is called after each. `calendars` is that of `roll`."""
    reports = []
    for period, starts in periods.items():
        for start in starts:
            reports.append(
                roll(
                    store,
                    period,
                    [start],
                    run_id=run_id,
                    workspace_ids=workspaces,
                    horizon=horizon,
                    now=now,
                    calendars=calendars,
                )
            )
            step()
    return reports


def _by_first_day(
    store: Store, workspace_ids: Sequence[str] | None, horizon: Horizon | None
) -> list[tuple[list[str], Calendar, datetime | None]]:
    """Group workspaces by their calendar and the first day that the log covers completely."""
    groups: dict[tuple[Calendar, datetime | None], list[str]] = {}
    wanted = store.accounts.workspaces() if workspace_ids is None else sorted(set(workspace_ids))
    for workspace_id, known in store.calendars.of(wanted).items():
        first = first_derivable(store, workspace_id, known.current, horizon)
        groups.setdefault((known.current, midnight(first) if first else None), []).append(workspace_id)
    return [(workspaces, calendar, first) for (calendar, first), workspaces in groups.items()]


def first_derivable(store: Store, workspace_id: str, calendar: Calendar, horizon: Horizon | None) -> date | None:
    """Return the first date of a calendar that the log covers completely, None without observations.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    oldest = store.observations.oldest_slot(workspace_id)
    if oldest is None:
        return None
    first = calendar.date_of(oldest)
    if horizon:
        kept_from = horizon.derivable(workspace_id, "daily")
        kept = calendar.date_of(kept_from)
        first = max(first, kept if calendar.span("daily", kept).start >= kept_from else kept + DAY)
    return first


def _plan(calendar: Calendar, start: datetime, end: datetime, first: datetime | None) -> dict[Period, list[datetime]]:
    """Return the partitions to roll up, by period."""
    if first is None or first >= end:
        return {}
    return affected_periods(calendar, (day.date() for day in starts_between("daily", max(start, first), end)))
