"""docs/calendars.md: its table of changes of clocks is what the calendars compute, and what clocks show."""

import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from metrics.calendars import Calendar
from tests.metrics.calendars import reference

PAGE = (Path(__file__).parents[3] / "docs" / "calendars.md").read_text()
ROWS = re.findall(r"^\| `([A-Z][^`]+)` \| (\d{4}-\d\d-\d\d) \| ([^|]+) \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)


def test_the_table_has_every_change_of_its_zones() -> None:
    found = [
        (zone, span.label, f"{span.start:%Y-%m-%d %H:%M}", str(span.hours), str(span.shift_minutes))
        for zone in dict.fromkeys(zone for zone, *_ in ROWS)
        for span in Calendar(zone).spans_between("daily", date(2026, 1, 1), date(2027, 12, 31))
        if span.hours != 24
    ]
    assert found == [tuple(row) for row in ROWS]
    assert len({zone for zone, *_ in ROWS}) >= 6


@pytest.mark.parametrize(("zone", "day", "start", "hours", "shift"), ROWS)
def test_the_table_is_what_clocks_show(zone: str, day: str, start: str, hours: str, shift: str) -> None:
    first, minutes = reference.first_slot(zone, date.fromisoformat(day))
    assert (f"{first:%Y-%m-%d %H:%M}", str(minutes)) == (start, shift)
    following, _ = reference.first_slot(zone, date.fromisoformat(day) + timedelta(days=1))
    assert (following - first) // timedelta(hours=1) == int(hours)
