"""The budget of calls of the simulated Threads API: 4,800 calls per impression in 24 hours, and its usage headers.

The impressions of an account in the last 24 hours count as at least ten, so each account has at least 48,000 calls.

Facts: docs/platform-facts.md#threads-limits-and-errors.
"""

import json
from datetime import datetime, timedelta

from simulator import truth
from simulator.faults import Target
from simulator.state import State
from simulator.threads.errors import error
from simulator.world import SimAccount

CALLS_PER_IMPRESSION = 4_800
LEAST_IMPRESSIONS = 10
_WINDOW_HOURS = 24
_HEADERS_AFTER = 20
_SEEN_FOR = timedelta(days=30)
"""Age of the oldest posts whose impressions are counted; older ones hardly have any."""


class Budget:
    """Counts the calls of each account by hour, over a rolling window of 24 hours."""

    def __init__(self, state: State) -> None:
        self._state = state

    def take(self, account: SimAccount, now: datetime) -> None:
        """Count one call."""
        hours, hour = self._hours(account), _hour(now)
        hours[hour] = hours.get(hour, 0) + 1

    def check(self, account: SimAccount, aim: Target) -> None:
        """Refuse a call that exceeds a limit, or that a fault fails.

        Raises:
            GraphError: code 2, 4 or 17.
        """
        if aim.strike("error"):
            raise error(
                2, "An unexpected error has occurred. Please retry your request later.", status=500, transient=True
            )
        if aim.strike("app_limit"):
            raise error(4, "Application request limit reached", status=403)
        if aim.strike("account_limit") or self._calls(account) >= self._limit(account):
            raise error(17, "User request limit reached", status=403)

    def headers(self, account: SimAccount) -> dict[str, str]:
        """Return the header with the usage in percent; it appears only after some calls."""
        whom = (None, account.platform_account_id)
        faults = (f for f in self._state.faults.active if f.kind == "account_limit" and f.account in whom)
        limited = next((fault for fault in faults if fault.times != 0), None)
        calls = self._calls(account)
        if calls < _HEADERS_AFTER and limited is None:
            return {}
        used = 100 if limited else min(calls * 100 // self._limit(account), 100)
        minutes = int(limited.seconds / 60) if limited else 60 if used >= 100 else 0
        usage = {
            "type": "threads",
            "call_count": used,
            "total_cputime": used // 4,
            "total_time": used // 4,
            "estimated_time_to_regain_access": minutes,
        }
        return {"x-business-use-case-usage": json.dumps({account.platform_account_id: [usage]})}

    def _calls(self, account: SimAccount) -> int:
        """Return the number of calls in the window."""
        first, hours = _hour(self._state.clock.now()) - _WINDOW_HOURS + 1, self._hours(account)
        for hour in [hour for hour in hours if hour < first]:
            del hours[hour]
        return sum(hours.values())

    def _limit(self, account: SimAccount) -> int:
        """Return the number of calls that are allowed; the impressions are computed anew each hour."""
        now = self._state.clock.now()
        known: dict[str, tuple[int, int]] = self._state.memory.setdefault("threads:impressions", {})
        hour, seen = known.get(account.platform_account_id, (-1, 0))
        if hour != _hour(now):
            seen = _impressions(self._state, account, now)
            known[account.platform_account_id] = _hour(now), seen
        return CALLS_PER_IMPRESSION * max(seen, LEAST_IMPRESSIONS)

    def _hours(self, account: SimAccount) -> dict[int, int]:
        """Return the calls of an account by hour."""
        of_all: dict[str, dict[int, int]] = self._state.memory.setdefault("threads:hours", {})
        return of_all.setdefault(account.platform_account_id, {})


def _hour(now: datetime) -> int:
    return int(now.timestamp()) // 3600


def _impressions(state: State, account: SimAccount, now: datetime) -> int:
    """Return how often posts of an account were seen in the last 24 hours."""
    posts, before = state.world.posts(account, now - _SEEN_FOR, now), now - timedelta(hours=_WINDOW_HOURS)
    seen = (truth.views_at(state.world, post, now) - truth.views_at(state.world, post, before) for post in posts)
    return sum(seen)
