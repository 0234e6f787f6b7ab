"""The value of one metric over one period: own metrics and totals answer through the same function."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from metrics.definitions.changes import NewDefinition, define
from metrics.definitions.one_value import metric_value
from metrics.definitions.scope import Scope
from metrics.errors import InvalidInput, NotFound
from metrics.store import Store

DAY = timedelta(days=1)
START = datetime(2026, 3, 2, tzinfo=UTC)
WEEK = (START, START + 7 * DAY)
NOW = START + 9 * DAY


def fill(store: Store) -> None:
    """Two accounts with one post each; every day of the week, the post of `b` gains twice as much."""
    for number, name in enumerate("ab", start=1):
        store.accounts.put([{
            "_id": name, "workspaceId": "w", "platform": "instagram", "platformAccountId": name, "handle": name,
            "state": "active", "connectedAt": START - 30 * DAY,
        }])  # fmt: skip
        for day in range(7):
            start = START + day * DAY
            common = {"workspaceId": "w", "accountId": name, "platform": "instagram", "period": "daily",
                      "periodStart": start, "periodEnd": start + DAY, "observedSlots": 24}  # fmt: skip
            entries = {key: {"open": 0, "close": net, "net": net, "samples": 1}
                       for key, net in (("likes", 10 * number), ("views", 100))}  # fmt: skip
            store.rollups.subjects.insert_one({
                **common, "_id": f"p{name}{day}", "subjectId": f"p{name}", "postId": f"p{name}", "metricType": "post",
                "contentType": "image", "metrics": entries,
            })  # fmt: skip
            level = {"open": 90, "close": 90 + number, "net": number, "min": 90, "max": 95, "sum": 2200, "samples": 24}
            store.rollups.subjects.insert_one({
                **common, "_id": f"{name}{day}", "subjectId": name, "metricType": "account",
                "metrics": {"followers": level},
            })  # fmt: skip


def test_value_of_own_metrics_and_of_totals(store: Store) -> None:
    fill(store)
    define(store, "w", [NewDefinition("like_rate", "Rate", "percent(likes, views)")], NOW)

    def value(name: str, scope: Scope | None = None) -> Any:
        return metric_value(store, name, scope or Scope("w"), "custom", WEEK, NOW)

    own = value("like_rate")
    assert (own.value, own.status, own.versions) == (15.0, "complete", {"like_rate": 1})
    assert own.parts is not None
    assert (own.parts.over, own.parts.under) == (210, 1400)
    assert (value("totalLikes").value, value("followers").value) == (210, 183)
    only_a = Scope("w", account_ids=frozenset("a"))
    assert (value("like_rate", only_a).value, value("totalLikes", only_a).value) == (10.0, 70)
    assert (value("reach").reason, value("reach", only_a).reason) == ("not_additive", "no_observation")
    empty = metric_value(store, "totalLikes", Scope("w"), "daily", (START - 40 * DAY, START - 39 * DAY), NOW)
    assert (empty.value, empty.reason, empty.status) == (None, "no_observation", None)
    with pytest.raises(NotFound, match="no definition like_rat: did you mean like_rate"):
        value("like_rat")
    with pytest.raises(InvalidInput, match="totalLikes is a total of accounts"):
        value("totalLikes", Scope("w", content_type="image"))
