"""Public profiles of the simulated Threads API: `/profile_lookup` and `/profile_posts`.

Facts: docs/platform-facts.md#threads-public-profiles.

A fault of kind `permission` whose `path` is `profile_` leaves a token with standard access, which knows four names.
"""

from collections import deque
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from simulator import truth
from simulator.graph.call import Call
from simulator.standing import is_public
from simulator.threads.errors import error, invalid
from simulator.threads.insights import MIN_FOLLOWERS
from simulator.threads.posts import listed
from simulator.world import SimAccount, display_name

CALLS_PER_DAY = 1_000
"""Look-ups that a user may make in a rolling day."""
STANDARD_NAMES = ("meta", "threads", "instagram", "facebook")
"""The profiles that standard access shows."""
_OFFICIAL = 999_990
"""Index of the account whose numbers the first of these profiles has."""
_WEEK = timedelta(days=7)
_COUNTED_FOR = timedelta(days=60)
"""Age of the oldest posts whose activity is counted; older ones hardly have any."""
_COUNTS = ("likes", "quotes", "replies", "reposts", "views")


def profile_lookup(call: Call) -> dict[str, Any]:
    """Answer `GET /profile_lookup`: a public profile with the counts of the last seven days."""
    account, handle = _named(call)
    world = call.state.world
    counts = {f"{field}_count": _of_week(call, account, field) for field in _COUNTS}
    return {
        "username": handle,
        "name": display_name(handle),
        "profile_picture_url": f"{call.base_url}/picture/{account.index}",
        "biography": "Simulated.",
        "is_verified": False,
        "follower_count": truth.account_value(world, account, "followers_count", call.now),
        **counts,
    }


def profile_posts(call: Call) -> dict[str, Any]:
    """Answer `GET /profile_posts`: the posts of a public profile, without numbers."""
    account, _ = _named(call)
    return listed(replace(call, account=account), "threads")


def _named(call: Call) -> tuple[SimAccount, str]:
    """Return the account of the requested profile, and its name.

    Raises:
        GraphError: the limit is used, or the profile is not public, unknown, or not for this access.
    """
    _take(call)
    handle = call.params.get("username", "").removeprefix("@").lower()
    if not handle:
        raise invalid("username is required")
    world = call.state.world
    if handle in STANDARD_NAMES:
        return world.account("threads", _OFFICIAL + STANDARD_NAMES.index(handle)), handle
    if call.aim.strike_chosen("permission"):
        raise error(10, "Application does not have permission for this action", status=403)
    account = call.state.named("threads", handle, call.aim)
    gone = account is not None and call.state.fate(account, call.aim) is not None
    few = account is None or gone or truth.account_value(world, account, "followers_count", call.now) < MIN_FOLLOWERS
    if account is None or few or not is_public(world, account):
        raise error(100, "The requested profile does not exist or is not eligible")
    return account, call.state.handle(account, call.aim)


def _take(call: Call) -> None:
    """Count one look-up of the token's user.

    Raises:
        GraphError: it was the 1,001st in a rolling day.
    """
    of_all: dict[str, deque[datetime]] = call.state.memory.setdefault("threads:lookups", {})
    made = of_all.setdefault(call.reader.platform_account_id, deque())
    while made and made[0] <= call.now - timedelta(days=1):
        made.popleft()
    if len(made) >= CALLS_PER_DAY:
        raise error(4, "Application request limit reached", status=403)
    made.append(call.now)


def _of_week(call: Call, account: SimAccount, field: str) -> int:
    """Return how much a counter of all posts grew in the last seven days, not below zero."""
    world, before = call.state.world, call.now - _WEEK
    posts = world.posts(account, call.now - _COUNTED_FOR, call.now)
    now = sum(truth.post_value(world, post, field, call.now) for post in posts)
    return max(now - sum(truth.post_value(world, post, field, before) for post in posts), 0)
