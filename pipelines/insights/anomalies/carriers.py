"""The posts that carry an anomaly: those that gained a large share of what lies beyond the expected."""

from datetime import timedelta

from metrics.aggregation.hourly import HOURLY, net_of_posts
from metrics.anomalies import AnomalyDocument, CarryingPost
from metrics.store import Store

LEAST_SHARE = 0.3
LONGEST = timedelta(days=3)
"""The log is read for anomalies of at most this length: it has every value of every post."""


def carrying_posts(store: Store, anomaly: AnomalyDocument) -> list[CarryingPost]:
    """Return the posts that carry at least 30 % of the excess of an account's anomaly, the largest first.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    metric = anomaly.get("metric")
    excess = anomaly.get("observed", 0.0) - anomaly.get("expected", 0.0)
    if metric not in HOURLY or metric == "followers" or excess <= 0 or anomaly["to"] - anomaly["from"] > LONGEST:
        return []
    span = (anomaly["from"], anomaly["to"])
    gained = net_of_posts(store, anomaly["workspaceId"], anomaly["accountId"], metric, span)
    return [
        {"postId": post_id, "value": value, "share": round(value / excess, 2)}
        for post_id, value in sorted(gained.items(), key=lambda one: (-one[1], one[0]))
        if value >= LEAST_SHARE * excess
    ]
