"""Users of others on X: batches, protected and suspended users, private metrics, and the price of each reading."""

from typing import Any

import pytest

from pipelines.platforms.data.tally import Tally
from pipelines.platforms.public.base import PublicSnapshot, Refusal
from tests.pipelines.platforms.public.watching import OTHERS, Watching
from tests.simulator_fixture import Simulator

PROTECTED = 153


@pytest.fixture
def watching(simulator: Simulator) -> Watching:
    return Watching(simulator, "twitter")


def bill(watching: Watching) -> dict[str, Any]:
    found: dict[str, Any] = watching.simulator.client.get("/_control/bill").json()["twitter"]
    return found


def test_cost_is_what_the_platform_bills(watching: Watching) -> None:
    found = watching.read(*OTHERS)
    shown = [one for one in found.values() if isinstance(one, PublicSnapshot)]
    billed = bill(watching)
    assert watching.tally.usd == pytest.approx(billed["usd"])
    assert sum(one.usd for one in shown) == pytest.approx(billed["usd"])
    posts = sum(len(one.posts) for one in shown)
    assert billed == {"user": 3, "post": posts, "usd": round(3 * 0.010 + posts * 0.005, 3)}


def test_second_reading_of_a_day_costs_nothing_but_new_posts(watching: Watching) -> None:
    first = watching.snapshot(OTHERS[0])
    before = watching.tally.usd
    second = watching.snapshot(OTHERS[0])
    assert len(second.posts) == len(first.posts)
    assert (second.usd, watching.tally.usd) == (0.0, before)
    assert before == pytest.approx(bill(watching)["usd"])


def test_users_are_asked_for_in_hundreds(watching: Watching) -> None:
    keys = [watching.account(index).platform_account_id for index in range(100, 220)]
    found = watching.resolve(*keys)
    assert len(found) == 120
    assert watching.simulator.calls()["byKind"] == {"users": 2}


def test_protected_user_is_private_and_a_suspended_one_not_found(watching: Watching) -> None:
    suspended = watching.account(OTHERS[0]).platform_account_id
    watching.simulator.set_faults({"kind": "suspended", "account": suspended})
    protected = watching.account(PROTECTED).platform_account_id
    standing = watching.simulator.client.get("/_control/public", params={"object": protected}).json()
    assert standing == {"standing": "private"}
    found = watching.read(OTHERS[0], PROTECTED, OTHERS[1])
    assert isinstance(found[OTHERS[1]], PublicSnapshot)
    states = {index: one.state for index, one in found.items() if isinstance(one, Refusal)}
    assert states == {OTHERS[0]: "not_found", PROTECTED: "private"}
    refused = found[OTHERS[0]]
    assert isinstance(refused, Refusal)
    assert "suspended" in refused.reason
    resolved = watching.resolve(protected)[protected]
    assert isinstance(resolved, Refusal)
    assert resolved.state == "private"


@pytest.mark.parametrize("token", [None, "unknown"])
def test_without_a_valid_token_the_route_is_off(simulator: Simulator, token: str | None) -> None:
    watching = Watching(simulator, "twitter", twitter_app_token=token)
    found = watching.read(*OTHERS)
    assert {one.state for one in found.values() if isinstance(one, Refusal)} == {"off"}
    assert all("TIDEMARK_TWITTER_APP_TOKEN" in one.reason for one in found.values() if isinstance(one, Refusal))
    assert len(found) == len(OTHERS)
    assert watching.tally.requests <= 1


def test_due_posts_are_read_by_id_a_hundred_at_a_time_without_private_metrics(watching: Watching) -> None:
    account = watching.watched(OTHERS[0])
    first = watching.reader.read([account], None, Tally())[account.key]
    assert isinstance(first, PublicSnapshot)
    again = watching.watched(OTHERS[0], *(post for post, _ in first.posts), memory=account.wanted.memory)
    second = watching.reader.read([again], None, Tally())[again.key]
    assert isinstance(second, PublicSnapshot)
    assert {post.platform_post_id for post, _ in second.posts} == {post.platform_post_id for post, _ in first.posts}
    assert not second.hidden
    watching.check(OTHERS[0], second)
    kinds = watching.simulator.calls()["byKind"]
    assert (kinds["users"], kinds["tweets"]) == (2, 1)


def test_name_that_x_cannot_have_is_refused_without_a_call(watching: Watching) -> None:
    found = watching.resolve("@not a name", "seven")
    assert {one.state for one in found.values() if isinstance(one, Refusal)} == {"not_found"}
    assert watching.tally.requests == 0
