"""linkedin-api-client, unchanged but for its base URL, reads the simulated LinkedIn and gets the truth."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from simulator import truth
from tests.simulator_fixture import Simulator

pytest.importorskip("linkedin_api.clients.restli.client")
pytestmark = pytest.mark.clients

NOW = datetime(2026, 11, 20, 16, 20, tzinfo=UTC)
VERSION = "202608"


@pytest.fixture
def client(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Any:
    from linkedin_api.clients.restli.client import RestliClient
    from linkedin_api.common import constants

    monkeypatch.setattr(constants, "VERSIONED_BASE_URL", f"{simulator.url}/rest")
    simulator.set_clock(NOW)
    return RestliClient()


def common(simulator: Simulator) -> dict[str, str]:
    return {"access_token": simulator.world.account("linkedin", 0).token, "version_string": VERSION}


def urn(simulator: Simulator) -> str:
    return f"urn:li:organization:{simulator.world.account('linkedin', 0).platform_account_id}"


def test_followers_are_the_truth(client: Any, simulator: Simulator) -> None:
    answer = client.get(
        resource_path="/networkSizes/{urn}", path_keys={"urn": urn(simulator)},
        query_params={"edgeType": "COMPANY_FOLLOWED_BY_MEMBER"}, **common(simulator),
    )  # fmt: skip
    account = simulator.world.account("linkedin", 0)
    wanted = truth.account_value(simulator.world, account, "firstDegreeSize", NOW)
    assert answer.entity["firstDegreeSize"] == wanted


def test_posts_and_their_statistics_are_the_truth(client: Any, simulator: Simulator) -> None:
    world, account = simulator.world, simulator.world.account("linkedin", 0)
    found = client.finder(
        resource_path="/posts", finder_name="author", query_params={"author": urn(simulator), "count": 100},
        **common(simulator),
    )  # fmt: skip
    living = [p for p in world.posts(account, NOW - timedelta(days=400), NOW) if p.visible(NOW)]
    ids = [element["id"] for element in found.elements]
    assert ids == [post.platform_post_id for post in reversed(living)][:100]
    shares = [one for one in ids if ":share:" in one][:5]
    batch = client.batch_get(resource_path="/posts", ids=[*shares, "urn:li:share:7999990000000000000"],
                             **common(simulator))  # fmt: skip
    assert set(batch.results) == set(shares)
    statistics = client.finder(
        resource_path="/organizationalEntityShareStatistics", finder_name="organizationalEntity",
        query_params={"organizationalEntity": urn(simulator), "shares": shares}, **common(simulator),
    )  # fmt: skip
    for element in statistics.elements:
        post = world.post("linkedin", element["share"])
        assert post is not None
        wanted = truth.post_value(world, post, "impressionCount", NOW)
        assert abs(element["totalShareStatistics"]["impressionCount"] - wanted) <= 1


def test_days_are_the_truth(client: Any, simulator: Simulator) -> None:
    world, account = simulator.world, simulator.world.account("linkedin", 0)
    start, end = (int(datetime(2026, 11, day, tzinfo=UTC).timestamp()) * 1000 for day in (1, 6))
    interval = {
        "timeRange": {"start": start, "end": end},
        "timeGranularityType": "DAY",
    }
    found = client.finder(
        resource_path="/organizationalEntityFollowerStatistics", finder_name="organizationalEntity",
        query_params={"organizationalEntity": urn(simulator), "timeIntervals": interval}, **common(simulator),
    )  # fmt: skip
    assert len(found.elements) == 5
    for element in found.elements:
        day = datetime.fromtimestamp(element["timeRange"]["start"] / 1000, UTC).date()
        gain = truth.day_value(world, account, "organicFollowerGain", day)
        assert element["followerGains"]["organicFollowerGain"] == gain
