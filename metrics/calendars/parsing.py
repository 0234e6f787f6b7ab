"""Check the fields of a calendar that come from outside; each refusal is one line that says what to do."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from difflib import get_close_matches
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from metrics.calendars.fiscal import FISCAL_PATTERNS
from metrics.errors import InvalidInput
from metrics.visible import visible

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_REGIONS = (
    "Africa/", "America/", "Antarctica/", "Arctic/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/",
    "Pacific/",
)  # fmt: skip
"""The regions of the IANA data. Other names are offsets (`Etc/GMT+2`), abbreviations (`EST`) or old names (`GB`)."""
_COMMON_YEAR = 2025
_SHOWN = 60


def parsed(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the constructor's arguments for the fields of a calendar; fields that are missing keep their defaults.

    Raises:
        InvalidInput: a field is unknown, or its value is not accepted.
    """
    for name in fields:
        if name not in _FIELDS:
            raise InvalidInput(
                f"{_shown(name)}: a calendar has no such field, only {', '.join(_FIELDS)}{_nearest(name, _FIELDS)}",
                _shown(name),
            )
    return {_FIELDS[name][0]: _FIELDS[name][1](_text(name, value)) for name, value in fields.items()}


@cache
def zones() -> frozenset[str]:
    """Return the names of time zones that a calendar may have: `UTC`, and the IANA names with a region."""
    return frozenset(name for name in available_timezones() if name.startswith(_REGIONS)) | {"UTC"}


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    raise InvalidInput(f"{name}: give a text, not {_shown(value)}", name)


def _zone(name: str) -> str:
    if name in zones():
        return name
    if re.fullmatch(r"(UTC|GMT|Etc/(GMT|UTC))?[+-]?\d[\d:]*|Etc/.*", name):
        problem = "is an offset, which does not say when clocks change"
    elif re.fullmatch(r"[A-Z]{2,5}(\d[A-Z]{0,4})?", name):
        problem = "is an abbreviation, which several zones share"
    else:
        problem = "is no time zone"
    raise InvalidInput(
        f"timeZone: {_shown(name)} {problem}; give UTC or an IANA name such as Europe/Berlin{_nearest(name, zones())}",
        "timeZone",
    )


def _week_start(name: str) -> str:
    if name in WEEKDAYS:
        return name
    raise InvalidInput(f"weekStart: {_shown(name)} is no day; give one of {', '.join(WEEKDAYS)}", "weekStart")


def _fiscal_year_start(text: str) -> str:
    if re.fullmatch(r"[0-9]{2}-[0-9]{2}", text):
        try:
            date.fromisoformat(f"{_COMMON_YEAR}-{text}")
        except ValueError:
            pass
        else:
            return text
    raise InvalidInput(
        f"fiscalYearStart: {_shown(text)} is no day of every year; give MM-DD, such as 04-01", "fiscalYearStart"
    )


def _fiscal_pattern(text: str) -> str:
    if text in FISCAL_PATTERNS:
        return text
    raise InvalidInput(
        f"fiscalPattern: {_shown(text)} is no pattern; give one of {', '.join(FISCAL_PATTERNS)}", "fiscalPattern"
    )


def _nearest(name: str, names: Iterable[str]) -> str:
    """Return a hint with the names that are spelt most like `name`, or nothing if none is like it."""
    by_lower = {each.lower(): each for each in sorted(names)}
    wanted = str(name).lower()
    # The city alone is compared as well, since `Berlin` is not like `Europe/Berlin` as a whole.
    of_city = [each for lower, each in by_lower.items() if wanted and lower.rpartition("/")[2] == wanted]
    found = of_city or [by_lower[lower] for lower in get_close_matches(wanted[:_SHOWN], by_lower, n=3)]
    return f"; did you mean {' or '.join(found)}?" if found else ""


def _shown(value: Any) -> str:
    text = visible(str(value))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


_FIELDS: dict[str, tuple[str, Callable[[str], str]]] = {
    "timeZone": ("time_zone", _zone),
    "weekStart": ("week_start", _week_start),
    "fiscalYearStart": ("fiscal_year_start", _fiscal_year_start),
    "fiscalPattern": ("fiscal_pattern", _fiscal_pattern),
}
"""The fields of the API: the constructor's name for each, and the function that checks its value."""
