"""Connected accounts are watched by themselves, through the same route as all others, and a person can end that."""

import pytest
from redis import Redis

from metrics.documents import Platform, WatchedDocument
from metrics.store.setup.namespaces import PUBLIC
from metrics.watching.lists import NewWatch, switch_platform, unwatch, watch
from metrics.watching.own import DISCONNECTED
from pipelines.platforms.public.registry import PUBLIC_PLATFORMS
from tests.erasing import erased
from tests.pipelines.watching.days import FIRST, LENDER, NOW, Days, later
from tests.pipelines.watching.test_read import check_truth

every = pytest.mark.parametrize("platform", PUBLIC_PLATFORMS)


def connected(days: Days, platform: Platform) -> str:
    return days.connect(platform, unwatched=False)["_id"]


def own(days: Days, account_id: str) -> WatchedDocument:
    found = days.store.watch_lists.of_own(account_id)
    assert found is not None
    return found


@every
def test_connected_account_is_read_as_the_others_and_does_not_count_for_the_limit(
    days: Days, platform: Platform
) -> None:
    account_id = connected(days, platform)
    assert days.read(platform).read == 1
    mine = own(days, account_id)
    assert (mine["state"], mine["source"]) == ("active", "public")
    assert check_truth(days, platform, LENDER, mine["_id"])
    assert days.store.watch_lists.count_of_others("w") == 0
    assert days.read(platform, later(1)).due == 1, "it is added once"


def test_account_that_a_person_watches_already_becomes_the_own_one(days: Days) -> None:
    handle = f"@{days.account('youtube', LENDER).handle}"
    known = watch(days.store, "w", NewWatch("youtube", handle, label="We"), NOW, 9).document
    account_id = connected(days, "youtube")
    assert days.read("youtube").due == 1
    assert (own(days, account_id)["_id"], own(days, account_id).get("label")) == (known["_id"], "We")


def test_removed_own_account_stays_removed_until_it_is_added_again(days: Days) -> None:
    account_id = connected(days, "bluesky")
    days.read("bluesky")
    unwatch(days.store, "w", "bluesky", own(days, account_id)["key"])
    assert days.read("bluesky", later(1)).due == 0
    assert days.store.watch_lists.of_own(account_id) is None
    watch(days.store, "w", NewWatch("bluesky", days.name_of("bluesky", LENDER), own=account_id), later(1), 9)
    unwatched = days.store.accounts.get(account_id).get("unwatched")
    assert (unwatched, days.read("bluesky", later(2)).read) == (None, 1)


def test_platform_that_is_switched_off_takes_no_own_account(days: Days) -> None:
    account_id = connected(days, "bluesky")
    switch_platform(days.store, "w", "bluesky", NOW, on=False)
    assert days.read("bluesky").due == 0
    assert days.store.watch_lists.of_own(account_id) is None
    switch_platform(days.store, "w", "bluesky", NOW, on=True)
    assert days.read("bluesky", later(1)).read == 1


def test_disconnecting_ends_the_reading_and_connecting_again_resumes_it(days: Days) -> None:
    account_id = connected(days, "bluesky")
    days.read("bluesky")
    days.store.accounts.disconnect(account_id, later(0.5))
    assert days.read("bluesky", later(1)).due == 0
    mine = own(days, account_id)
    assert (mine["state"], mine.get("stateReason")) == ("off", DISCONNECTED)
    assert days.rows(mine["_id"]), "what was read stays"
    assert days.read("bluesky", later(2)).due == 0
    connected(days, "bluesky")
    assert days.read("bluesky", later(3)).read == 1
    assert own(days, account_id)["state"] == "active"


@pytest.mark.parametrize("platform", ["instagram", "bluesky"])
def test_erased_account_takes_its_public_numbers_with_it(days: Days, platform: Platform, redis_client: Redis) -> None:
    account_id = connected(days, platform)
    days.connect(platform, LENDER + 1)
    other = days.watch(platform, FIRST)
    days.read(platform)
    mine = own(days, account_id)["_id"]
    assert days.store.memories.of(mine)
    erased(days.store, redis_client, "account", account_id)
    assert (days.rows(mine), days.records(mine), days.store.memories.of(mine)) == ([], [], {})
    assert not list(days.store.db[PUBLIC.posts].find({"accountId": mine}))
    report = days.read(platform, later(1))
    assert (report.due, report.read) == (1, 1)
    assert days.rows(other)
