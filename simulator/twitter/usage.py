"""`GET /2/usage/tweets`: the number of posts that the app's project has read this month, and its cap.

Each project has its own day on which its month begins; `project_cap` and `project_usage` are strings. A post is
counted once per UTC day, as X bills it. A fault of kind `monthly_cap` means that the cap is used up until the next
month begins.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from simulator.bill import charge
from simulator.faults import Fault
from simulator.state import State
from simulator.twitter.call import Call
from simulator.twitter.problem import invalid, unsupported
from simulator.world import SimPost

CAP = 3_000_000
USER, POST, OWN = 0.010, 0.005, 0.001
"""What X bills for a user, for a post, and for either if it is the reader's own, in US dollars and once per UTC day."""
RESET_DAY = 28
"""Day on which a project's month begins, as recorded for one project; others had 10 and 16."""
_PROJECT, _APP = "1", "1"
_DEFAULT = ("cap_reset_day", "project_cap", "project_id", "project_usage")
_MOST_DAYS = 90


@dataclass
class _Read:
    """Number of posts read by day, and the ids of those read today."""

    by_day: Counter[date] = field(default_factory=Counter)
    today: date = date.min
    seen: set[int] = field(default_factory=set)


def note(call: Call, posts: Iterable[SimPost]) -> None:
    """Count the posts of an answer."""
    read: _Read = call.state.memory.setdefault("twitter:usage", _Read())
    posts, reader = list(posts), None if call.account is None else call.account.index
    for price, is_own in ((OWN, True), (POST, False)):
        names = [post.platform_post_id for post in posts if (post.account_index == reader) == is_own]
        if names:
            charge(call.state, "twitter", "post", names, price)
    today = call.now.date()
    if read.today != today:
        read.today, read.seen = today, set()
    before = len(read.seen)
    read.seen.update(post.number for post in posts)
    read.by_day[today] += len(read.seen) - before


def answer(call: Call) -> dict[str, Any]:
    """Answer `GET /2/usage/tweets`, only for an app token.

    Raises:
        Problem: the token is a user token, or `days` is not a valid number of days.
    """
    if call.account is not None:
        raise unsupported("OAuth 2.0 User Context", "OAuth 2.0 Application-Only")
    days = call.params.get("days", "7")
    if not days.isdecimal() or not 1 <= int(days) <= _MOST_DAYS:
        raise invalid(f"The `days` query parameter value [{days}] is not between 1 and {_MOST_DAYS}", days=days)
    read: _Read = call.state.memory.setdefault("twitter:usage", _Read())
    today = call.now.date()
    end_caps(call.state, call.now)
    caps = _caps(call.state)
    reset_day = next((_reset_day(cap) for cap in caps), RESET_DAY)
    begun = month_of(today, reset_day)
    used = sum(count for day, count in read.by_day.items() if begun <= day <= today)
    if any(cap.times != 0 for cap in caps):
        used = max(used, CAP)
    by_day = [today - timedelta(days=back) for back in reversed(range(int(days)))]
    usage = [
        {"date": f"{day:%Y-%m-%d}T00:00:00.000Z", "usage": str(read.by_day[day])} for day in by_day if read.by_day[day]
    ]
    figures: dict[str, Any] = {
        "cap_reset_day": reset_day,
        "project_cap": str(CAP),
        "project_id": _PROJECT,
        "project_usage": str(used),
        "daily_project_usage": {"project_id": _PROJECT, "usage": usage},
        "daily_client_app_usage": [{"client_app_id": _APP, "usage": usage, "usage_result_count": len(usage)}],
    }
    return {"data": {name: figures[name] for name in figures if name in _DEFAULT or name in call.requested.usage}}


def end_caps(state: State, now: datetime) -> None:
    """Lift the caps whose month is over, so that they hit no further call."""
    for cap in _caps(state):
        if month_of(now.date(), _reset_day(cap)) > month_of(state.faults.since.date(), _reset_day(cap)):
            cap.times = 0


def _caps(state: State) -> list[Fault]:
    return [fault for fault in state.faults.active if fault.kind == "monthly_cap"]


def _reset_day(cap: Fault) -> int:
    return RESET_DAY if cap.value is None else int(cap.value)


def month_of(day: date, reset_day: int) -> date:
    """Return the first day of the project's month that contains a day; in a short month, it begins on the last day."""
    this = _within(day.year, day.month, reset_day)
    if this <= day:
        return this
    last = day.replace(day=1) - timedelta(days=1)
    return _within(last.year, last.month, reset_day)


def _within(year: int, month: int, reset_day: int) -> date:
    following = date(year + month // 12, month % 12 + 1, 1)
    return min(date(year, month, 1) + timedelta(days=reset_day - 1), following - timedelta(days=1))
