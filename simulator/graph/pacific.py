"""Pacific days, by which Meta counts, and the time windows of insights.

Facts: docs/platform-facts.md#meta-days, #facebook-insights.
"""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from simulator.graph.call import Call, Params
from simulator.graph.errors import GraphError

PACIFIC = ZoneInfo("America/Los_Angeles")
_AGO = re.compile(r"(\d{1,4}) (day|week|month|year)s? ago")
_UNITS = {"day": timedelta(1), "week": timedelta(7), "month": timedelta(30), "year": timedelta(365)}
_GRACE = timedelta(minutes=1)
"""How far in the future a window may begin: the API links to a window that begins a second after the present one."""


def day_end(day: date) -> datetime:
    """Return the instant at which a Pacific day ends: 07:00 or 08:00 UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=PACIFIC) + timedelta(days=1)


def ended_days(call: Call, since: datetime, until: datetime) -> list[date]:
    """Return the Pacific days of a window that have ended."""
    day, days = since.astimezone(PACIFIC).date(), []
    while day_end(day) <= min(until, call.now):
        days.append(day)
        day += timedelta(days=1)
    return days


def instant(text: str, now: datetime) -> datetime:
    """Return the instant of `since` or `until`: seconds since 1970, a Pacific date with or without a time, or words.

    The accepted words are those of recorded calls: `now`, `2 days ago`, `15 months ago`.

    Raises:
        GraphError: the text has none of these forms.
    """
    if ago := _AGO.fullmatch(text):
        return now - int(ago[1]) * _UNITS[ago[2]]
    try:
        if text == "now":
            return now
        if text.isdecimal():
            return datetime.fromtimestamp(int(text), PACIFIC)
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        raise GraphError(100, "(#100) param since must be a valid timestamp") from None
    return found if found.tzinfo else found.replace(tzinfo=PACIFIC)


def span(call: Call, params: Params, longest: timedelta) -> tuple[datetime, datetime]:
    """Return the time range of a list: `since` and `until`, limited to the `longest` reach of the list."""
    since = instant(params["since"], call.now) if "since" in params else call.now - longest
    until = instant(params["until"], call.now) if "until" in params else call.now
    return max(since, call.now - longest), min(until, call.now)


def window(call: Call, params: Params, longest: timedelta) -> tuple[datetime, datetime]:
    """Return `since` and `until`; the default is the last two days."""
    until = instant(params["until"], call.now) if "until" in params else call.now
    since = instant(params["since"], call.now) if "since" in params else until - timedelta(2)
    if since > call.now + _GRACE:
        raise GraphError(100, "(#100) since param cannot be in the future")
    if until - since > longest:
        seconds = int(longest.total_seconds())
        raise GraphError(
            100, f"(#100) There cannot be more than {longest.days} days ({seconds} s) between since and until"
        )
    return since, until
