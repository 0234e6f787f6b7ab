"""Rate limits of the Graph API: calls per account and hour, and the usage headers.

Facts: docs/platform-facts.md#meta-rate-limits.
"""

import json
from collections.abc import Callable
from datetime import datetime

from simulator.faults import Fault, Kind, Target
from simulator.graph.errors import GraphError, too_many
from simulator.state import State
from simulator.world import SimAccount

USAGE_HEADERS_AFTER = 20
BUDGET_PER_HOUR = 4800
_USAGE_TYPES = {"facebook": "pages"}


class Budget:
    """Counter of the calls of each account in the current hour."""

    def __init__(self, state: State) -> None:
        self._state = state

    def take(self, account: SimAccount, now: datetime) -> None:
        """Count one call; every element of a batch counts as one."""
        hours, hour = self._hours(), int(now.timestamp()) // 3600
        before, calls = hours.get(account.platform_account_id, (hour, 0))
        hours[account.platform_account_id] = hour, calls + 1 if before == hour else 1

    def calls(self, account: SimAccount) -> int:
        """Return the number of calls of an account in the current hour."""
        hour, calls = self._hours().get(account.platform_account_id, (0, 0))
        return calls if hour == self._hour() else 0

    def check(self, account: SimAccount, aim: Target) -> None:
        """Refuse a request that exceeds a limit, or that a fault fails as a whole.

        Raises:
            GraphError: code 2, 4, 80001 or 80002.
        """
        _raise(account, aim.strike)
        if self.calls(account) >= BUDGET_PER_HOUR:
            raise too_many(account)

    def check_element(self, account: SimAccount, aim: Target) -> None:
        """Refuse an element of a batch that a fault selects by its object, path or page.

        Raises:
            GraphError: code 2, 4, 80001 or 80002.
        """
        _raise(account, aim.strike_chosen)

    def headers(self, account: SimAccount) -> dict[str, str]:
        """Return the headers with the usage in percent; they appear only after some calls."""
        calls = self.calls(account)
        whom = (None, account.platform_account_id)
        limits = [f for f in self._state.faults.active if f.kind == "account_limit" and f.account in whom]
        limited = [f for f in limits if f.times != 0]
        if calls < USAGE_HEADERS_AFTER and not limited:
            return {}
        used = 100 if limited else min(calls * 100 // BUDGET_PER_HOUR, 100)
        minutes = int(limited[0].seconds / 60) if limited else 0
        if used >= 100 and not limited:
            minutes = 60 - self._state.clock.now().minute
        case = {
            "type": _USAGE_TYPES.get(account.platform, account.platform),
            "call_count": used,
            "total_cputime": used // 4,
            "total_time": used // 4,
        }
        usage = {account.platform_account_id: [{**case, "estimated_time_to_regain_access": minutes}]}
        return {"x-business-use-case-usage": json.dumps(usage)}

    def _hours(self) -> dict[str, tuple[int, int]]:
        """Return, by account, an hour and the number of calls in it."""
        hours: dict[str, tuple[int, int]] = self._state.memory.setdefault("graph:hours", {})
        return hours

    def _hour(self) -> int:
        return int(self._state.clock.now().timestamp()) // 3600


def _raise(account: SimAccount, struck: Callable[[Kind], Fault | None]) -> None:
    if struck("error"):
        raise GraphError(
            2, "An unexpected error has occurred. Please retry your request later.", status=500, transient=True
        )
    if struck("app_limit"):
        raise GraphError(4, "(#4) Application request limit reached", subcode=1349210, status=403)
    if struck("account_limit"):
        raise too_many(account)
