"""`curve`: the engagement of a post at fixed ages, from readings at whatever ages it was read."""

from bisect import bisect_right
from collections.abc import Sequence

from metrics.post_curves import POINTS, slot_hours

Reading = tuple[float, float]
"""The age of a post in hours when it was read, and its engagement then."""
_ORIGIN: Reading = (0.0, 0.0)


def curve(readings: Sequence[Reading], age: float) -> list[float | None]:
    """Return the engagement at each age of `POINTS`, as known at an age of the post; None where it is not known.

    `readings` are in order of age, those that are older than `age` are left out. A value never changes once a reading
    at that age or a later one is known, or a slot has gone by: readings after that do not enter it.
    """
    known = [one for one in readings if 0 < one[0] <= age]
    ages = [one[0] for one in known]
    return [_value(known, ages, point, age) for point in POINTS]


def is_open(readings: Sequence[Reading], point: float, age: float) -> bool:
    """Tell whether the value at an age of `POINTS` may still change, or become known, at an age of the post."""
    return age < point + slot_hours(point) and not any(point <= one[0] <= age for one in readings)


def _value(readings: Sequence[Reading], ages: Sequence[float], point: float, age: float) -> float | None:
    """Return the value at an age: between the readings on both sides, or that of one within a slot of it."""
    slot = slot_hours(point)
    place = bisect_right(ages, point)
    before = readings[place - 1] if place else _ORIGIN
    if before[0] == point:
        return before[1]
    after = readings[place] if place < len(readings) and ages[place] <= point + slot else None
    if after is not None and after[0] - before[0] <= 2 * slot:
        share = (point - before[0]) / (after[0] - before[0])
        return before[1] + share * (after[1] - before[1])
    if after is None and age < point + slot:
        return None
    near = [one for one in (before, after) if one is not None and one is not _ORIGIN and abs(one[0] - point) <= slot]
    return min(near, key=lambda one: abs(one[0] - point))[1] if near else None
