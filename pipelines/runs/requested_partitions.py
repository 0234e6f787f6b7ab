"""Parse and validate the partitions that a run was launched for; errors have one line that says what to do.

Dagster itself starts a run for a partition that does not exist, and treats a reversed range as an empty one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from metrics.errors import InvalidInput
from metrics.periods import HOUR, Period, period_end, period_start, slot_of
from pipelines.partitions import FIRST_DAY, FIRST_HOUR, period_key, slot_key, slot_of_key, start_of_key
from pipelines.runs.tags import PARTITION, RANGE_END, RANGE_START


@dataclass(frozen=True, slots=True)
class Grain:
    """A kind of partition (hours, days, weeks or months) with its keys, its boundaries and its first start."""

    name: str
    key: Callable[[datetime], str]
    parse: Callable[[str], datetime]
    around: Callable[[datetime], datetime]
    end: Callable[[datetime], datetime]
    first: datetime


HOURLY = Grain("hour", slot_key, slot_of_key, slot_of, lambda start: start + HOUR, FIRST_HOUR)


def grain_of(period: Period) -> Grain:
    """Return the grain of a period."""
    return Grain(
        f"{period} period",
        period_key,
        start_of_key,
        lambda instant: period_start(period, instant),
        lambda start: period_end(period, start),
        FIRST_DAY,
    )


def requested_starts(tags: Mapping[str, str], grain: Grain, now: datetime) -> list[datetime]:
    """Return the starts of the partitions that a run's tags name, oldest first.

    Raises:
        InvalidInput: no partition is named, one does not exist or has not begun, or the range is reversed.
    """
    if RANGE_START in tags and RANGE_END in tags:
        first, last = (_start(tags[name], grain, now) for name in (RANGE_START, RANGE_END))
    elif PARTITION in tags:
        first = last = _start(tags[PARTITION], grain, now)
    else:
        newest = grain.key(grain.around(now))
        raise InvalidInput(f"no partition was chosen: launch again with one, such as {newest}", "partition")
    if first > last:
        raise InvalidInput(
            f"the range is reversed: launch again from {grain.key(last)} to {grain.key(first)}", "partition"
        )
    starts = []
    while first <= last:
        starts.append(first)
        first = grain.end(first)
    return starts


def _start(key: str, grain: Grain, now: datetime) -> datetime:
    newest = grain.around(now)
    try:
        start = grain.parse(key)
    except ValueError:
        raise InvalidInput(f"{key} is no {grain.name}: write it as {grain.key(newest)}", "partition") from None
    if grain.around(start) != start:
        around = grain.key(grain.around(start))
        raise InvalidInput(f"no {grain.name} starts at {key}: the one around it is {around}", "partition")
    if start > now:
        raise InvalidInput(f"{key} has not begun: the newest {grain.name} is {grain.key(newest)}", "partition")
    if start < grain.first:
        raise InvalidInput(
            f"{key} lies before the first {grain.name}, which starts on {grain.first:%Y-%m-%d}: if it is kept, set "
            "TIDEMARK_FIRST_DAY",
            "partition",
        )
    return start
