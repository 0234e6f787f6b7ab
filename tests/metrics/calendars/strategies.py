"""Calendars and dates for Hypothesis."""

from datetime import date

from hypothesis import strategies as st

from metrics.calendars import Calendar
from metrics.calendars.fiscal import FISCAL_PATTERNS
from metrics.calendars.parsing import WEEKDAYS, zones

ZONES = sorted(zones())
DATES = st.dates(date(1974, 1, 1), date(2037, 12, 31))
"""Offsets have whole minutes since 1973, as the reference needs them."""
STARTS = st.dates(date(2025, 1, 1), date(2025, 12, 31)).map(lambda day: f"{day:%m-%d}")
CALENDARS = st.builds(
    Calendar, st.sampled_from(ZONES), st.sampled_from(WEEKDAYS), STARTS, st.sampled_from(FISCAL_PATTERNS)
)
