"""Rollups with a selection of metrics, and with the totals of each platform."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from metrics.documents import AccountDocument
from metrics.store import Store
from tests.serving.conftest import NOW, account
from tests.serving.endpoints.test_reads import rollup

AGGREGATED = "/analytics/workspace/w1/aggregated"


@pytest.fixture
def platforms(seeded: Store) -> Store:
    """Rollups of yesterday and the day before: `a1` and `a3` on Instagram, `a4` on LinkedIn."""
    on_linkedin: AccountDocument = {**account("a4", "w1"), "platform": "linkedin"}
    seeded.accounts.put([account("a3", "w1"), on_linkedin])
    rows: list[dict[str, Any]] = []
    for account_id, platform, engagement in (("a1", "instagram", 10), ("a3", "instagram", 5), ("a4", "linkedin", 70)):
        for day in (1, 2):
            row = rollup(day, engagement * day)
            row |= {"_id": f"{account_id}|{day}", "accountId": account_id, "platform": platform}
            rows.append(row)
    seeded.rollups.accounts.insert_many(rows)
    return seeded


def ask(client: httpx.Client, **query: str) -> dict[str, Any]:
    first, last = (f"{NOW - timedelta(days=days):%Y-%m-%d}" for days in (2, 1))
    period = {"period": "daily", "startDate": first, "endDate": last}
    answer = client.get(AGGREGATED, params={**period, **query})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_groups_are_the_totals_of_each_platform(client: httpx.Client, platforms: Store) -> None:
    body = ask(client, groupBy="platform", compare="previous")
    shown = [(row["periodStart"], row["platform"], row["metrics"]["totalEngagement"]) for row in body["groups"]]
    days = [total["periodStart"] for total in body["totals"]]
    assert shown == [
        (days[0], "instagram", 30), (days[0], "linkedin", 140), (days[1], "instagram", 15), (days[1], "linkedin", 70),
    ]  # fmt: skip
    for platform in ("instagram", "linkedin"):
        alone = ask(client, platform=platform, compare="previous")["totals"]
        grouped = [row for row in body["groups"] if row["platform"] == platform]
        assert grouped == [{**row, "platform": platform} for row in alone], "as a request for the platform alone"


def test_answer_without_group_by_has_no_groups(client: httpx.Client, platforms: Store) -> None:
    assert "groups" not in ask(client)


def test_fields_are_the_only_metrics(client: httpx.Client, platforms: Store) -> None:
    whole = ask(client, groupBy="platform", compare="previous")
    body = ask(client, fields="totalEngagement,reach", groupBy="platform", compare="previous")
    assert [row["aggregatedMetrics"] for row in body["data"]] == [
        {"totalEngagement": row["aggregatedMetrics"]["totalEngagement"]} for row in whole["data"]
    ]
    for part in ("totals", "groups"):
        for row, before in zip(body[part], whole[part], strict=True):
            assert row["metrics"] == {"totalEngagement": before["metrics"]["totalEngagement"]}
            assert row["unavailable"] == {"reach": "not_additive"}
            changes = before["comparison"]["changes"]
            assert row["comparison"]["changes"] == {n: c for n, c in changes.items() if n == "totalEngagement"}
            assert {**row, "metrics": 0, "unavailable": 0, "missing": 0, "comparison": 0} == {
                **before, "metrics": 0, "unavailable": 0, "missing": 0, "comparison": 0,
            }  # fmt: skip


@pytest.mark.parametrize("fields", ["likes", "totalLikes,", "", "totalLikes, reach"])
def test_unknown_field_is_refused_with_the_list(client: httpx.Client, fields: str) -> None:
    answer = client.get(AGGREGATED, params={"period": "daily", "fields": fields})
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["parameter"]) == (400, "fields")
    assert "followers" in error["message"]
    assert "totalLikes" in error["message"]


def test_unknown_group_is_refused(client: httpx.Client) -> None:
    answer = client.get(AGGREGATED, params={"period": "daily", "groupBy": "weekday"})
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (400, "must be one of platform")
