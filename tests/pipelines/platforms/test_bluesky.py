"""Bluesky's client: recorded answers, errors, sessions, the feed and posts by URI."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from metrics.clock import utcnow
from metrics.settings import load_settings
from pipelines.platforms.bluesky import answers
from pipelines.platforms.bluesky.posts import MAX_URIS
from pipelines.platforms.bluesky.sessions import app_password as password_of
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import (
    AccountUnreachable,
    BadAnswer,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    RateLimited,
    Transient,
    WrongIdentity,
)
from pipelines.platforms.http import retries
from pipelines.platforms.registry import open_platform
from simulator.bluesky.api import PDS_HOST, PUBLIC, PUBLIC_HOST
from simulator.bluesky.sessions import app_password
from simulator.bluesky.world import created_at, is_misdated
from tests.pipelines.platforms.fetching import Fetching, known, wanted
from tests.recorded import recorded
from tests.simulator_fixture import Simulator

DID = "did:plc:txacei62ijryijukbnejwkfq"
URI = f"at://{DID}/app.bsky.feed.post/3k4sowhmviu6h"


@pytest.fixture
def fetching(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Fetching:
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.001)
    return Fetching(simulator, "bluesky")


@pytest.fixture
def public(fetching: Fetching) -> Fetching:
    """The client with the two hosts apart, and an account that was connected without a token."""
    url = fetching.simulator.url
    settings = load_settings(_env_file=None, bluesky_url=f"{url}/{PUBLIC_HOST}", bluesky_pds_url=f"{url}/{PDS_HOST}")
    fetching.api = open_platform("bluesky", settings, fetching.quarantine)
    fetching.access = Access(fetching.account.platform_account_id, {})
    return fetching


def with_password(fetching: Fetching, **more: object) -> Access:
    credentials = {"access_token": app_password(fetching.account), **more}
    return Access(fetching.account.platform_account_id, credentials)


def test_recorded_profile_is_read_number_for_number(fixtures: Path) -> None:
    profile = recorded(fixtures, "bluesky/profile")
    assert answers.account_numbers(profile).metrics == {"followers": 2, "following": 3, "posts": 4}
    assert answers.handle_of(profile) == "alice.test"
    found = [answers.account_numbers(one).metrics for one in recorded(fixtures, "bluesky/profiles_batch")["profiles"]]
    assert [(one["followers"], one["following"], one["posts"]) for one in found] == [(2, 3, 4), (2, 2, 3), (2, 1, 2)]


def test_absent_count_is_unknown_and_not_zero() -> None:
    numbers = answers.account_numbers({"did": DID, "followersCount": 2})
    assert (numbers.metrics, numbers.unavailable["following"]) == ({"followers": 2}, "no_observation")
    assert answers.account_numbers({"did": DID}).unavailable["followers"] == "provider_error"
    post = Post(URI, "post", "text", None)
    without_quotes = answers.post_numbers(post, {"likeCount": 1, "replyCount": 2, "repostCount": 3, "bookmarkCount": 4})
    assert without_quotes.metrics == {"likes": 1, "comments": 2, "saves": 4}
    assert without_quotes.unavailable == {"shares": "no_observation"}


@pytest.mark.parametrize(
    ("name", "status", "leaf"),
    [
        ("error_400_account_deactivated", 400, AccountUnreachable),
        ("error_400_account_takedown", 400, AccountUnreachable),
        ("error_400_expired_token", 400, NeedsReauth),
        ("error_400_profile_not_found", 400, AccountUnreachable),
        ("error_429_rate_limit", 429, RateLimited),
    ],
)
def test_recorded_error_leads_to_one_decision(
    fixtures: Path, name: str, status: int, leaf: type[PlatformError]
) -> None:
    with pytest.raises(leaf) as caught:
        answers.raise_for(status, recorded(fixtures, f"bluesky/{name}"), {})
    assert type(caught.value) is leaf


@pytest.mark.parametrize(
    ("status", "body", "leaf"),
    [
        (400, {"error": "InvalidRequest", "message": "Invalid app.bsky.feed.getPosts params: uris"}, BadAnswer),
        (400, {"error": "InvalidRequest", "message": "Unable to resolve handle"}, AccountUnreachable),
        (400, {"error": "BlockedByActor", "message": "Requester is blocked by actor"}, PermissionMissing),
        (401, {"error": "AuthMissing", "message": "Authentication Required"}, NeedsReauth),
        (401, {"error": "InvalidToken"}, NeedsReauth),
        (401, {"message": "who are you?"}, BadAnswer),
        (404, [], BadAnswer),
        (500, {"error": "InternalServerError", "message": "Internal Server Error"}, Transient),
        (502, {"error": "UpstreamFailure"}, Transient),
        (501, {"error": "MethodNotImplemented"}, BadAnswer),
        (200, {"error": "InternalServerError", "message": "by a proxy"}, BadAnswer),
    ],
)
def test_error_leads_to_one_decision(status: int, body: Any, leaf: type[PlatformError]) -> None:
    with pytest.raises(leaf) as caught:
        answers.raise_for(status, body, {})
    assert type(caught.value) is leaf


@pytest.mark.parametrize(
    ("reset", "seconds"), [(90, 90), (-5, 60), (10**6, 300), (10**12, 300), ("soon", 300), ("", 300)]
)
def test_limit_ends_at_the_epoch_of_the_header(reset: object, seconds: int) -> None:
    """The header holds unix seconds; what is not an instant within a day is taken for the usual window.

    An end that is over becomes a minute, for our clock may be ahead.
    """
    text = str(int(utcnow().timestamp()) + reset) if isinstance(reset, int) else str(reset)
    with pytest.raises(RateLimited) as caught:
        answers.raise_for(429, {"error": "RateLimitExceeded"}, {"RateLimit-Reset": text})
    assert abs(caught.value.until - utcnow() - timedelta(seconds=seconds)) < timedelta(seconds=3)
    assert caught.value.scope == "app", "the limit is one of the caller's address"


def test_headers_tell_how_much_of_the_window_is_used() -> None:
    reset = str(int(utcnow().timestamp()) + 60)
    headers = {"RateLimit-Limit": "3000", "RateLimit-Remaining": "0", "RateLimit-Reset": reset}
    assert answers.near_limit(headers) is not None
    assert answers.used_percent(headers) == 100
    assert answers.near_limit({**headers, "RateLimit-Remaining": "1"}) is None
    assert answers.used_percent({}) == 0


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        ("2026-11-20T09:59:58.000Z", "2026-11-20T09:59:58"),
        ("2026-11-20T12:59:58.000+03:00", "2026-11-20T09:59:58"),
        ("2026-11-19T10:00:01Z", "2026-11-19T10:00:01"),
        ("2026-11-18T10:00:00Z", "2026-11-20T10:00:00"),
        ("2026-11-20T11:00:00Z", "2026-11-20T10:00:00"),
        ("2056-11-20T10:00:00Z", "2026-11-20T10:00:00"),
        ("1970-01-01T00:00:00Z", "2026-11-20T10:00:00"),
        ("yesterday", "2026-11-20T10:00:00"),
        (None, "2026-11-20T10:00:00"),
    ],
)
def test_client_is_believed_only_about_the_last_day(created: str | None, expected: str) -> None:
    view = {"indexedAt": "2026-11-20T10:00:00.000Z", "record": {"createdAt": created}}
    assert answers.published_at(view) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("embed", "kind"),
    [
        (None, "text"),
        ({"$type": "app.bsky.embed.images#view", "images": [{}]}, "image"),
        ({"$type": "app.bsky.embed.images#view", "images": [{}, {}]}, "carousel"),
        ({"$type": "app.bsky.embed.video#view"}, "video"),
        ({"$type": "app.bsky.embed.external#view"}, "link"),
        ({"$type": "app.bsky.embed.record#view"}, "text"),
        ({"$type": "app.bsky.embed.recordWithMedia#view", "media": {"$type": "app.bsky.embed.video#view"}}, "video"),
        ({"$type": "app.bsky.embed.hologram#view"}, "other"),
    ],
)
def test_content_type_follows_from_what_is_embedded(embed: Mapping[str, Any] | None, kind: str) -> None:
    view = {"uri": URI, "indexedAt": "2026-11-20T10:00:00Z", **({} if embed is None else {"embed": embed})}
    assert answers.listed_post(view).content_type == kind


def test_account_without_a_token_is_read_at_the_public_host(public: Fetching) -> None:
    reading = public.read()
    assert public.check(reading) > 200
    assert {post.platform_post_id for post, _ in reading.posts} == {one.platform_post_id for one in public.here()}
    assert reading.account.metrics["followers"] == public.level("followersCount")
    calls = public.simulator.calls()["byAccount"]
    assert list(calls) == [PUBLIC], "no call carried a token"
    assert public.api.refresh(public.access, Tally()) is None


def test_posts_with_a_false_time_of_creation_have_the_servers_time(public: Fetching) -> None:
    lies = [post for post in public.here() if is_misdated(post)]
    assert {created_at(post) > post.published_at for post in lies} == {True, False}
    found = {post.platform_post_id: post.published_at for post, _ in public.read().posts}
    for post in lies:
        assert found[post.platform_post_id] == post.published_at


def test_reposted_posts_of_others_are_no_own_posts(public: Fetching) -> None:
    params = {"actor": public.access.platform_account_id, "limit": "100"}
    answer = public.simulator.client.get("/xrpc/app.bsky.feed.getAuthorFeed", params=params).json()
    reposts = {item["post"]["uri"] for item in answer["feed"] if "reason" in item}
    assert reposts
    reading = public.read()
    assert not reposts & reading.listed.keys()
    assert reading.failures == {}


def test_due_posts_are_read_in_batches_and_a_missing_one_is_gone(public: Fetching) -> None:
    here = public.here()
    deleted = next(p for p in public.posts(300) if p.deleted_at is not None and not p.visible(public.now))
    due = [known(post) for post in [*here, deleted]]
    listed = wanted(*due)
    public.api.read(public.access, listed, Tally())
    # The second time, the feed ends at its first page; what stands below it is read by URI.
    old = [known(post) for post in public.here(270) if post.published_at < public.now - timedelta(days=100)]
    public.simulator.client.delete("/_control/calls")
    reading = public.api.read(public.access, wanted(*old, known(deleted), memory=listed.memory), Tally())
    assert reading.gone == [deleted.platform_post_id]
    assert {post.platform_post_id for post in old} <= {post.platform_post_id for post, _ in reading.posts}
    below = [post for post in [*old, known(deleted)] if post.platform_post_id not in reading.listed]
    assert len(below) > MAX_URIS
    # One more call confirms that a post is gone.
    assert public.simulator.calls()["byKind"]["app.bsky.feed.getPosts"] == -(-len(below) // MAX_URIS) + 1
    assert public.check(reading) > 100


def test_answer_that_was_cut_off_takes_no_post_for_gone(public: Fetching) -> None:
    old = [known(post) for post in public.here(270) if post.published_at < public.now - timedelta(days=200)]
    assert len(old) > MAX_URIS
    public.simulator.set_faults({"kind": "patch", "path": "getPosts", "at": "posts", "value": [], "times": 2})
    reading = public.read(old)
    assert reading.gone == []
    assert {post.platform_post_id for post in old} <= {post.platform_post_id for post, _ in reading.posts}


def test_post_that_two_answers_leave_out_is_gone_though_others_fail(public: Fetching) -> None:
    old = [known(post) for post in public.here(270) if post.published_at < public.now - timedelta(days=200)]
    public.simulator.set_faults({"kind": "partial", "path": "getPosts", "object": old[0].platform_post_id})
    reading = public.read(old)
    assert reading.gone == [old[0].platform_post_id]
    again = replace(wanted(*old), deleted=reading.gone)
    before = public.simulator.calls()["byKind"]["app.bsky.feed.getPosts"]
    assert public.api.read(public.access, again, Tally()).gone == []
    asked = public.simulator.calls()["byKind"]["app.bsky.feed.getPosts"] - before
    assert asked == -(-len(old) // MAX_URIS), "a post that is known to be deleted takes no second call"


@pytest.mark.parametrize("value", [{}, {"status": "ok"}, {"posts": {}}, {"posts": [1]}])
def test_batch_of_another_shape_takes_no_post_for_gone(public: Fetching, value: Any) -> None:
    old = [known(post) for post in public.here(270) if post.published_at < public.now - timedelta(days=200)]
    public.simulator.set_faults({"kind": "patch", "path": "getPosts", "at": "", "value": value})
    reading = public.read(old)
    assert reading.gone == []
    assert "posts by uri" in reading.failures


def test_announced_post_of_another_account_is_told(public: Fetching) -> None:
    foreign = Post(URI, "post", "text", public.now)
    reading = public.read([foreign])
    assert reading.failures == {URI: "it is not a post of this account"}
    assert reading.gone == []


def test_broken_handle_is_not_taken_for_a_name(public: Fetching) -> None:
    did = public.access.platform_account_id
    public.simulator.set_faults({"kind": "rename", "account": did, "value": "handle.invalid"})
    assert public.read().handle is None
    public.simulator.set_faults({"kind": "rename", "account": did, "value": "new.name"})
    assert public.read().handle == "new-name.bsky.social"


@pytest.mark.parametrize("fate", ["suspended", "deleted"])
def test_account_that_is_gone_is_unreachable(public: Fetching, fate: str) -> None:
    public.simulator.set_faults({"kind": fate, "account": public.access.platform_account_id})
    with pytest.raises(AccountUnreachable):
        public.read()


def test_handle_is_resolved_to_the_did_that_has_it_now(public: Fetching) -> None:
    did, handle = public.account.platform_account_id, f"{public.account.handle.replace('.', '-')}.bsky.social"
    resolver: Any = public.api
    assert resolver.resolve_name(handle, Tally()) == did
    public.simulator.set_faults({"kind": "rename", "account": did, "value": "new.name"})
    assert resolver.resolve_name("new-name.bsky.social", Tally()) == did
    with pytest.raises(AccountUnreachable, match="Unable to resolve handle"):
        resolver.resolve_name(handle, Tally())


def test_app_password_opens_a_session_that_is_renewed(public: Fetching) -> None:
    access = with_password(public)
    assert public.api.identify(access, Tally()).handle is not None
    with pytest.raises(NeedsReauth, match="no session"):
        public.api.read(access, wanted(), Tally())
    first = public.api.refresh(access, Tally())
    assert first is not None
    assert first["app_password"] == app_password(public.account)
    ends = datetime.fromtimestamp(first["expires_at"], UTC)
    assert abs(ends - utcnow() - timedelta(hours=2)) < timedelta(seconds=20)
    opened = Access(access.platform_account_id, first)
    assert public.check(public.api.read(opened, wanted(), Tally())) > 200
    assert public.simulator.calls()["byAccount"].keys() == {access.platform_account_id}, "all at the session's server"
    second = public.api.refresh(opened, Tally())
    assert second is not None
    assert second["access_token"] != first["access_token"]
    assert public.simulator.calls()["byKind"]["refreshSession"] == 1


def test_refresh_token_that_ended_is_replaced_with_the_app_password(public: Fetching) -> None:
    first = public.api.refresh(with_password(public), Tally())
    assert first is not None
    public.simulator.set_clock(public.now + timedelta(days=91))
    opened = Access(public.account.platform_account_id, first)
    with pytest.raises(NeedsReauth, match="expired"):
        public.api.read(opened, wanted(), Tally())
    again = public.api.refresh(opened, Tally())
    assert again is not None
    assert public.simulator.calls()["byKind"]["createSession"] == 2


def test_wrong_app_password_needs_a_person(public: Fetching) -> None:
    access = Access(public.account.platform_account_id, {"access_token": "aaaa-bbbb-cccc-dddd"})
    with pytest.raises(NeedsReauth, match="Invalid identifier or password"):
        public.api.identify(access, Tally())
    assert public.api.refresh(access, Tally()) is None


def test_session_of_another_account_is_refused(public: Fetching) -> None:
    public.simulator.set_faults({"kind": "patch", "path": "createSession", "at": "did", "value": DID})
    with pytest.raises(WrongIdentity):
        public.api.identify(with_password(public), Tally())


def test_secrets_are_in_no_message(public: Fetching) -> None:
    access = with_password(public)
    public.simulator.set_faults(
        {"kind": "patch", "path": "createSession", "at": "", "value": {"error": "X", "message": password_of(access)}}
    )
    with pytest.raises(PlatformError) as caught:
        public.api.identify(access, Tally())
    assert app_password(public.account) not in str(caught.value)
    assert app_password(public.account) not in repr(access)


def test_host_that_asks_for_a_token_is_the_wrong_host(public: Fetching) -> None:
    settings = load_settings(_env_file=None, bluesky_url=f"{public.simulator.url}/{PDS_HOST}")
    with pytest.raises(BadAnswer, match="check the platform's base URL"):
        open_platform("bluesky", settings, public.quarantine).read(public.access, wanted(), Tally())
