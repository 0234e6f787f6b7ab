"""The one gate for numbers: every value that a platform answers passes here before it becomes a metric.

Counts are whole numbers. A value is one if it is an integer, or a float without a fraction, within the range of a
signed 64-bit integer, which is what BSON stores and what no social counter reaches; and if it is not below zero, where
the catalog gives no meaning to that. Everything else (null, text, an object, a truth value, a counter that wrapped
round, -1 for a number that is hidden) is odd: that metric alone is absent, with the reason `provider_error`.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from metrics.catalog import CATALOG
from metrics.documents import Reason

BOUND: Final = 2**63
"""Values lie in `[-BOUND, BOUND)`: a signed integer of 64 bits."""


class _Absent:
    """The type of `ABSENT`."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()
"""Stands for a field that an answer does not have; a field that is null is odd instead."""

_SHOWN = 40
_MAY_BE_NEGATIVE = frozenset(metric.name for metric in CATALOG.values() if metric.may_be_negative)


class OddValue(ValueError):
    """A value that is not a number; the message shows its beginning."""


def number(value: object) -> int:
    """Return a value of an answer as a number.

    Raises:
        OddValue: it is no number, has a fraction, is not finite, or does not fit into 64 bits.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise OddValue(f"{_shown(value)} is not a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise OddValue(f"{value} is not finite")
    if not -BOUND <= value < BOUND:
        raise OddValue(f"{_shown(value)} does not fit into 64 bits")
    if value != int(value):
        raise OddValue(f"{value} is not a whole number")
    return int(value)


@dataclass
class Numbers:
    """The numbers of one subject as they are taken out of an answer.

    `metrics` has the values by canonical name, `unavailable` the reasons of those that are missing, and `odd` says of
    each refused value how it looked: `{"likes": "'many' is not a number"}`.
    """

    metrics: dict[str, int | float] = field(default_factory=dict)
    unavailable: dict[str, Reason] = field(default_factory=dict)
    odd: dict[str, str] = field(default_factory=dict)

    def take(self, name: str, value: object, otherwise: Reason) -> None:
        """Take the value of a metric; `ABSENT` makes it unavailable with the reason `otherwise`."""
        if type(value) is int and 0 <= value < BOUND:
            # Nearly every value is such a number, which passes every check below.
            self.metrics[name] = value
            return
        self.take_sum(name, (value,), otherwise)

    def take_sum(self, name: str, values: Iterable[object], otherwise: Reason) -> None:
        """Take a metric that is the sum of several values: it is known only if there are any and each of them is."""
        parts = list(values)
        try:
            known = [number(part) for part in parts if part is not ABSENT]
            if known and len(known) == len(parts):
                self.metrics[name] = _possible(name, number(sum(known)))
            else:
                self.unavailable[name] = otherwise
        except OddValue as error:
            self.miss(name, "provider_error")
            self.odd[name] = str(error)

    def miss(self, name: str, reason: Reason) -> None:
        """Note that a metric has no value, and why."""
        self.metrics.pop(name, None)
        self.unavailable[name] = reason


def _possible(name: str, value: int) -> int:
    """Return the value of a metric, if it can have that.

    Raises:
        OddValue: it is below zero, and the metric counts what is there.
    """
    if value < 0 and name not in _MAY_BE_NEGATIVE:
        raise OddValue(f"{value} is below zero")
    return value


def part(of: object, name: str) -> object:
    """Return a field of an object, `ABSENT` where it has none; an object that is none makes its fields odd (null)."""
    if of is ABSENT:
        return ABSENT
    return of.get(name, ABSENT) if isinstance(of, dict) else None


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    said = repr(value)
    return said if len(said) <= _SHOWN else f"{said[:_SHOWN]}…"
