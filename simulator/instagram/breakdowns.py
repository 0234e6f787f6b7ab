"""Breakdowns of totals of simulated Instagram accounts, by metric (docs/platform-facts.md#instagram-account-insights).

Dimensions and their values come from the documentation and the recorded answer of reach. The documentation calls
the breakdown of views `follower_type`, recorded answers of reach have `follow_type`; views take both here.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from simulator.graph.errors import GraphError

_PRODUCTS = {"POST": 0.4, "REEL": 0.35, "STORY": 0.15, "CAROUSEL_CONTAINER": 0.1}
_FOLLOW = {"FOLLOWER": 0.7, "NON_FOLLOWER": 0.3}
_SHARES: Mapping[str, Mapping[str, float]] = {
    "media_product_type": _PRODUCTS,
    "follow_type": _FOLLOW,
    "follower_type": _FOLLOW,
    "contact_button_type": {"EMAIL": 0.4, "CALL": 0.3, "DIRECTION": 0.2, "TEXT": 0.1},
}
_OF_AUDIENCES = ("age", "city", "country", "gender")
_BY_PRODUCT = frozenset(["media_product_type"])
_OF: Mapping[str, frozenset[str]] = {
    "reach": frozenset(["media_product_type", "follow_type"]),
    "views": frozenset(["media_product_type", "follow_type", "follower_type"]),
    **dict.fromkeys(["likes", "comments", "saves", "shares", "reposts", "total_interactions"], _BY_PRODUCT),
    "profile_links_taps": frozenset(["contact_button_type"]),
    "follows_and_unfollows": frozenset(["follow_type"]),
    **dict.fromkeys(["follower_demographics", "engaged_audience_demographics"], frozenset(_OF_AUDIENCES)),
}
_OVERLAP = 1.02
"""Ratio of the sum of the parts to the total: some people are in several parts, as recorded."""


def check_breakdown(metrics: Sequence[str], breakdown: str, *, totals: bool) -> None:
    """Refuse a breakdown that is unknown, or that one of the metrics does not have; only totals have breakdowns.

    Raises:
        GraphError: code 100.
    """
    requested = [key for key in breakdown.split(",") if key]
    known = (*_SHARES, *_OF_AUDIENCES)
    if any(key not in known for key in requested):
        raise GraphError(100, f"(#100) breakdown[0] must be one of the following values: {', '.join(known)}")
    fitting = [_OF.get(name, frozenset()) if totals else frozenset() for name in metrics]
    if any(key not in keys for key in requested for keys in fitting):
        raise GraphError(
            100, f"(#100) An incompatible breakdown ({breakdown}) was used for metrics: {','.join(metrics)}"
        )


def parts(metric: str, total: int, breakdown: str) -> dict[str, Any]:
    """Return `breakdowns` of a total. Parts of reach add up to more than the total, other parts to the total.

    Empty parts are left out.
    """
    keys = [key for key in breakdown.split(",") if key]
    if not keys:
        return {}
    values = list(product(*(_SHARES[key] for key in keys)))
    amounts = [total * (_OVERLAP if metric == "reach" else 1.0)] * len(values)
    for place, value in enumerate(values):
        for key, one in zip(keys, value, strict=True):
            amounts[place] *= _SHARES[key][one]
    whole = [int(amount) for amount in amounts]
    if metric != "reach" and whole:
        whole[0] += total - sum(whole)
    results = [{"dimension_values": list(v), "value": n} for v, n in zip(values, whole, strict=True) if n]
    return {"breakdowns": [{"dimension_keys": keys, "results": results}]}
