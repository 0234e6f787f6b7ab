"""A period is rolled up again if its counts of posts change late, and only then."""

from datetime import UTC, datetime, timedelta

import pytest

from metrics.documents import AccountDocument, PostDocument
from metrics.periods import PERIODS
from metrics.store import Store
from metrics.store.rollup.publications import mark_deleted, put_posts
from metrics.store.rollup.rollups import rollup_id
from tests.metrics.store.test_posts import PUBLISHED, post

DAY, WEEK, MONTH = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 2, 23, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)


def account(connected: datetime = PUBLISHED - timedelta(days=40)) -> AccountDocument:
    return {"_id": "a", "workspaceId": "w", "connectedAt": connected}  # type: ignore[typeddict-item]


def marked(store: Store) -> list[list[datetime]]:
    """Return the starts of marked days, weeks and months, and settle their marks."""
    found = [[one.start for one in store.marks.pending(period)] for period in PERIODS]
    for period, starts in zip(PERIODS, found, strict=True):
        store.marks.settle(store.marks.claim(period, starts))
    return found


def known(store: Store) -> dict[str, PostDocument]:
    return {"p": store.posts.get("p")}


def test_new_post_marks_the_periods_that_it_was_published_in(store: Store) -> None:
    put_posts(store, account(), [post()], {})
    assert marked(store) == [[DAY], [WEEK], [MONTH]]
    put_posts(store, account(), [post()], known(store))
    assert marked(store) == [[], [], []]


def test_post_that_says_nothing_new_is_not_written(store: Store) -> None:
    stored: PostDocument = {**post(), "deletedAt": PUBLISHED}
    put_posts(store, account(), [post()], {"p": stored})
    assert store.db["posts"].count_documents({}) == 0
    put_posts(store, account(), [post(), post(_id="new")], {"p": stored})
    assert store.db["posts"].distinct("_id") == ["new"]


def test_other_type_or_time_marks_the_old_and_the_new_period(store: Store) -> None:
    put_posts(store, account(), [post()], {})
    marked(store)
    put_posts(store, account(), [post(publishedAt=PUBLISHED - timedelta(days=1))], known(store))
    assert marked(store)[0] == [DAY - timedelta(days=1), DAY]
    put_posts(store, account(), [post(publishedAt=PUBLISHED - timedelta(days=1), contentType="video")], known(store))
    assert marked(store)[0] == [DAY - timedelta(days=1)]


def test_deletion_marks_them_too(store: Store) -> None:
    put_posts(store, account(), [post()], {})
    marked(store)
    mark_deleted(store, account(), [post()], PUBLISHED + timedelta(days=20))
    assert marked(store) == [[DAY], [WEEK], [MONTH]]


def test_before_the_connection_only_what_was_rolled_is_marked(store: Store) -> None:
    late = account(PUBLISHED + timedelta(days=60))
    put_posts(store, late, [post()], {})
    assert marked(store) == [[], [], []]
    rolled = {"workspaceId": "w", "accountId": "a", "period": "daily", "periodStart": DAY}
    store.rollups.accounts.insert_one({"_id": rollup_id("a", "daily", DAY), **rolled})
    mark_deleted(store, late, [post()], PUBLISHED)
    assert marked(store) == [[DAY], [], []]


def test_before_the_connection_a_period_in_its_first_roll_is_rolled_again(store: Store) -> None:
    late = account(PUBLISHED + timedelta(days=60))
    store.marks.touch([("w", "daily", DAY)])
    claims = store.marks.claim("daily", [DAY])
    put_posts(store, late, [post()], {})
    store.marks.settle(claims)
    assert marked(store) == [[DAY], [], []]


def test_before_the_connection_a_period_rolled_while_the_post_is_written_is_rolled_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = account(PUBLISHED + timedelta(days=60))
    put = store.posts.put

    def rolled_meanwhile(posts: list[PostDocument]) -> int:
        rolled = {"workspaceId": "w", "accountId": "a", "period": "daily", "periodStart": DAY}
        store.rollups.accounts.insert_one({"_id": rollup_id("a", "daily", DAY), **rolled})
        return put(posts)

    monkeypatch.setattr(store.posts, "put", rolled_meanwhile)
    put_posts(store, late, [post()], {})
    assert marked(store) == [[DAY], [], []]
