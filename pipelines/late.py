"""Late data: which runs bring the rollups up to date again.

Appending marks the day, rolling a day marks its week, its month and the next observed day where they changed (see
`metrics.store.marks`). What follows from a set of marks is the plain function `runs_to_request`.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from metrics.periods import PERIODS, Period, period_end
from metrics.store.marks import Pending
from pipelines.partitions import has_partition, period_key, ranges

MAX_RUNS_PER_TICK = 20


@dataclass(frozen=True, slots=True)
class Roll:
    """A run over consecutive periods; `run_key` is the same as long as nothing new was marked."""

    period: Period
    first: datetime
    last: datetime
    run_key: str


def runs_to_request(pending: Mapping[Period, Sequence[Pending]], busy: Iterable[Period], now: datetime) -> list[Roll]:
    """Return one run per row of consecutive marked periods.

    Days come first: a week or month waits until none of its days is marked and no daily run is under way, so that it is
    rolled once. A grain with a run under way waits too: the marks stay, and what they ask for is asked next time.
    """
    occupied = set(busy)
    days = [mark.start for mark in pending.get("daily", ())]
    rolls: list[Roll] = []
    for period in PERIODS:
        if period in occupied or (period != "daily" and "daily" in occupied):
            continue
        marks = {m.start: m for m in pending.get(period, ()) if has_partition(m.start, now)}
        if period != "daily":
            marks = {s: m for s, m in marks.items() if not any(s <= day < period_end(period, s) for day in days)}
        for first, last in ranges(period, list(marks)):
            covered = [m for s, m in sorted(marks.items()) if first <= s <= last]
            rolls.append(Roll(period, first, last, _run_key(period, covered)))
    return rolls[:MAX_RUNS_PER_TICK]


def _run_key(period: Period, marks: Sequence[Pending]) -> str:
    state = "|".join(f"{period_key(m.start)}:{','.join(m.workspaces)}:{m.touched}" for m in marks)
    digest = hashlib.sha256(state.encode()).hexdigest()[:16]
    return f"late:{period}:{period_key(marks[0].start)}:{digest}"
