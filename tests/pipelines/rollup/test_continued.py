"""A day that is rolled hour by hour, reading what changed, is the day that is read whole."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.documents import Document, Observation
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.publications import put_posts
from pipelines.collect.appending import append
from pipelines.rollup import roll
from pipelines.rollup.states import STATE
from pipelines.rollup.write import STAMPS
from tests.pipelines.rollup.test_laws import few
from tests.pipelines.rollup.test_roll import DAY, account, at, entry, seen
from tests.pipelines.rollup.worlds import POST_METRICS, World, worlds

HOUR = timedelta(hours=1)
ACCOUNT_METRICS = ("followers", "following", "reach", "profileViews")


def documents(store: Store, world: World, day: datetime) -> dict[str, Document]:
    query = {"workspaceId": world.workspace_id, "period": "daily", "periodStart": day}
    return {
        f"{name}:{row['_id']}": {key: value for key, value in row.items() if key not in STAMPS}
        for name, rows in (("s", store.rollups.subjects), ("a", store.rollups.accounts))
        for row in rows.find(query)
    }


@st.composite
def hours(draw: st.DrawFn, world: World, now: datetime, serial: int) -> list[Observation]:
    """What is said in an hour: of the slot that ended, now and then of others, of the day before too, or once more."""
    found = []
    for _ in range(draw(st.integers(0, 6))):
        post = draw(st.sampled_from([None, *world.posts]))
        owner = next((a for a in world.accounts if post and a["_id"] == post["accountId"]), world.accounts[0])
        back = draw(st.sampled_from([0, 1, 1, 1, 1, 2, 3, 9, 26]))
        names = draw(st.sets(st.sampled_from(POST_METRICS if post else ACCOUNT_METRICS), min_size=1, max_size=4))
        values: dict[str, Any] = {name: draw(st.integers(0, 40)) for name in sorted(names)}
        if draw(st.integers(0, 9)) == 0:
            values |= {min(names): "many"}
        slot = now.replace(minute=0) - back * HOUR
        found.append(
            Observation(
                owner["workspaceId"],
                owner["_id"],
                owner["platform"],
                post["metricType"] if post else "account",
                slot,
                now + timedelta(seconds=serial + len(found)),
                values,
                "r",
                "v1",
                {},
                post["_id"] if post else None,
                post["platformPostId"] if post else None,
                draw(st.sampled_from(["image", "video"])) if post else None,
            )
        )
    return found


@given(worlds(), st.data())
@few
def test_day_rolled_by_what_changed_equals_the_day_read_whole(store: Store, world: World, data: st.DataObject) -> None:
    day = world.base + timedelta(days=1)
    store.accounts.put(world.accounts)
    late = [post for post in world.posts if data.draw(st.booleans())]
    store.posts.put([post for post in world.posts if post not in late])
    whole = replace(store, prefix=f"whole_{uuid4().hex[:6]}_")
    now, serial = day + timedelta(minutes=5), 0
    for _ in range(data.draw(st.integers(2, 8))):
        now += data.draw(st.sampled_from([0, 1, 1, 1, 2, 5])) * HOUR
        said = data.draw(hours(world, now, serial))
        serial += len(said)
        if late and data.draw(st.booleans()):
            post = late.pop()
            put_posts(store, next(a for a in world.accounts if a["_id"] == post["accountId"]), [post], {})
        append(store, world.workspace_id, said)
        for mark in store.marks.pending("daily"):
            if world.workspace_id in mark.workspaces and mark.start <= now:
                scope = {"workspace_ids": [world.workspace_id], "now": now, "run_id": "r"}
                roll(store, "daily", [mark.start], changes_only=True, **scope)
                roll(whole, "daily", [mark.start], **scope)
                assert documents(store, world, mark.start) == documents(whole, world, mark.start)


def test_roll_of_an_hour_continues_from_the_state_and_reads_the_slots_since(store: Store, settings: Settings) -> None:
    account(store, settings)
    for hour in range(3):
        append(store, "w", [seen(at(hour), followers=10 + hour)])
        roll(store, "daily", [DAY], run_id="r", now=at(hour + 1) + HOUR / 12, changes_only=True)
    found = store.rollups.subjects.find_one({"subjectId": "a"})
    assert found is not None
    assert (found[STATE]["at"], found[STATE]["metrics"]["followers"]["samples"]) == (at(2), 2)
    # The state is what counts of the slots before it.
    store.rollups.subjects.update_many({}, {"$set": {f"{STATE}.metrics.followers.samples": 50}})
    append(store, "w", [seen(at(3), followers=20)])
    roll(store, "daily", [DAY], run_id="r", now=at(4) + HOUR / 12, changes_only=True)
    assert (entry(store, "a", "followers") or {})["samples"] == 52
    # What came late is read with the whole day, which leaves a right state behind.
    append(store, "w", [seen(at(1), followers=3, late=5)])
    roll(store, "daily", [DAY], run_id="r", now=at(4) + HOUR / 12, changes_only=True)
    assert (entry(store, "a", "followers") or {})["samples"] == 4
    assert (entry(store, "a", "followers") or {})["min"] == 3


def test_day_that_has_ended_keeps_no_state(store: Store, settings: Settings) -> None:
    account(store, settings)
    for hour in (21, 22, 23):
        append(store, "w", [seen(at(hour), followers=5)])
        roll(store, "daily", [DAY], run_id="r", now=at(hour + 1) + HOUR / 12, changes_only=True)
    assert store.rollups.subjects.count_documents({STATE: {"$exists": True}}) == 0
    assert (entry(store, "a", "followers") or {})["samples"] == 3


@pytest.mark.parametrize("field", ["version", "at"])
def test_state_of_another_version_is_not_continued(store: Store, settings: Settings, field: str) -> None:
    account(store, settings)
    for hour in range(4):
        append(store, "w", [seen(at(hour), followers=5)])
        roll(store, "daily", [DAY], run_id="r", now=at(hour + 1) + HOUR / 12, changes_only=True)
        odd = {f"{STATE}.metrics.followers.samples": 50}
        change: dict[str, Any] = (
            {"$set": odd, "$unset": {f"{STATE}.at": ""}}
            if field == "at"
            else {"$set": odd | {f"{STATE}.version": "another"}}
        )
        store.rollups.subjects.update_many({STATE: {"$exists": True}}, change)
    assert (entry(store, "a", "followers") or {})["samples"] == 4
