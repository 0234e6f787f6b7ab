"""Roll marks: a marked period is rolled up again, also if it is marked during its roll-up."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

from metrics.clock import utcnow
from metrics.settings import Settings
from metrics.store import Store

DAY, NEXT = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)


def test_pending_names_periods_and_workspaces_in_order(store: Store) -> None:
    store.marks.touch([("w2", "daily", NEXT), ("w1", "daily", NEXT), ("w1", "daily", DAY), ("w1", "weekly", DAY)])
    assert [(p.start, p.workspaces) for p in store.marks.pending("daily")] == [(DAY, ("w1",)), (NEXT, ("w1", "w2"))]


def test_settling_clears_what_was_claimed(store: Store) -> None:
    store.marks.touch([("w", "daily", DAY)])
    store.marks.settle(store.marks.claim("daily", [DAY]))
    assert store.marks.pending("daily") == []


def test_mark_made_between_claim_and_settling_stays(store: Store) -> None:
    store.marks.touch([("w", "daily", DAY)])
    claims = store.marks.claim("daily", [DAY])
    store.marks.touch([("w", "daily", DAY)])
    store.marks.settle(claims)
    assert [p.start for p in store.marks.pending("daily")] == [DAY]


def test_claim_of_one_workspace_leaves_the_others(store: Store) -> None:
    store.marks.touch([("w1", "daily", DAY), ("w2", "daily", DAY)])
    store.marks.settle(store.marks.claim("daily", [DAY], ["w1"]))
    assert [p.workspaces for p in store.marks.pending("daily")] == [("w2",)]


def test_touching_again_changes_what_is_pending(store: Store) -> None:
    store.marks.touch([("w", "daily", DAY)])
    (before,) = store.marks.pending("daily")
    store.marks.touch([("w", "daily", DAY)])
    (after,) = store.marks.pending("daily")
    assert after.touched > before.touched


def test_marks_made_at_once_are_all_counted(store: Store) -> None:
    days, together = [DAY + timedelta(days=n) for n in range(100)], Barrier(4, timeout=60)

    store.marks.touch(("w", "daily", day) for day in days)
    before = {day: store.marks.touched(["w"], "daily", day)["w"] for day in days}

    def touch_all() -> None:
        for day in days:
            together.wait()
            store.marks.touch([("w", "daily", day)])

    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(touch_all) for _ in range(4)]
        assert [one.exception() for one in done] == [None] * 4
    assert [store.marks.touched(["w"], "daily", day)["w"] - first for day, first in before.items()] == [4] * 100


def test_mark_waits_since_it_was_made_whatever_is_marked_later(store: Store) -> None:
    before = utcnow()
    store.marks.touch([("w", "daily", DAY)])
    (first,) = store.marks.pending("daily")
    store.marks.touch([("w", "daily", DAY)])
    assert store.marks.pending("daily")[0].since == first.since
    assert first.since["w"] >= before - timedelta(milliseconds=1)


def test_mark_that_was_touched_during_a_roll_waits_since_the_roll_began(store: Store) -> None:
    store.marks.touch([("w", "daily", DAY)])
    (first,) = store.marks.pending("daily")
    claims = store.marks.claim("daily", [DAY])
    store.marks.touch([("w", "daily", DAY)])
    store.marks.settle(claims)
    assert store.marks.pending("daily")[0].since["w"] > first.since["w"]
    store.marks.settle(store.marks.claim("daily", [DAY]))
    store.marks.touch([("w", "daily", DAY)])
    assert store.marks.pending("daily")[0].since["w"] > claims[0].claimed


def test_mark_expires_once_it_is_settled_and_not_before(store: Store) -> None:
    expiry = store.db["roll_marks"].index_information()["expire"]
    assert expiry["expireAfterSeconds"] > timedelta(days=31).total_seconds()
    store.marks.touch([("w", "daily", DAY)])
    claims = store.marks.claim("daily", [DAY])
    store.marks.touch([("w", "daily", DAY)])
    store.marks.settle(claims)
    marks = store.db["roll_marks"]
    assert marks.count_documents({"settledAt": {"$exists": True}}) == 0, "a mark that was made during a roll-up stays"
    store.marks.settle(store.marks.claim("daily", [DAY]))
    assert marks.count_documents({"settledAt": {"$exists": True}}) == 1
    store.marks.touch([("w", "daily", DAY)])
    assert marks.count_documents({"settledAt": {"$exists": True}}) == 0


def test_mark_that_expired_is_followed_by_a_higher_one(store: Store) -> None:
    for _ in range(3):
        store.marks.touch([("w", "daily", DAY)])
    old = store.marks.touched(["w"], "daily", DAY)["w"]
    store.db["roll_marks"].update_many({}, {"$inc": {"touched": -int(timedelta(days=40).total_seconds() * 1000)}})
    old = store.marks.touched(["w"], "daily", DAY)["w"]
    store.db["roll_marks"].delete_many({})
    assert store.marks.touched(["w"], "daily", DAY)["w"] > old
    unmarked = store.marks.touched(["w"], "daily", DAY)["w"]
    store.marks.touch([("w", "daily", DAY)])
    assert store.marks.touched(["w"], "daily", DAY)["w"] > unmarked


def test_settled_marks_of_older_versions_expire_as_well(store: Store, settings: Settings) -> None:
    old = {"workspaceId": "w", "period": "daily", "periodStart": DAY, "touched": 3, "touchedAt": DAY}
    store.db["roll_marks"].drop_index("expire")
    store.db["roll_marks"].insert_many([{**old, "_id": "x", "dirty": False}, {**old, "_id": "y", "dirty": True}])
    store.ensure(settings)
    assert [one["_id"] for one in store.db["roll_marks"].find({"settledAt": {"$exists": True}})] == ["x"]
