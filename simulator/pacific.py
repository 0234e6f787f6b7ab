"""Meta's days: Pacific ones, and the windows of insights in them (platforms.md, 2.4 and 3.3)."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from simulator.graph import Call, GraphError, Params

PACIFIC = ZoneInfo("America/Los_Angeles")


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


def window(call: Call, params: Params, longest: timedelta) -> tuple[datetime, datetime]:
    """Return `since` and `until`; without them the last two days."""
    try:
        until = datetime.fromtimestamp(int(params["until"]), PACIFIC) if "until" in params else call.now
        since = datetime.fromtimestamp(int(params["since"]), PACIFIC) if "since" in params else until - timedelta(2)
    except ValueError:
        raise GraphError(100, "(#100) param since must be a valid timestamp") from None
    if since > call.now:
        raise GraphError(100, "(#100) since param cannot be in the future")
    if until - since > longest:
        seconds = int(longest.total_seconds())
        raise GraphError(
            100, f"(#100) There cannot be more than {longest.days} days ({seconds} s) between since and until"
        )
    return since, until
