"""Validation of numbers: every value in a platform's answer is checked here before it becomes a metric.

A valid count is an integer, or a float without a fraction, in the range of a signed 64-bit integer (what BSON stores;
no social counter gets near it), and not negative, unless the catalog allows that for the metric. Everything else (null,
text, an object, a boolean, an overflown counter, -1 for a hidden number) is odd: only this metric is then missing, with
the reason `provider_error`.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from metrics.catalog import CATALOG
from metrics.documents import Reason

BOUND: Final = 2**63
"""Values must lie in `[-BOUND, BOUND)`, the range of a signed 64-bit integer."""


class _Absent:
    """The type of `ABSENT`."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()
"""Stands for a field that an answer does not have. A null field is not `ABSENT`, but an odd value."""

_SHOWN = 40
_MAY_BE_NEGATIVE = frozenset(metric.name for metric in CATALOG.values() if metric.may_be_negative)


class OddValue(ValueError):
    """A value that is not a valid number; the message quotes its beginning."""


def number(value: object) -> int:
    """Return a value of an answer as an integer.

    Raises:
        OddValue: the value is not a number, has a fraction, is not finite, or does not fit into 64 bits.
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
    """Collects the numbers of one subject from an answer.

    `metrics` has the values by canonical name, `unavailable` the reasons for missing metrics, and `odd` describes each
    value that was not accepted: `{"likes": "'many' is not a number"}`.
    """

    metrics: dict[str, int | float] = field(default_factory=dict)
    unavailable: dict[str, Reason] = field(default_factory=dict)
    odd: dict[str, str] = field(default_factory=dict)

    def take(self, name: str, value: object, otherwise: Reason) -> None:
        """Check and store the value of a metric; if it is `ABSENT`, note `otherwise` as the reason for its absence."""
        if type(value) is int and 0 <= value < BOUND:
            # Fast path: nearly all values are such numbers, and these would pass every check below.
            self.metrics[name] = value
            return
        self.take_sum(name, (value,), otherwise)

    def take_sum(self, name: str, values: Iterable[object], otherwise: Reason) -> None:
        """Store a metric that is the sum of `values`; it is missing if there are none, or if any of them is missing."""
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
        """Note that a metric has no value, and for which reason."""
        self.metrics.pop(name, None)
        self.unavailable[name] = reason


def _possible(name: str, value: int) -> int:
    """Return the value, if the metric can have it.

    Raises:
        OddValue: the value is negative, and the catalog does not allow that for this metric.
    """
    if value < 0 and name not in _MAY_BE_NEGATIVE:
        raise OddValue(f"{value} is below zero")
    return value


def field_of(of: object, name: str) -> object:
    """Return a field of a JSON object, `ABSENT` if it is not there, or None (an odd value) if `of` is not an object."""
    if of is ABSENT:
        return ABSENT
    return of.get(name, ABSENT) if isinstance(of, dict) else None


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
