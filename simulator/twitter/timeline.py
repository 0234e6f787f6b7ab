"""Timelines of accounts, with bounds by time and by id (docs/platform-facts.md#x-endpoints)."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from simulator.twitter.call import Call, id_of
from simulator.twitter.private import GROUPS
from simulator.twitter.problem import invalid
from simulator.twitter.world import PRIVATE_DAYS, moment_of
from simulator.world import EPOCH, SimAccount, SimPost

HISTORY = timedelta(days=400)
_EXCLUDABLE = ("replies", "retweets")
_PINNED_WITHIN = timedelta(days=60)


def timeline(call: Call, account: SimAccount) -> Iterator[SimPost]:
    """Return an account's posts, newest first, within the requested bounds.

    According to the documentation, a `since_id` older than all posts that X still lists means the oldest of them, and
    an `until_id` newer than all means the newest. A `since_id` in the future is refused with the text that X uses for
    one that is too old; other authors report this refusal, but it was not recorded.

    Raises:
        Problem: a bound is malformed, or `exclude` has an unknown value.
    """
    start, end = _span(call)
    for value in call.params.get("exclude", "replies").split(","):
        if value not in _EXCLUDABLE:
            raise invalid(
                f"The `exclude` query parameter value [{value}] is not one of [{','.join(_EXCLUDABLE)}]", exclude=value
            )
    if "until_id" in call.params:
        end = min(end, moment_of(call.state.world, id_of(call.params["until_id"], "until_id")))
    if "since_id" in call.params:
        since = id_of(call.params["since_id"], "since_id")
        published = moment_of(call.state.world, since)
        if published > call.now:
            raise invalid(f"'since_id' must be a tweet id created before {call.now:%Y-%m-%dT%H:%MZ}.", since_id=since)
        start = max(start, published + timedelta(seconds=1))
    if GROUPS.keys() & call.requested.tweet and call.aim.strike("private_window"):
        start = max(start, call.now - PRIVATE_DAYS)
    return _listed(call, account, start, end)


def newest(call: Call, account: SimAccount) -> SimPost | None:
    """Return the newest post of an account."""
    return next(_listed(call, account, call.now - HISTORY, call.now), None)


def pinned(call: Call, account: SimAccount) -> SimPost | None:
    """Return the pinned post of an account; every second account has none."""
    if account.index % 2:
        return None
    first = call.state.world.posts(account, EPOCH, EPOCH + _PINNED_WITHIN)
    return next((post for post in first if post.visible(call.now)), None)


def _span(call: Call) -> tuple[datetime, datetime]:
    start, end = call.now - HISTORY, call.now
    try:
        if "start_time" in call.params:
            start = datetime.fromisoformat(call.params["start_time"])
        if "end_time" in call.params:
            end = datetime.fromisoformat(call.params["end_time"])
        # Instants without an offset cannot be compared.
        return max(start, call.now - HISTORY), min(end, call.now)
    except (ValueError, TypeError):
        raise invalid("The `start_time` query parameter value is not an RFC 3339 date-time") from None


def _listed(call: Call, account: SimAccount, start: datetime, end: datetime) -> Iterator[SimPost]:
    posts = call.state.world.newest(account, start, end)
    return (post for post in posts if post.visible(call.now) and not call.aim.hides_in_lists(post.platform_post_id))
