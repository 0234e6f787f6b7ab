"""The value of a term for one account over one span, from the fields of `metrics.definitions.account_stages`."""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from metrics.definitions.language.forms import Term
from metrics.documents import Platform
from metrics.expected import Span
from metrics.periods import DAY, HOUR, WEEK

_LONGEST_DAY = DAY + HOUR
_WEEKLY = "weeklyReach"
Fields = Mapping[str, Any]
Exact = int | Fraction
"""A number without rounding. Whole numbers stay `int`, whose arithmetic is much faster."""


def account_value(
    term: Term, number: int, platform: Platform, span: Span, row: Fields | None, published: Fields
) -> Exact | None:
    """Return the value of a term of accounts; None if it is unknown.

    `row` has the numbers of the account, None if it was not observed in the span. `published` has the numbers of posts
    that it published, by term: an observed account without any published 0.
    """
    if row is None:
        return None
    if term.function == "published":
        return exact(published.get(f"sum_{number}", 0))
    values = [_read(term, name, row, span) for name in term.metrics_on(platform)]
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def is_own_span(term: Term, span: Span) -> bool:
    """Tell whether a term can be read over a span: people only over the provider's own, a day or seven days.

    A day of a workspace has 23 to 25 hours.
    """
    if term.function != "unique":
        return True
    length = span[1] - span[0]
    return abs(length - WEEK) <= HOUR if term.name == _WEEKLY else length <= _LONGEST_DAY


def exact(value: Any) -> Exact | None:
    """Return a number exactly; None for null, infinity and NaN."""
    if isinstance(value, int):
        return value
    return Fraction(value) if isinstance(value, float) and math.isfinite(value) else None


def _read(term: Term, name: str, row: Fields, span: Span) -> Exact | None:
    key = f"{name}{term.selector.suffix}"
    if term.function == "avg":
        total, samples = exact(row[f"sum_{key}"]), row[f"samples_{key}"]
        return Fraction(total) / samples if samples and total is not None else None
    if term.function in ("open", "close", "unique"):
        found = row[f"{term.function}_{key}"]
        # The week that ends with a day is the provider's number on that day alone.
        if found is None or (name == _WEEKLY and found["at"] < span[1] - _LONGEST_DAY):
            return None
        return exact(found["value"])
    if term.function == "total" and row[f"known_{key}"] is None:
        return None
    return exact(row[f"{term.function}_{key}"])
