"""Pinterest's generated client, unchanged but for its host, reads the simulated Pinterest and gets the truth."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from simulator.pinterest.account_analytics import reported
from simulator.world import SimAccount
from tests.clients.living import NOW, living, near
from tests.simulator_fixture import Simulator

pytest.importorskip("openapi_generated.pinterest_client")
pytestmark = pytest.mark.clients

FROM, TO = (NOW - timedelta(days=9)).date(), (NOW - timedelta(days=4)).date()


@pytest.fixture
def account(simulator: Simulator) -> SimAccount:
    simulator.set_clock(NOW)
    return simulator.world.account("pinterest", 0)


@pytest.fixture
def client(simulator: Simulator, account: SimAccount) -> Iterator[Any]:
    from openapi_generated.pinterest_client import ApiClient, Configuration

    with ApiClient(Configuration(host=f"{simulator.url}/v5", access_token=account.token)) as found:
        yield found


@pytest.fixture
def users(client: Any) -> Any:
    from openapi_generated.pinterest_client.api.user_account_api import UserAccountApi

    return UserAccountApi(client)


@pytest.fixture
def pins(client: Any) -> Any:
    from openapi_generated.pinterest_client.api.pins_api import PinsApi

    return PinsApi(client)


def test_account_is_the_truth(users: Any, simulator: Simulator, account: SimAccount) -> None:
    found = users.user_account_get()
    assert (found.id, found.username) == (account.platform_account_id, account.handle.replace(".", "_"))
    for name in ("follower_count", "following_count", "pin_count", "board_count", "monthly_views"):
        assert near(simulator, account, name, getattr(found, name))


def test_pins_page_by_page_are_the_truth(pins: Any, simulator: Simulator) -> None:
    own: list[Any] = []
    more: dict[str, Any] = {}
    while True:
        page = pins.pins_list(page_size=50, pin_metrics=True, pin_filter="exclude_repins", **more)
        # Its models are dictionaries, too: `page.items` is a method.
        own += page["items"]
        if page["bookmark"] is None:
            break
        more = {"bookmark": page["bookmark"]}
    posts = living(simulator, "pinterest", "post")
    assert [pin["id"] for pin in own] == [post.platform_post_id for post in posts]
    for pin, post in zip(own, posts, strict=True):
        lifetime = pin["pin_metrics"]["lifetime_metrics"]
        for name in ("impression", "pin_click", "clickthrough", "save", "reaction", "comment"):
            assert near(simulator, post, name, lifetime[name]), (pin["id"], name)
    one = pins.pins_get(own[0]["id"])
    assert (one.id, one.creative_type, one.pin_metrics) == (own[0]["id"], posts[0].native[0], None)


def test_days_of_the_account_are_the_truth(users: Any, simulator: Simulator, account: SimAccount) -> None:
    found = users.user_account_analytics(FROM, TO, content_type="ORGANIC", metric_types=["IMPRESSION", "SAVE"])
    rows = found["all"].daily_metrics
    assert [str(row.date) for row in rows] == [f"{FROM + timedelta(days=n)}" for n in range(6)]
    for row in rows:
        day = FROM + timedelta(days=rows.index(row))
        assert str(row.data_status.value) == "READY"
        for name in ("IMPRESSION", "SAVE"):
            assert row.metrics[name] == reported(simulator.world, account, name, day, NOW)


def test_top_pins_and_their_days_are_read(users: Any, pins: Any, simulator: Simulator) -> None:
    top = users.user_account_analytics_top_pins(FROM, TO, "IMPRESSION", num_of_pins=5)
    names = [pin.pin_id for pin in top.pins]
    assert len(names) == 5
    assert set(names) <= {post.platform_post_id for post in living(simulator, "pinterest", "post")}
    days = pins.pins_analytics(names[0], FROM, TO, ["IMPRESSION"])["all"]
    total = sum(row.metrics.get("IMPRESSION", 0) for row in days.daily_metrics)
    assert total == top.pins[0].metrics["IMPRESSION"]


def test_refusals_are_its_exceptions(users: Any, pins: Any) -> None:
    from openapi_generated.pinterest_client.exceptions import ApiException, NotFoundException

    with pytest.raises(NotFoundException):
        pins.pins_get("1")
    with pytest.raises(ApiException) as caught:
        users.user_account_analytics((NOW - timedelta(days=100)).date(), TO)
    assert (caught.value.status, "last 90 days" in str(caught.value.body)) == (400, True)
