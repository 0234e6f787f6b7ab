"""Accounts of others on Instagram, Facebook, Threads and LinkedIn: hidden likes, paging, refusals, recordings."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from metrics.documents import Platform
from metrics.settings import PLATFORM_APIS, load_settings
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.public.base import PublicAccount, PublicSnapshot, Refusal, Resolved, Result, Skipped
from pipelines.platforms.public.registry import open_public_reader
from simulator import truth
from simulator.facebook.public import WITHOUT_ACCESS
from tests.pipelines.platforms.conftest import Answering
from tests.pipelines.platforms.public.watching import LENDER, OTHERS, Watching
from tests.simulator_fixture import Simulator

FIRST, SECOND, _ = OTHERS
AGE_GATED, PERSONAL, PRIVATE = 104, 111, 118


def standing(watching: Watching, index: int) -> str:
    params = {"object": watching.account(index).platform_account_id}
    found = watching.simulator.client.get("/_control/public", params=params).json()
    return str(found["standing"])


def refusals(found: dict[int, Result]) -> dict[int, str]:
    return {index: one.state for index, one in found.items() if isinstance(one, Refusal)}


# Instagram


def test_hidden_likes_are_named_for_their_posts(simulator: Simulator) -> None:
    watching = Watching(simulator, "instagram")
    found = watching.snapshot(FIRST)
    true = set()
    for post in watching.here(FIRST):
        answer = simulator.client.get("/_control/public", params={"object": post.platform_post_id}).json()
        true |= {post.platform_post_id} if answer["hidden"] else set()
    assert set(found.hidden) == true
    assert true
    assert set(found.hidden.values()) == {frozenset({"likes"})}


def test_views_are_those_of_reels_with_advertisements(simulator: Simulator) -> None:
    watching = Watching(simulator, "instagram")
    found = watching.snapshot(FIRST)
    assert {post.metric_type for post, read in found.posts if "views" in read.metrics} == {"reel"}
    organic = {
        post.platform_post_id: truth.post_value(simulator.world, post, "views", watching.now)
        for post in watching.here(FIRST)
    }
    reels = [(post, read) for post, read in found.posts if post.metric_type == "reel"]
    assert any(read.metrics["views"] > organic[post.platform_post_id] for post, read in reels)


def test_names_that_instagram_does_not_show_look_alike(simulator: Simulator) -> None:
    watching = Watching(simulator, "instagram")
    assert [standing(watching, one) for one in (AGE_GATED, PERSONAL, PRIVATE)] == ["age_gated", "personal", "private"]
    found = watching.read(FIRST, AGE_GATED, PERSONAL, PRIVATE)
    assert refusals(found) == dict.fromkeys((AGE_GATED, PERSONAL, PRIVATE), "not_found")
    assert isinstance(found[FIRST], PublicSnapshot)
    assert found[AGE_GATED] == found[PERSONAL]


def test_name_that_belongs_to_another_account_now_is_not_read(simulator: Simulator) -> None:
    watching = Watching(simulator, "instagram")
    taken = watching.account(FIRST).handle
    simulator.set_faults(
        {"kind": "rename", "account": watching.account(FIRST).platform_account_id, "value": "old.name"},
        {"kind": "rename", "account": watching.account(SECOND).platform_account_id, "value": taken},
    )
    found = watching.read(FIRST)[FIRST]
    assert isinstance(found, Refusal)
    assert "another account" in found.reason


@pytest.mark.parametrize("platform", ["instagram", "threads", "linkedin"])
def test_without_a_lending_account_the_route_is_off(simulator: Simulator, platform: Platform) -> None:
    watching = Watching(simulator, platform)
    watching.lender = None
    assert refusals(watching.read(FIRST, SECOND)) == {FIRST: "off", SECOND: "off"}
    resolved = watching.resolve("@somebody")["@somebody"]
    assert isinstance(resolved, Refusal)
    assert resolved.state == "off"
    assert watching.tally.requests == 0


def test_token_of_instagram_login_lends_nothing(simulator: Simulator) -> None:
    watching = Watching(simulator, "instagram")
    assert watching.lender is not None
    credentials = {**watching.lender.credentials, "login": "instagram"}
    watching.lender = Access(watching.lender.platform_account_id, credentials)
    assert refusals(watching.read(FIRST)) == {FIRST: "off"}


@pytest.mark.parametrize("platform", ["instagram", "threads", "linkedin"])
def test_dead_token_of_the_lender_skips_all_accounts(simulator: Simulator, platform: Platform) -> None:
    watching = Watching(simulator, platform)
    simulator.set_faults({"kind": "expired_token", "account": watching.account(LENDER).platform_account_id})
    found = watching.read(FIRST, SECOND)
    assert all(isinstance(one, Skipped) for one in found.values()), found
    assert watching.tally.requests == 1


def test_posts_of_others_are_read_page_by_page(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for platform in ("instagram", "facebook"):
        monkeypatch.setattr(f"pipelines.platforms.{platform}.public.PAGE", 5)
    monkeypatch.setattr("pipelines.platforms.graph.public.PAGE", 5)
    watching = Watching(simulator, "instagram")
    found = watching.snapshot(FIRST)
    assert {post.platform_post_id for post, _ in found.posts} == {p.platform_post_id for p in watching.here(FIRST)}
    assert watching.tally.requests > 2
    watching = Watching(simulator, "facebook")
    pages = watching.snapshot(FIRST)
    assert len(pages.posts) > 5


def test_due_post_that_the_list_lacks_is_gone(simulator: Simulator) -> None:
    watching = Watching(simulator, "instagram")
    first = watching.snapshot(FIRST)
    gone = first.posts[0][0]
    simulator.set_faults({"kind": "partial", "object": gone.platform_post_id})
    account = watching.watched(FIRST, *(post for post, _ in first.posts))
    second = watching.reader.read([account], watching.lender, Tally())[account.key]
    assert isinstance(second, PublicSnapshot)
    assert second.reading.gone == [gone.platform_post_id]
    assert len(second.posts) == len(first.posts) - 1


def test_due_post_that_the_second_walk_of_the_list_finds_is_not_gone(simulator: Simulator) -> None:
    watching = Watching(simulator, "instagram")
    first = watching.snapshot(FIRST)
    hidden = first.posts[0][0]
    account = watching.watched(FIRST, *(post for post, _ in first.posts))
    simulator.set_faults({"kind": "partial", "object": hidden.platform_post_id, "times": 1})
    second = watching.reader.read([account], watching.lender, Tally())[account.key]
    assert isinstance(second, PublicSnapshot)
    assert second.reading.gone == []
    assert {post.platform_post_id for post, _ in second.posts} == {post.platform_post_id for post, _ in first.posts}


def test_post_that_is_known_to_be_deleted_takes_no_second_walk(simulator: Simulator) -> None:
    watching = Watching(simulator, "instagram")
    first = watching.snapshot(FIRST)
    gone = first.posts[0][0].platform_post_id
    account = watching.watched(FIRST, *(post for post, _ in first.posts))
    account = replace(account, wanted=replace(account.wanted, deleted=[gone]))
    simulator.set_faults({"kind": "partial", "object": gone})
    tally = Tally()
    second = watching.reader.read([account], watching.lender, tally)[account.key]
    assert isinstance(second, PublicSnapshot)
    assert (second.reading.gone, tally.requests) == ([], watching.tally.requests)


# Facebook


def test_feed_of_others_is_a_selection_without_reels(simulator: Simulator) -> None:
    watching = Watching(simulator, "facebook")
    found = watching.snapshot(FIRST)
    listed = {
        post.platform_post_id
        for post in watching.here(FIRST)
        if simulator.client.get("/_control/public", params={"object": post.platform_post_id}).json()["listed"]
    }
    assert {post.platform_post_id for post, _ in found.posts} == listed
    assert len(listed) < len(watching.here(FIRST))
    assert {post.metric_type for post, _ in found.posts} == {"post"}


@pytest.mark.parametrize("ending", [None, WITHOUT_ACCESS, "x"])
def test_without_page_public_content_access_the_route_is_off(simulator: Simulator, ending: str | None) -> None:
    """Without a token, with one of an app that lacks the feature, and with one that Facebook does not know."""
    page = simulator.world.account("facebook", 0)
    watching = Watching(simulator, "facebook", facebook_app_token=None if ending is None else page.token + ending)
    found = watching.read(FIRST, SECOND)
    assert refusals(found) == {FIRST: "off", SECOND: "off"}
    assert all("TIDEMARK_FACEBOOK_APP_TOKEN" in one.reason for one in found.values() if isinstance(one, Refusal))
    key = watching.id_key(FIRST)
    assert watching.resolve(key)[key] == found[FIRST]


def test_page_that_is_not_for_everybody_is_not_found(simulator: Simulator) -> None:
    watching = Watching(simulator, "facebook")
    assert standing(watching, AGE_GATED) == "age_gated"
    assert refusals(watching.read(FIRST, AGE_GATED)) == {AGE_GATED: "not_found"}


# Threads


def test_profile_has_the_last_seven_days_and_no_posts(simulator: Simulator) -> None:
    watching = Watching(simulator, "threads")
    found = watching.snapshot(FIRST)
    assert set(found.last_week) == {"likes", "comments", "shares", "views"}
    assert found.last_week["views"] > found.last_week["likes"] > 0
    assert not found.posts


def test_profiles_that_threads_does_not_show_look_alike(simulator: Simulator) -> None:
    watching = Watching(simulator, "threads")
    assert (standing(watching, AGE_GATED), standing(watching, PERSONAL)) == ("private", "age_gated")
    found = watching.read(AGE_GATED, FIRST, PERSONAL)
    assert refusals(found) == {AGE_GATED: "not_found", PERSONAL: "not_found"}


def test_standard_access_turns_the_route_off(simulator: Simulator) -> None:
    watching = Watching(simulator, "threads")
    simulator.set_faults({"kind": "permission", "path": "profile_"})
    assert refusals(watching.read(FIRST, SECOND)) == {FIRST: "off", SECOND: "off"}
    assert watching.tally.requests == 1


# LinkedIn


def test_linkedin_is_probed_once(simulator: Simulator) -> None:
    watching = Watching(simulator, "linkedin")
    simulator.set_faults({"kind": "permission", "path": "networkSizes"})
    assert refusals(watching.read(FIRST, SECOND)) == {FIRST: "off", SECOND: "off"}
    assert watching.tally.requests == 1


def test_suspended_organization_does_not_turn_the_route_off(simulator: Simulator) -> None:
    watching = Watching(simulator, "linkedin")
    simulator.set_faults({"kind": "suspended", "account": watching.account(SECOND).platform_account_id})
    found = watching.read(*OTHERS)
    assert refusals(found) == {SECOND: "not_found"}


# Recorded answers


def recorded(fixtures: Path, name: str) -> Any:
    file = fixtures.parent / "fixtures-more" / f"{name}.json"
    if not file.is_file():
        pytest.skip("the recorded answers are not here")
    return json.loads(file.read_text())


def reading_of(
    server: Answering, platform: Platform, account_id: str, handle: str
) -> tuple[Result, Resolved | Refusal | Skipped]:
    """Return what is read from one answer about an account, and what its handle is resolved to."""
    urls = {f"{api}_url": server.url for api in PLATFORM_APIS}
    reader = open_public_reader(platform, load_settings(_env_file=None, facebook_app_token="t", **urls))
    account = PublicAccount("key", account_id, handle, Wanted(datetime(2020, 1, 1, tzinfo=UTC)))
    lender = Access("1", {"access_token": "t"})
    read = reader.read([account], lender, Tally(tries=1))["key"]
    return read, reader.resolve([f"@{handle}"], lender, Tally(tries=1))[f"@{handle}"]


def test_recorded_discovery_is_read_number_for_number(fixtures: Path, server: Answering) -> None:
    account = recorded(fixtures, "discovery/pyfacebook_business_discovery_user")
    media = recorded(fixtures, "discovery/business_discovery_media_views_200")["business_discovery"]["media"]
    for number, one in enumerate(media["data"]):
        one |= {"timestamp": "2026-04-06T17:50:09+0000", "media_type": "VIDEO"}
        one |= {"media_product_type": "REELS" if number == 0 else "FEED"}
    asked: list[str] = []

    def element(path: str, params: dict[str, str]) -> Any:
        asked.append(params["fields"])
        if ".after(" in params["fields"]:
            return {"business_discovery": {"id": account["business_discovery"]["id"]}, "id": "1"}
        return {"business_discovery": {**account["business_discovery"], "media": media}, "id": "1"}

    server.element = element
    read, resolved = reading_of(server, "instagram", "17841407673135339", "facebookfordevelopers")
    assert resolved == Resolved("17841407673135339", "facebookfordevelopers")
    assert isinstance(read, PublicSnapshot)
    assert read.levels == {"followers": 64976, "posts": 436}
    numbers = {post.platform_post_id: dict(one.metrics) for post, one in read.posts}
    assert numbers == {
        "17858843269216389": {"likes": 5837, "comments": 50, "views": 7757},
        "17858843269216390": {"comments": 11},
    }
    assert read.hidden == {"17858843269216390": frozenset({"likes"})}
    assert any(".after(…)" in one for one in asked)


def test_recorded_refusals_lead_to_a_state(fixtures: Path, server: Answering) -> None:
    unknown = recorded(fixtures, "discovery/error_110_2207013_user_not_found")
    server.element = lambda _path, _params: unknown
    read, resolved = reading_of(server, "instagram", "17841407673135339", "example")
    assert (read, resolved) == (resolved, read)
    assert isinstance(read, Refusal)
    assert read.state == "not_found"
    forbidden = recorded(fixtures, "discovery/error_10_public_content_access")
    server.element = lambda _path, _params: forbidden
    read, _ = reading_of(server, "facebook", "100000000000001", "example.page")
    assert isinstance(read, Refusal)
    assert read.state == "off"
    assert "Page Public Content Access" in read.reason


def test_recorded_profile_of_threads_is_read_number_for_number(fixtures: Path, server: Answering) -> None:
    server.say(recorded(fixtures, "threads/profile_lookup_200"))
    read, resolved = reading_of(server, "threads", "@example", "example")
    assert resolved == Resolved("@example", "example")
    assert isinstance(read, PublicSnapshot)
    assert read.levels == {"followers": 1234567}
    assert read.last_week == {"likes": 4321, "comments": 98, "shares": 98, "views": 654321}
