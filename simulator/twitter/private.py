"""Private metrics, which X reports only to the author, for posts of the last thirty days and for their videos.

For a requested private metric that the caller may not see, `errors` names each field, and the post is left out of
`data`, as recorded for posts of other users. `organic_metrics` equal the public ones, because the simulator has no
advertising, and `promoted_metrics` are zero for the same reason.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from simulator import truth
from simulator.truth import Counter
from simulator.twitter.problem import PROBLEMS
from simulator.twitter.world import PRIVATE, PRIVATE_DAYS, PUBLIC
from simulator.world import SimAccount, SimPost, World

_LINKS = "url_link_clicks"
_SHOWN = ("impression_count", PUBLIC["impression_count"])
_CONTEXT: dict[str, Counter] = {
    **dict([_SHOWN]),
    **{name: PUBLIC[name] for name in ("like_count", "reply_count", "retweet_count")},
    **{name: PRIVATE[name] for name in (_LINKS, "user_profile_clicks")},
}
GROUPS: Mapping[str, Mapping[str, Counter]] = {
    "non_public_metrics": {**dict([_SHOWN]), **PRIVATE},
    "organic_metrics": _CONTEXT,
    "promoted_metrics": _CONTEXT,
}
"""Fields of each group; posts without links have no clicks on links."""
_PLAYED = {"playback_0_count": 100, "playback_25_count": 74, "playback_50_count": 51, "playback_75_count": 38,
           "playback_100_count": 27}  # fmt: skip
"""Percentage of a video's views that reach each point."""


def is_told(post: SimPost, account: SimAccount | None, now: datetime) -> bool:
    """Tell whether X reports private metrics of a post to the owner of a token; it never does to an app token."""
    own = account is not None and account.index == post.account_index
    return own and post.published_at >= now - PRIVATE_DAYS


def groups(world: World, post: SimPost, now: datetime, requested: Iterable[str]) -> dict[str, dict[str, int]]:
    """Return the requested private groups of a post whose private metrics may be reported."""
    found: dict[str, dict[str, int]] = {}
    for group in sorted(GROUPS.keys() & set(requested)):
        names = [name for name in GROUPS[group] if name != _LINKS or "urls" in post.kind.native]
        is_promoted = group == "promoted_metrics"
        found[group] = dict.fromkeys(names, 0) if is_promoted else truth.post_values(world, post, names, now)
    return found


def playback(views: int, requested: Iterable[str]) -> dict[str, dict[str, int]]:
    """Return the requested private groups of a video: how far it was watched."""
    played = {name: views * share // 100 for name, share in _PLAYED.items()}
    known = {
        "non_public_metrics": played,
        "organic_metrics": {**played, "view_count": views},
        "promoted_metrics": dict.fromkeys((*played, "view_count"), 0),
    }
    return {group: known[group] for group in sorted(known.keys() & set(requested))}


def refusals(post: SimPost, requested: Iterable[str], parameter: str) -> list[dict[str, Any]]:
    """Return the partial errors, one for each requested private field that is not reported."""
    return [
        {
            "resource_type": "tweet",
            "field": f"{group}.{name}",
            "parameter": parameter,
            "resource_id": post.platform_post_id,
            "title": "Field Authorization Error",
            "section": "data",
            "detail": f"Sorry, you are not authorized to access '{group}.{name}' on the Tweet with {parameter} : "
            f"[{post.platform_post_id}].",
            "value": post.platform_post_id,
            "type": f"{PROBLEMS}/not-authorized-for-field",
        }
        for group in sorted(GROUPS.keys() & set(requested))
        for name in GROUPS[group]
    ]
