"""Results of accounts and their errors, batches that are halved, and the bill."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.catalog import shown_engagement_parts, shown_of_others
from metrics.clock import machine_now, utcnow
from metrics.documents import ContentType, MetricType, Platform
from pipelines.platforms.data.post import Content, Post
from pipelines.platforms.data.readings import AccountReading, Reading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.errors import (
    AccountUnreachable,
    BadAnswer,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    RateLimited,
    Transient,
)
from pipelines.platforms.limits import Reserved
from pipelines.platforms.public.base import (
    PublicAccount,
    Refusal,
    Skipped,
    each,
    found_in,
    look_up,
    never_off,
    snapshot,
)
from pipelines.platforms.public.bill import Bill, BilledPosts
from tests.clock import INSTANT, ahead_by

HOUR = timedelta(hours=1)


def results(*errors: PlatformError | None, tally: Tally | None = None) -> list[str | Refusal | Skipped]:
    """Return the results of accounts of which each has an error, or none."""
    queue = list(errors)

    def read(_key: int) -> str:
        if (error := queue.pop(0)) is not None:
            raise error
        return "read"

    def off(error: PlatformError) -> str | None:
        return "The route is closed." if isinstance(error, PermissionMissing) else None

    return list(each(range(len(errors)), read, tally or Tally(), off).values())


def test_error_of_one_account_is_that_of_no_other() -> None:
    lost, odd = Transient("lost"), BadAnswer("odd")
    assert results(lost, None, odd, None) == [Skipped(lost), "read", Skipped(odd), "read"]
    gone = results(AccountUnreachable("it is gone."), None)
    assert gone == [Refusal("not_found", "The platform does not show it: it is gone."), "read"]


def test_limit_and_dead_token_stop_all_that_come_after_them() -> None:
    limit, tally = RateLimited("later", utcnow() + HOUR, "app"), Tally()
    assert results(None, limit, None, tally=tally) == ["read", Skipped(limit), Skipped(limit)]
    assert tally.limited is limit
    assert results(None, tally=tally) == [Skipped(limit)], "a limit that was met before counts, too"
    dead = NeedsReauth("ended")
    assert results(dead, None) == [Skipped(dead), Skipped(dead)]
    assert Skipped(limit).until == limit.until
    assert (Skipped(dead).until, Skipped(dead).reason) == (None, "ended")


def test_closed_route_has_one_reason_for_all() -> None:
    closed = Refusal("off", "The route is closed.")
    assert results(None, PermissionMissing("no"), None) == ["read", closed, closed]


@given(st.sets(st.integers(0, 40), max_size=6), st.integers(1, 12))
def test_refused_keys_fail_alone(refused: set[int], size: int) -> None:
    def fetch(some: Sequence[str]) -> Mapping[str, int]:
        assert len(some) <= size
        if any(int(key) in refused for key in some):
            raise BadAnswer("one of them is odd")
        return {key: int(key) for key in some}

    keys = [str(number) for number in range(41)]
    loaded = look_up(keys, size, fetch, Tally())
    assert set(loaded.errors) == {str(number) for number in refused}
    assert loaded.values == {key: int(key) for key in keys if int(key) not in refused}


def test_limit_of_a_batch_sends_no_more_batches() -> None:
    calls = list[int]()

    def fetch(some: Sequence[str]) -> Mapping[str, int]:
        calls.append(len(some))
        raise RateLimited("later", utcnow() + HOUR, "app")

    tally = Tally()
    loaded = look_up([str(number) for number in range(30)], 10, fetch, tally)
    assert (calls, len(loaded.errors)) == ([10], 30)
    assert tally.limited is not None
    with pytest.raises(RateLimited):
        found_in(loaded, "7")
    assert found_in(loaded, "none") is None
    assert never_off(tally.limited) is None


@given(st.lists(st.lists(st.integers(0, 30), max_size=10), max_size=8))
def test_each_object_is_billed_once_a_day(readings: list[list[int]]) -> None:
    bill, tally = Bill({"post": 0.005, "user": 0.01}), Tally()
    budget = BilledPosts(bill, tally, None)
    for posts in readings:
        budget.settle(Reserved(len(posts)), map(str, posts))
    distinct = len({post for posts in readings for post in posts})
    assert budget.usd == pytest.approx(0.005 * distinct)
    assert bill.charge("user", ["1"], tally) == 0.01
    assert tally.usd == pytest.approx(0.005 * distinct + 0.01)


def test_next_day_is_billed_anew() -> None:
    bill, tally = Bill({"user": 0.01}), Tally()
    charged = [bill.charge("user", ["1"], tally) for _ in range(2)]
    with ahead_by(INSTANT + timedelta(days=1) - machine_now()):
        charged.append(bill.charge("user", ["1"], tally))
    assert charged == [0.01, 0.0, 0.01]


def test_snapshot_has_nothing_but_what_is_public() -> None:
    post = Post("1", "post", "image", utcnow(), content=Content("https://x.example/1", "words", None))
    reading = AccountReading(Reading(utcnow(), {"followers": 5, "reach": 7}, {"following": "no_observation"}))
    reading.listed["1"] = post
    numbers = {"likes": 1, "clicks": 2}
    reading.posts.append((post, Reading(utcnow(), numbers, {"views": "permission_missing", "saves": "no_observation"})))
    account = PublicAccount("key", "1", "old", Wanted(utcnow()))
    found = snapshot("youtube", account, reading)
    assert found.levels == {"followers": 5}
    assert found.reading.account.unavailable == {}
    ((shown, read),) = found.posts
    assert (shown.content, read.metrics) == (None, {"likes": 1})
    assert found.reading.listed["1"].content is None
    assert found.hidden == {"1": frozenset({"views"})}
    assert found.handle == "old", "an answer without a handle leaves the last one"


@pytest.mark.parametrize(
    ("platform", "metric_type", "content_type", "parts"),
    [
        ("instagram", "reel", "video", ("likes", "comments")),
        ("instagram", "story", "image", ()),
        ("facebook", "post", "text", ("likes", "comments", "shares")),
        ("facebook", "reel", "video", ()),
        ("twitter", "post", "text", ("likes", "comments", "shares", "saves")),
        ("linkedin", "post", "text", ()),
        ("tiktok", "post", "video", ()),
        ("youtube", "post", "video", ("likes", "comments")),
        ("pinterest", "post", "image", ()),
        ("threads", "post", "text", ()),
        ("bluesky", "post", "text", ("likes", "comments", "shares", "saves")),
    ],
)
def test_parts_of_engagement_that_others_see(
    platform: Platform, metric_type: MetricType, content_type: ContentType, parts: tuple[str, ...]
) -> None:
    assert shown_engagement_parts(platform, metric_type, content_type) == parts


def test_views_of_others_on_instagram_are_those_of_reels_alone() -> None:
    assert set(shown_of_others("instagram", "post", "image")) == {"likes", "comments"}
    assert shown_of_others("instagram", "reel", "video")["views"].field == "view_count"
    assert dict(shown_of_others("pinterest", "account")) == {}
