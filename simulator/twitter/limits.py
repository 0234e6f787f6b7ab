"""Limits that X checks before a call is processed: windows, caps, and their faults.

Facts: docs/platform-facts.md#x-limits-and-errors.
"""

import re
from datetime import datetime

from simulator.faults import Target
from simulator.state import State
from simulator.twitter.problem import Problem

WINDOW_SECONDS = 900
_USUAL = 900
_OF_USERS = {
    "users/me": 75, "users": 900, "tweets": 5_000, "tweets/:id": 900, "timeline": 900, "mentions": 300
}  # fmt: skip
_OF_APPS = {
    "users": 300, "tweets": 3_500, "tweets/:id": 450, "timeline": 10_000, "mentions": 450, "usage": 50
}  # fmt: skip


def kind_of(path: str) -> str:
    """Return the kind of a call; each kind has its own rate-limit window and is counted separately."""
    if path == "/2/users/me":
        return "users/me"
    if path.endswith("/mentions"):
        return "mentions"
    if re.fullmatch(r"/2/users/[^/]+/tweets", path):
        return "timeline"
    return next((kind for kind in ("users", "tweets", "usage") if path.startswith(f"/2/{kind}")), "usage")


def window(state: State, path: str, account_id: str | None, now: datetime, headers: dict[str, str]) -> None:
    """Count the call in its window of 15 minutes, and add the rate-limit headers to `headers`.

    Raises:
        Problem: the calls of the window are used up.
    """
    kind = "tweets/:id" if re.fullmatch(r"/2/tweets/\d+", path) else kind_of(path)
    limit = (_OF_APPS if account_id is None else _OF_USERS).get(kind, _USUAL)
    number = int(now.timestamp()) // WINDOW_SECONDS
    calls: dict[tuple[str, str | None, int], int] = state.memory.setdefault("twitter:windows", {})
    place = (kind, account_id, number)
    calls[place] = calls.get(place, 0) + 1
    headers |= {
        "x-rate-limit-limit": str(limit),
        "x-rate-limit-remaining": str(max(limit - calls[place], 0)),
        "x-rate-limit-reset": str((number + 1) * WINDOW_SECONDS),
    }
    if calls[place] > limit:
        raise _too_many(headers)


def raise_faults(aim: Target, headers: dict[str, str], *, is_usage: bool) -> None:
    """Raise the errors of the faults that hit the call; the usage endpoint answers even if the cap is used up.

    Raises:
        Problem: the error, in the words of X.
    """
    if aim.strike("error"):
        raise Problem(503, "Service Unavailable", "Service Unavailable")
    if aim.strike("account_limit"):
        raise _too_many(headers)
    if aim.strike("app_limit"):
        old = _too_many(headers)
        old.body = {"errors": [{"code": 88, "message": "Rate limit exceeded"}]}
        raise old
    if not is_usage:
        _used_up(aim)
    if aim.strike("permission"):
        raise Problem(
            403, "Unsupported Authentication", "Authenticating with this token is forbidden for this endpoint.",
            "unsupported-authentication",
        )  # fmt: skip


def _used_up(aim: Target) -> None:
    if aim.strike("monthly_cap"):
        raise Problem(
            429, "UsageCapExceeded", "Usage cap exceeded: Monthly product cap", "usage-capped", period="Monthly",
            scope="Product", account_id=1,
        )  # fmt: skip
    if aim.strike("no_credits"):
        raise Problem(402, "CreditsDepleted", "Your enrolled account does not have any credits.", "credits")


def _too_many(headers: dict[str, str]) -> Problem:
    headers["x-rate-limit-remaining"] = "0"
    return Problem(429, "Too Many Requests", "Too Many Requests")
