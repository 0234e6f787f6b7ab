"""How large a series may be, and how its periods are shown."""

from datetime import date
from itertools import islice
from typing import Any, cast

from metrics.calendars import Calendar, Span
from metrics.errors import InvalidInput

MAX_PERIODS = 400
MAX_HOURLY_DAYS = 31
MAX_VALUES = 200_000
"""Values of an answer: metrics times groups times periods."""


def check_length(interval: str, days: tuple[date, date], calendar: Calendar) -> None:
    """Refuse a range of more periods than an answer may have.

    Raises:
        InvalidInput: the range is too long for the interval; the message has the bound.
    """
    first, last = days
    if interval == "hourly":
        if (last - first).days >= MAX_HOURLY_DAYS:
            raise InvalidInput(f"endDate: an hourly series may have at most {MAX_HOURLY_DAYS} days", "endDate")
    elif interval != "custom":
        spans = calendar.spans_between(cast("Any", interval), first, last)
        if len(list(islice(spans, MAX_PERIODS + 1))) > MAX_PERIODS:
            raise InvalidInput(
                f"endDate: a series may have at most {MAX_PERIODS} periods; give fewer days or a longer interval",
                "endDate",
            )
    elif (last - first).days >= MAX_PERIODS:
        raise InvalidInput(f"endDate: a custom range may have at most {MAX_PERIODS} days", "endDate")


def check_size(values: int) -> None:
    """Refuse an answer of more values than it may have.

    Raises:
        InvalidInput: there are too many; the message has the bound.
    """
    if values > MAX_VALUES:
        raise InvalidInput(
            f"an answer may have at most {MAX_VALUES:,} values (metrics x groups x periods), not {values:,}; "
            "give fewer metrics or days, or fewer fields in groupBy",
            "groupBy",
        )


def described(period: Span) -> dict[str, Any]:
    """Return a period as a series shows it."""
    shift = {"boundaryShiftMinutes": period.shift_minutes} if period.shift_minutes else {}
    return {"start": period.start, "end": period.end, "label": period.label, **shift}
