"""Metrics that X tells the author alone, of posts of the last thirty days: groups of posts, and of their videos.

What is asked for and not told is named field by field in `errors`, and the post is left out of `data`: so recorded of
posts of others, `field` and all. `organic_metrics` are those of the public, as nothing is advertised in the simulator,
and `promoted_metrics` are zero for the same reason.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from simulator.truth import Counter, Curve
from simulator.twitter.problem import PROBLEMS
from simulator.twitter.world import PRIVATE, PRIVATE_DAYS, PUBLIC
from simulator.world import SimAccount, SimPost

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
"""The fields of each group; clicks on links are left out of posts that have none."""
_PLAYED = {"playback_0_count": 100, "playback_25_count": 74, "playback_50_count": 51, "playback_75_count": 38,
           "playback_100_count": 27}  # fmt: skip
"""How many in a hundred of a video's views come that far."""


def told(post: SimPost, account: SimAccount | None, now: datetime) -> bool:
    """Whether private metrics of a post are told to the owner of a token; to an app's own token none are."""
    own = account is not None and account.index == post.account_index
    return own and post.published_at >= now - PRIVATE_DAYS


def groups(post: SimPost, curve: Curve, asked: Iterable[str]) -> dict[str, dict[str, int]]:
    """Return the private groups that are asked for, of a post whose metrics are told."""
    found: dict[str, dict[str, int]] = {}
    for group in sorted(GROUPS.keys() & set(asked)):
        counters = {k: v for k, v in GROUPS[group].items() if k != _LINKS or "urls" in post.kind.native}
        found[group] = {k: 0 if group == "promoted_metrics" else counter(curve) for k, counter in counters.items()}
    return found


def playback(views: int, asked: Iterable[str]) -> dict[str, dict[str, int]]:
    """Return the private groups of a video that are asked for: how far it was watched."""
    played = {name: views * share // 100 for name, share in _PLAYED.items()}
    known = {
        "non_public_metrics": played,
        "organic_metrics": {**played, "view_count": views},
        "promoted_metrics": dict.fromkeys((*played, "view_count"), 0),
    }
    return {group: known[group] for group in sorted(known.keys() & set(asked))}


def refusals(post: SimPost, asked: Iterable[str], parameter: str) -> list[dict[str, Any]]:
    """Return the partial errors of a post whose private metrics are asked for and not told: one for each field."""
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
        for group in sorted(GROUPS.keys() & set(asked))
        for name in GROUPS[group]
    ]
