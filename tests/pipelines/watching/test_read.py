"""Reading watched accounts: what is stored is the truth, and a failing account never takes its neighbours with it."""

from datetime import timedelta

import pytest

from metrics.catalog import shown_of_others
from metrics.collection.appending import Entry, append_and_mark
from metrics.documents import Platform
from metrics.periods import HOUR
from metrics.platforms.registry import FACTS
from metrics.store import Store
from metrics.store.setup.namespaces import OWN, PUBLIC
from metrics.watching.lists import NewWatch, switch_platform, unwatch, watch
from pipelines.collect.posts import facts
from pipelines.platforms.public.registry import PUBLIC_PLATFORMS
from pipelines.watching import keep, look, members
from pipelines.watching.read import slot_at
from simulator import truth
from tests.pipelines.platforms.public.watching import TRUE_FIELDS
from tests.pipelines.watching.days import FIRST, NOW, SECOND, THIRD, Days, later

every = pytest.mark.parametrize("platform", PUBLIC_PLATFORMS)


def check_truth(days: Days, platform: Platform, index: int, watched_id: str) -> int:
    """Compare the stored values of an account with the truth of the simulator; return how many there were."""
    world, account = days.simulator.world, days.account(platform, index)
    instants = [NOW + timedelta(seconds=second) for second in range(30)]
    checked = 0
    for row in days.rows(watched_id):
        name = row["metadata"].get("platformPostId")
        post = world.post(platform, name) if name else None
        kind = ("account", None) if post is None else (post.metric_type, post.content_type)
        for metric, value in row["metrics"].items():
            offer = shown_of_others(platform, *kind)[metric]
            parts = [TRUE_FIELDS.get((platform, part), part) for part in offer.parts]
            if post is None:
                possible = {truth.account_value(world, account, parts[0], at) for at in instants}
            else:
                possible = {sum(truth.post_value(world, post, part, at) for part in parts) for at in instants}
            assert value in possible, (metric, name)
            checked += 1
    return checked


@every
def test_what_is_stored_is_the_truth_and_stands_apart_from_own_accounts(days: Days, platform: Platform) -> None:
    days.connect(platform)
    mine = days.watch(platform, FIRST)
    report = days.read(platform)
    assert (report.due, report.read, report.failed, report.skipped) == (1, 1, 0, 0), report
    assert check_truth(days, platform, FIRST, mine) >= 1
    rows = days.rows(mine)
    assert {row["timestamp"] for row in rows} == {slot_at(NOW)}
    assert {row["metadata"]["source"] for row in rows} == {"public"}
    assert days.store.db[OWN.log].count_documents({}) == 0
    watched = days.watched(mine)
    assert (watched["state"], watched["lookedAt"], "stateReason" in watched) == ("active", NOW, False)
    (record,) = days.records(mine)
    assert (record["state"], record["observations"], record["slot"]) == ("collected", len(rows), slot_at(NOW))
    posts = list(days.store.db[PUBLIC.posts].find({"accountId": mine}))
    assert bool(posts) == bool(FACTS[platform].public_numbers.posts)  # type: ignore[union-attr]
    assert all(post["seenAt"] == NOW and "content" not in post for post in posts)
    assert days.store.public.marks.pending("daily"), "the roll-up follows"


@every
def test_account_is_read_once_a_day(days: Days, platform: Platform) -> None:
    days.connect(platform)
    mine = days.watch(platform, FIRST)
    days.read(platform)
    assert days.read(platform, NOW + 5 * HOUR).due == 0
    assert days.read(platform, later(1)).read == 1
    assert len(days.records(mine)) == 2


@every
def test_account_that_is_gone_leaves_its_neighbours_exact(days: Days, platform: Platform) -> None:
    days.connect(platform)
    first, gone, third = (days.watch(platform, index) for index in (FIRST, SECOND, THIRD))
    days.simulator.set_faults({"kind": "deleted", "account": days.account(platform, SECOND).platform_account_id})
    report = days.read(platform)
    assert (report.read, dict(report.refused)) == (2, {"not_found": 1})
    assert check_truth(days, platform, FIRST, first)
    assert check_truth(days, platform, THIRD, third)
    assert days.watched(gone)["state"] == "not_found"
    assert [record["state"] for record in days.records(gone)] == ["skipped"]
    days.simulator.set_faults()
    assert days.read(platform, later(0.1)).due == 0, "it is not asked for again and again"
    assert days.read(platform, later(1)).read == 3
    assert days.watched(gone)["state"] == "active"


@every
@pytest.mark.parametrize("kind", ["error", "html", "cut", "app_limit"])
def test_platform_that_fails_is_told_and_read_when_it_answers_again(days: Days, platform: Platform, kind: str) -> None:
    days.connect(platform)
    mine = days.watch(platform, FIRST)
    days.simulator.set_faults({"kind": kind})
    report = days.read(platform)
    assert report.read == 0
    assert report.skipped + report.failed == 1
    watched = days.watched(mine)
    assert watched["state"] == "pending"
    assert "lookedAt" not in watched
    assert watched["stateReason"].startswith(f"It was not read at {NOW:%Y-%m-%d %H:%M} UTC: ")
    days.simulator.set_faults()
    days.redis.flushall()  # A pause ends by the clock of this machine.
    assert days.read(platform, later(1)).read == 1
    assert "stateReason" not in days.watched(mine)


def test_unforeseen_error_of_one_account_is_recorded_by_its_place(days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = days.watch("bluesky", FIRST), days.watch("bluesky", SECOND)
    broken = second

    def store_posts(public: object, account: dict[str, str], *more: object, **named: object) -> object:
        if account["_id"] == broken:
            raise KeyError("a secret name")
        return facts.store_posts(public, account, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(keep, "store_posts", store_posts)
    report = days.read("bluesky")
    assert (report.read, report.failed) == (1, 1)
    assert check_truth(days, "bluesky", FIRST, first)
    (record,) = days.records(second)
    assert (record["state"], record["reason"]) == ("failed", "internal_error")
    assert record["message"].startswith("KeyError at pipelines/watching/")
    assert "secret" not in str(days.watched(second)) + str(record)


def test_account_that_is_removed_while_it_is_read_leaves_nothing(days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, kept = days.watch("bluesky", FIRST), days.watch("bluesky", SECOND)

    def append(public: Store, entries: list[Entry]) -> None:
        append_and_mark(public, entries)
        if entries[0].record and entries[0].record["accountId"] == gone:
            unwatch(days.store, "w", "bluesky", days.name_of("bluesky", FIRST))

    monkeypatch.setattr(keep, "append_and_mark", append)
    report = days.read("bluesky")
    assert (report.read, report.ended) == (1, 1)
    assert (days.rows(gone), days.records(gone)) == ([], [])
    assert days.store.memories.of(gone) == {}
    assert not list(days.store.db[PUBLIC.posts].find({"accountId": gone}))
    assert check_truth(days, "bluesky", SECOND, kept)


def test_platform_that_is_switched_off_while_it_is_read_stores_nothing(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = days.watch("bluesky", FIRST)

    def group_of(*arguments: object) -> object:
        switch_platform(days.store, "w", "bluesky", NOW, on=False)
        return members.group_of(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(look, "group_of", group_of)
    assert (days.read("bluesky").ended, days.rows(mine)) == (1, [])
    assert days.watched(mine)["state"] == "off"


def test_numbers_that_a_person_entered_are_not_overwritten(days: Days) -> None:
    mine = days.watch("bluesky", FIRST)
    days.store.watch_lists.change(days.watched(mine), {"source": "manual"})
    assert days.read("bluesky").due == 0
    assert days.rows(mine) == []


def test_same_account_under_two_names_is_read_once(days: Days) -> None:
    by_id = days.watch("youtube", FIRST)
    handle = f"@{days.account('youtube', FIRST).handle}"
    by_name = watch(days.store, "w", NewWatch("youtube", handle), NOW, 100).document["_id"]
    report = days.read("youtube")
    assert (report.read, dict(report.refused)) == (1, {"off": 1})
    states = {days.watched(one)["state"]: bool(days.rows(one)) for one in (by_id, by_name)}
    assert states == {"active": True, "off": False}


def test_all_counts_at_0_are_kept_out(days: Days) -> None:
    mine = days.watch("bluesky", FIRST)
    days.read("bluesky")
    days.simulator.set_faults({"kind": "all_zeros"})
    days.read("bluesky", later(1))
    rows = days.rows(mine, timestamp=slot_at(later(1)))
    assert rows
    assert not any(row["metrics"] for row in rows)
    assert days.records(mine)[-1]["problems"][0]["what"] == "counts"
