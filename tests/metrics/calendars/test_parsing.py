"""Calendars from outside: what is not accepted is refused with one line."""

from typing import Any

import pytest

from metrics.calendars import UTC_CALENDAR, Calendar
from metrics.errors import InvalidInput

FULL = {"timeZone": "Europe/Berlin", "weekStart": "sunday", "fiscalYearStart": "07-01", "fiscalPattern": "445"}


def test_fields_and_their_defaults() -> None:
    calendar = Calendar.parse(FULL, version=3)
    assert calendar == Calendar("Europe/Berlin", "sunday", "07-01", "445", 3)
    assert calendar.described() == FULL
    assert Calendar.parse({}) == UTC_CALENDAR == Calendar("UTC", "monday", "01-01", "months", 0)


@pytest.mark.parametrize(
    ("field", "value", "hint"),
    [
        ("timeZone", "Europe/Berlim", "did you mean Europe/Berlin"),
        ("timeZone", "Berlin", "did you mean Europe/Berlin"),
        ("timeZone", "europe/berlin", "did you mean Europe/Berlin"),
        ("timeZone", "+02:00", "is an offset"),
        ("timeZone", "UTC+2", "is an offset"),
        ("timeZone", "Etc/GMT+2", "is an offset"),
        ("timeZone", "EST", "is an abbreviation"),
        ("timeZone", "EST5EDT", "is an abbreviation"),
        ("timeZone", "US/Eastern", "is no time zone"),
        ("timeZone", "", "is no time zone"),
        ("timeZone", "../../etc/passwd", "is no time zone"),
        ("timeZone", "Europe/Berlin\n\x1b[31m", "is no time zone"),
        ("timeZone", "x" * 5000, "is no time zone"),
        ("timeZone", 2, "give a text"),
        ("timeZone", None, "give a text"),
        ("weekStart", "someday", "is no day"),
        ("weekStart", "Monday", "is no day"),
        ("fiscalYearStart", "02-30", "is no day of every year"),
        ("fiscalYearStart", "02-29", "is no day of every year"),
        ("fiscalYearStart", "13-01", "is no day of every year"),
        ("fiscalYearStart", "4-1", "is no day of every year"),
        ("fiscalYearStart", "\u0660\u0664-\u0660\u0661", "is no day of every year"),
        ("fiscalYearStart", "04-01-01", "is no day of every year"),
        ("fiscalPattern", "446", "is no pattern"),
        ("fiscalPattern", 445, "give a text"),
        ("weekstart", "monday", "did you mean weekStart"),
        ("version", 7, "has no such field"),
    ],
)
def test_what_is_not_accepted_is_refused_with_one_line(field: str, value: Any, hint: str) -> None:
    with pytest.raises(InvalidInput, match=hint) as caught:
        Calendar.parse({**FULL, field: value})
    message = str(caught.value)
    assert message.startswith(f"{field}: ")
    assert message.isprintable()
    assert len(message) < 300
    assert caught.value.parameter == field
