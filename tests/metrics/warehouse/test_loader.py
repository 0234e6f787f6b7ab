"""After any history of late data, erasures and loads, a warehouse has what MongoDB answers, each key once."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from redis import Redis

from metrics.aggregation.totals import add_up
from metrics.documents import AccountDocument, AggregatedDocument, Observation
from metrics.periods import DAY, midnight
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.workspace.warehouses import WarehouseDocument
from metrics.store.workspace_settings import Days
from metrics.upkeep.erase.extent import filters_of
from metrics.warehouse.destinations.sql import SqlDestination
from metrics.warehouse.forget import forget
from metrics.warehouse.loader import Loader, LoadReport, opened
from metrics.warehouse.marking import mark_days, mark_stored
from metrics.warehouse.table import snake_case
from metrics.warehouse.tables import FACTS, TABLES
from tests.examples import tried
from tests.metrics.warehouse.destinations import NOON
from tests.pipelines.rollup.worlds import World, account, worlds

without_shrinking = hypothesis_settings(tried(2, nightly=300), phases=(Phase.explicit, Phase.generate))
"""An example takes a second, and hundreds would be tried to find a smaller one."""
ALL_TIME = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


@pytest.fixture
def forever(settings: Settings) -> Settings:
    return settings.model_copy(update={"retention_days": 20_000, "rollup_retention_days": 20_000})


def add(store: Store, folder: Path, name: str = "main", workspace_id: str | None = None) -> WarehouseDocument:
    found: WarehouseDocument = {
        "_id": name, "kind": "duckdb", "options": {"path": str(folder / f"{name}.duckdb")}, "createdAt": NOON,
        "createdBy": "test",
    }  # fmt: skip
    if workspace_id is not None:
        found["workspaceId"] = workspace_id
    store.warehouses.put(found)
    return found


def load_marked(store: Store, settings: Settings, redis: Redis, warehouse: WarehouseDocument) -> LoadReport:
    name = warehouse["_id"]
    with opened(warehouse, settings, redis) as destination:
        marks = store.warehouse_marks(name).pending(ALL_TIME[1])
        return Loader(store, settings, destination, name, "r").load(marks)


def table(destination: SqlDestination, name: str) -> list[dict[str, Any]]:
    """Return the rows of a table, with the instants as the driver returns them."""
    names = [field.name for one in TABLES if one.name == name for field in one.fields]
    with destination._transaction():
        return [
            dict(zip(names, row, strict=True)) for row in destination._fetch(f"SELECT {', '.join(names)} FROM {name}")
        ]


def check_keys(destination: SqlDestination) -> None:
    for one in TABLES:
        keys = [tuple(row[name] for name in one.key) for row in table(destination, one.name)]
        assert len(keys) == len(set(keys)), one.name


def check_account_days(store: Store, destination: SqlDestination, *workspace_ids: str) -> None:
    """Compare the days of accounts with the rollups that the API answers with, number by number."""
    there = {(row["account_id"], row["period_start"]): row for row in table(destination, "fct_account_day")}
    here = [one for each in workspace_ids for one in store.rollups.aggregated(each, "daily", *ALL_TIME)]
    assert set(there) == {(one["accountId"], one["periodStart"]) for one in here}
    for one in here:
        row = there[one["accountId"], one["periodStart"]]
        assert row["expected_slots"] == one["coverage"]["expectedSlots"]
        for name, value in one["aggregatedMetrics"].items():
            if isinstance(value, int | float):
                assert row[snake_case(name)] == value, name
        for name in one["unavailable"]:
            assert row.get(snake_case(name)) is None, name


def check_observations(store: Store, destination: SqlDestination, world: World) -> None:
    there = {(row["subject_id"], row["slot"]): row for row in table(destination, "fct_observation")}
    # A day that has not begun is not rolled up, and so it is not loaded.
    begun = midnight(world.now.date()) + DAY
    here = list(store.observations.stream({"workspaceId": world.workspace_id}, world.base - 30 * DAY, begun))
    assert len(there) == len(here)
    for one in here:
        metadata = one["metadata"]
        row = there[metadata.get("postId", metadata["accountId"]), one["timestamp"]]
        # A value that fits no column, as `followers: "many"`, is kept beside the columns.
        other = json.loads(row["other_metrics"] or "{}")
        there_too = {name: other[name] if name in other else row[snake_case(name)] for name in one["metrics"]}
        assert there_too == one["metrics"]


def check_post_days(store: Store, destination: SqlDestination, workspace_id: str) -> None:
    there = {(row["post_id"], row["date"]): row for row in table(destination, "fct_post_day")}
    here = list(store.rollups.stream_posts(workspace_id, "daily", *ALL_TIME))
    assert set(there) == {(one["postId"], one["periodStart"].date()) for one in here}
    for one in here:
        row = there[one["postId"], one["periodStart"].date()]
        for name, entry in one["metrics"].items():
            if "net" in entry:
                column = snake_case(name)
                assert (row[f"{column}_open"], row[f"{column}_close"]) == (entry["open"], entry["close"])
                assert (row[f"{column}_net"], row[f"{column}_baseline"]) == (entry["net"], entry.get("baseline", False))


def check_accounts(store: Store, destination: SqlDestination, workspace_ids: Sequence[str]) -> None:
    there = [(row["workspace_id"], row["account_id"], row["handle"]) for row in table(destination, "dim_account")]
    here = [one for each in workspace_ids for one in store.accounts.find(workspace_id=each)]
    assert sorted(there) == sorted((one["workspaceId"], one["_id"], one["handle"]) for one in here)


def check_posts(store: Store, destination: SqlDestination, world: World) -> None:
    there = {row["post_id"]: row["deleted_at"] for row in table(destination, "dim_post")}
    assert there == {one["_id"]: one.get("deletedAt") for one in store.posts.stream(world.workspace_id)}


def check_pooled(store: Store, destination: SqlDestination, workspace_id: str) -> None:
    """Compare the days of platforms with the totals that the API makes of the same accounts."""
    of: dict[tuple[datetime, str], list[AggregatedDocument]] = defaultdict(list)
    for one in store.rollups.aggregated(workspace_id, "daily", *ALL_TIME):
        of[one["periodStart"], one["platform"]].append(one)
    names = ("totalLikes", "totalEngagement", "followers", "profileViews", "engagementRate")
    with destination._transaction():
        rows = destination._fetch(
            f"SELECT date, platform, accounts, {', '.join(map(snake_case, names))} FROM account_day_pooled "
            "WHERE workspace_id = ?",
            (workspace_id,),
        )
    there = {(day, platform): (accounts, *numbers) for day, platform, accounts, *numbers in rows}
    here = {
        (start.date(), platform): (len(found), *(add_up(found)[0].get(name) for name in names))
        for (start, platform), found in of.items()
    }
    assert compared(there) == compared(here)


def compared(rows: dict[Any, tuple[Any, ...]]) -> dict[Any, tuple[Any, ...]]:
    """Return rows with their rates rounded: they are computed in another order."""
    return {key: (*row[:-1], None if row[-1] is None else round(row[-1], 9)) for key, row in rows.items()}


def erase(store: Store, settings: Settings, redis: Redis, one: AccountDocument) -> None:
    """Erase an account from MongoDB and the warehouses, as `tidemark erase` does."""
    for name, query in filters_of("account", one["_id"]).items():
        store.deletion.delete(name, query)
    forget(store, settings, redis, one["workspaceId"], [one["_id"]], 5.0)


def moved(world: World, one: AccountDocument) -> World:
    """Return a workspace to which an account moved: it has a new id there, and new numbers."""
    there = f"{world.workspace_id}-new"
    account_id = f"{one['_id']}-new"
    at = world.base + DAY
    numbers = Observation(there, account_id, one["platform"], "account", at, at, {"followers": 5}, "r", "v")
    connected: AccountDocument = {**one, "_id": account_id, "workspaceId": there}
    return replace(world, workspace_id=there, accounts=[connected], posts=[], observations=[numbers])


CHANGES = ("late", "late", "load", "rename", "delete a post", "erase", "move")


@given(worlds(8), st.lists(st.sampled_from(CHANGES), min_size=2, max_size=6), st.data())
@without_shrinking
def test_renamed_erased_and_moved_accounts_are_there_once_or_not_at_all(
    store: Store, forever: Settings, redis_client: Redis, world: World, changes: list[str], data: st.DataObject
) -> None:
    with TemporaryDirectory() as folder:
        warehouse, everywhere = add(store, Path(folder)), [world]

        def load() -> None:
            for one in everywhere:
                one.roll_marked(store)
            load_marked(store, forever, redis_client, warehouse)

        late = [one for one in world.observations if data.draw(st.booleans(), label="late")]
        world.write(store, [one for one in world.observations if one not in late])
        load()
        for change in changes:
            here = store.accounts.find(workspace_id=world.workspace_id)
            chosen = data.draw(st.sampled_from(here), label=change) if here else None
            if change == "late" and late:
                world.append(store, [one for one in late[:1] if one.account_id in {each["_id"] for each in here}])
                del late[0]
            elif change == "load":
                load()
            elif change == "delete a post" and chosen:
                posts = [one["_id"] for one in world.posts if one["accountId"] == chosen["_id"]]
                store.posts.mark_deleted(posts[:1], NOON)
            elif change == "rename" and chosen:
                store.accounts.put([{**chosen, "handle": f"{chosen['handle']}-renamed"}])
            elif change in ("erase", "move") and chosen:
                erase(store, forever, redis_client, chosen)
                if change == "move" and len(everywhere) == 1:
                    everywhere.append(moved(world, chosen))
                    everywhere[1].write(store)
        workspace_ids = [one.workspace_id for one in everywhere]
        # A load that brings the dimensions, also of a workspace without marks.
        store.warehouse_marks("main").touch(workspace_ids, midnight(world.base.date()))
        load()
        with opened(warehouse, forever, redis_client) as destination:
            assert isinstance(destination, SqlDestination)
            check_keys(destination)
            check_accounts(store, destination, workspace_ids)
            check_account_days(store, destination, *workspace_ids)
            check_posts(store, destination, world)
            check_pooled(store, destination, world.workspace_id)
            check_post_days(store, destination, world.workspace_id)


@given(worlds(10), st.data())
@without_shrinking
def test_late_data_and_erasures_arrive_and_nothing_is_there_twice(
    store: Store, forever: Settings, redis_client: Redis, world: World, data: st.DataObject
) -> None:
    with TemporaryDirectory() as folder:
        warehouse = add(store, Path(folder))
        arrived = list(world.observations)
        cut = data.draw(st.integers(0, len(arrived)), label="observations that come at once")
        world.write(store, arrived[:cut])
        world.roll_all(store)
        world.roll_marked(store)
        load_marked(store, forever, redis_client, warehouse)
        for one in arrived[cut:]:
            world.append(store, [one])
            if data.draw(st.booleans(), label="loaded in between"):
                world.roll_marked(store)
                load_marked(store, forever, redis_client, warehouse)
        world.roll_marked(store)
        load_marked(store, forever, redis_client, warehouse)
        with opened(warehouse, forever, redis_client) as destination:
            assert isinstance(destination, SqlDestination)
            check_keys(destination)
            check_account_days(store, destination, world.workspace_id)
            check_observations(store, destination, world)
            check_post_days(store, destination, world.workspace_id)
            loader = Loader(store, forever, destination, "main", "r")
            for day in {one.day for one in destination.loaded()}:
                assert loader.differences(world.workspace_id, day) == []


@pytest.fixture
def world(store: Store) -> World:
    connected = datetime(2026, 1, 1, tzinfo=UTC)
    return World("w", [account("a1", "w", "instagram", connected)], [], [], connected, NOON)


def observe(store: Store, world: World, at: datetime, followers: int) -> None:
    world.append(store, [Observation("w", "a1", "instagram", "account", at, at, {"followers": followers}, "r", "v")])


def loaded_followers(warehouse: WarehouseDocument, settings: Settings, redis: Redis, day: date) -> list[int | None]:
    with opened(warehouse, settings, redis) as destination:
        assert isinstance(destination, SqlDestination)
        return [row["followers"] for row in table(destination, "fct_account_day") if row["date"] == day]


def test_a_warehouse_that_was_away_catches_up(
    store: Store, forever: Settings, redis_client: Redis, world: World, tmp_path: Path
) -> None:
    near, far = add(store, tmp_path, "near"), add(store, tmp_path, "far")
    world.write(store, [])
    for day, followers in ((10, 1), (11, 2), (12, 3)):
        observe(store, world, datetime(2026, 1, day, 5, tzinfo=UTC), followers)
        world.roll_marked(store)
        load_marked(store, forever, redis_client, near)
    assert store.warehouse_marks("near").count() == 0
    assert store.warehouse_marks("far").count() > 0
    load_marked(store, forever, redis_client, far)
    for warehouse in (near, far):
        assert loaded_followers(warehouse, forever, redis_client, date(2026, 1, 12)) == [3]


def test_a_day_that_changes_while_it_is_loaded_stays_marked(
    store: Store, forever: Settings, redis_client: Redis, world: World, tmp_path: Path
) -> None:
    warehouse = add(store, tmp_path)
    world.write(store, [])
    at = datetime(2026, 1, 10, 5, tzinfo=UTC)
    observe(store, world, at, 1)
    world.roll_marked(store)
    marks = store.warehouse_marks("main").pending(ALL_TIME[1])
    observe(store, world, at.replace(hour=6), 2)
    world.roll_marked(store)
    with opened(warehouse, forever, redis_client) as destination:
        Loader(store, forever, destination, "main", "r").load(marks)
    assert {one.day for one in store.warehouse_marks("main").pending(ALL_TIME[1])} >= {
        datetime(2026, 1, 10, tzinfo=UTC)
    }


def test_only_the_workspace_of_a_warehouse_is_loaded(store: Store, world: World, tmp_path: Path) -> None:
    add(store, tmp_path, "mine", "w")
    add(store, tmp_path, "others", "x")
    world.write(store, [])
    observe(store, world, datetime(2026, 1, 10, 5, tzinfo=UTC), 1)
    world.roll_marked(store)
    assert store.warehouse_marks("mine").count() > 0
    assert store.warehouse_marks("others").count() == 0


def test_days_that_mongodb_no_longer_has_stay_in_the_warehouse(
    store: Store, forever: Settings, redis_client: Redis, world: World, tmp_path: Path
) -> None:
    warehouse = add(store, tmp_path)
    world.write(store, [])
    observe(store, world, datetime(2026, 1, 10, 5, tzinfo=UTC), 4)
    world.roll_marked(store)
    load_marked(store, forever, redis_client, warehouse)
    mark_days(store, warehouse, [datetime(2026, 1, 10, tzinfo=UTC)])
    store.retention.set("w", Days(observations=40, rollups=40))
    assert load_marked(store, forever, redis_client, warehouse).kept == len(FACTS)
    assert loaded_followers(warehouse, forever, redis_client, date(2026, 1, 10)) == [4]


def test_a_new_warehouse_gets_all_days_that_have_rollups(store: Store, world: World, tmp_path: Path) -> None:
    world.write(store, [])
    for day in (3, 5):
        observe(store, world, datetime(2026, 1, day, 5, tzinfo=UTC), day)
    world.roll_marked(store)
    warehouse = add(store, tmp_path)
    days = len(store.rollups.starts("w", "daily"))
    assert mark_stored(store, warehouse) == days >= 2
    store.warehouse_marks("main").clear()
    assert mark_stored(store, warehouse, date(2026, 1, 4), date(2026, 1, 5)) in (1, 2)


def test_a_value_that_somebody_changed_in_the_warehouse_is_a_difference(
    store: Store, forever: Settings, redis_client: Redis, world: World, tmp_path: Path
) -> None:
    warehouse = add(store, tmp_path)
    world.write(store, [])
    observe(store, world, datetime(2026, 1, 10, 5, tzinfo=UTC), 4)
    world.roll_marked(store)
    load_marked(store, forever, redis_client, warehouse)
    with opened(warehouse, forever, redis_client) as destination:
        assert isinstance(destination, SqlDestination)
        loader = Loader(store, forever, destination, "main", "r")
        assert loader.differences("w", date(2026, 1, 10)) == []
        destination._execute("UPDATE fct_account_day SET followers = 5 WHERE date = DATE '2026-01-10'")
        (found,) = loader.differences("w", date(2026, 1, 10))
    assert str(found).startswith("fct_account_day of w on 2026-01-10: 1 rows were loaded, the warehouse has")
