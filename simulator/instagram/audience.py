"""Audience insights: demographics, and the hours at which followers are online.

Facts: docs/platform-facts.md#instagram-account-insights.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import product
from typing import Any

from simulator import truth
from simulator.graph.call import Call
from simulator.graph.errors import GraphError
from simulator.graph.pacific import day_end
from simulator.state import graph_timestamp

DEMOGRAPHICS = frozenset({"follower_demographics", "engaged_audience_demographics"})
ONLINE = "online_followers"
_SHARES: Mapping[str, Mapping[str, float]] = {
    "age": {"18-24": 0.22, "25-34": 0.41, "35-44": 0.24, "45-54": 0.09, "55-64": 0.03, "65+": 0.01},
    "gender": {"F": 0.55, "M": 0.4, "U": 0.05},
    "city": {"Berlin, Berlin": 0.2, "London, England": 0.1, "Vienna, Vienna": 0.06},
    "country": {"DE": 0.6, "GB": 0.15, "AT": 0.1, "US": 0.05},
}
_COUNTED_AFTER = timedelta(days=2)


def demographics(call: Call, name: str, breakdown: str) -> dict[str, Any]:
    """Return `total_value` by breakdown; the dimensions do not add up to the followers.

    Raises:
        GraphError: the breakdown is absent or unknown.
    """
    keys = [key for key in breakdown.split(",") if key]
    if not keys or any(key not in _SHARES for key in keys):
        raise GraphError(100, f"(#100) breakdown must be one of the following values for {name}: {', '.join(_SHARES)}")
    total = truth.account_value(call.state.world, call.account, "followers_count", call.now)
    results = []
    for values in product(*(_SHARES[key] for key in keys)):
        share = 0.97 * (1.0 if name == "follower_demographics" else 0.05)
        for key, value in zip(keys, values, strict=True):
            share *= _SHARES[key][value]
        results.append({"dimension_values": list(values), "value": int(total * share)})
    return {"total_value": {"breakdowns": [{"dimension_keys": keys, "results": results}]}}


def online(call: Call, days: Sequence[date]) -> list[dict[str, Any]]:
    """Return the followers online by Pacific hour of each Pacific day; empty for days that are not counted yet."""
    values = []
    for day in days:
        end = day_end(day)
        followers = truth.account_value(call.state.world, call.account, "followers_count", end)
        counted = end + _COUNTED_AFTER <= call.now
        hours = {str(hour): followers * (30 + (hour - 4) % 24 * 2) // 100 for hour in range(24)} if counted else {}
        values.append({"value": hours, "end_time": graph_timestamp(end.astimezone(call.now.tzinfo))})
    return values
