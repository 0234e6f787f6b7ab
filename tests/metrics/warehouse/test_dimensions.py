"""Dimensions: what accounts, posts, metrics and dates are, replaced as a whole with the days of a workspace."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from metrics.calendars import Calendar
from metrics.catalog import CATALOG, DEFINITION_VERSION
from metrics.documents import Observation, Platform, PostDocument
from metrics.periods import DAY as DAYS
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.workspace.warehouses import WarehouseDocument
from metrics.warehouse.arrow import batches
from metrics.warehouse.destination import Load
from metrics.warehouse.destinations.sql import SqlDestination
from metrics.warehouse.dimension_rows import Extent, dimension_rows
from metrics.warehouse.dimensions import DIM_CALENDAR, DIMENSIONS
from metrics.warehouse.forget import forget
from metrics.warehouse.loader import Loader, LoadReport, opened
from metrics.warehouse.marking import mark_days
from metrics.warehouse.table import WHOLE, Table
from metrics.warehouse.tables import TABLES
from tests.metrics.warehouse.destinations import NOON, Open, fingerprint
from tests.metrics.warehouse.test_loader import add, forever, load_marked, table
from tests.pipelines.rollup.worlds import World, account

__all__ = ["forever"]
CONNECTED = datetime(2026, 1, 1, tzinfo=UTC)
DAY = datetime(2026, 1, 10, tzinfo=UTC)


def post(name: str, platform: Platform = "instagram", owner: str = "a1") -> PostDocument:
    return {
        "_id": name, "workspaceId": "w", "accountId": owner, "platform": platform, "platformPostId": f"on-{platform}",
        "metricType": "post", "contentType": "image", "publishedAt": CONNECTED,
        "content": {"seenAt": NOON, "permalink": f"https://example.com/{name}", "captionExcerpt": "a secret"},
    }  # fmt: skip


@pytest.fixture
def warehouse(store: Store, forever: Settings, redis_client: Redis, tmp_path: Path) -> WarehouseDocument:
    accounts = [account("a1", "w", "instagram", CONNECTED), account("a2", "w", "twitter", CONNECTED)]
    world = World("w", accounts, [post("p1"), post("p2", "twitter", "a2")], [], CONNECTED, NOON)
    found = add(store, tmp_path)
    slot = DAY.replace(hour=5)
    world.write(store, [Observation("w", "a1", "instagram", "account", slot, slot, {"followers": 4}, "r", "v")])
    world.roll_marked(store)
    load_marked(store, forever, redis_client, found)
    return found


@pytest.fixture
def again(store: Store, forever: Settings, redis_client: Redis, warehouse: WarehouseDocument) -> Any:
    def loaded() -> LoadReport:
        mark_days(store, warehouse, [DAY])
        return load_marked(store, forever, redis_client, warehouse)

    return loaded


@pytest.fixture
def read(forever: Settings, redis_client: Redis, warehouse: WarehouseDocument) -> Any:
    def rows(name: str) -> list[dict[str, Any]]:
        with opened(warehouse, forever, redis_client) as destination:
            assert isinstance(destination, SqlDestination)
            return table(destination, name)

    return rows


def test_accounts_and_posts_are_as_mongodb_has_them_and_have_no_captions(read: Any) -> None:
    assert [(one["account_id"], one["handle"], one["state"], one["valid_from"]) for one in read("dim_account")] == [
        ("a1", "a1", "active", CONNECTED),
        ("a2", "a2", "active", CONNECTED),
    ]
    posts = sorted(read("dim_post"), key=lambda one: one["post_id"])
    # X limits how long content is kept.
    assert [(one["post_id"], one["permalink"]) for one in posts] == [("p1", "https://example.com/p1"), ("p2", None)]
    assert "a secret" not in str(posts)


def test_only_dimensions_that_changed_are_replaced(store: Store, again: Any, read: Any) -> None:
    assert again().dimensions == []
    store.accounts.put([{**store.accounts.get("a1"), "handle": "renamed", "state": "paused"}])
    store.posts.mark_deleted(["p1"], NOON)
    assert {one.dataset for one in again().dimensions} == {"dim_account", "dim_post"}
    assert {(one["handle"], one["state"]) for one in read("dim_account")} == {("renamed", "paused"), ("a2", "active")}
    deleted = next(one for one in read("dim_post") if one["post_id"] == "p1")
    assert (deleted["deleted_at"], deleted["permalink"]) == (NOON, None)


def test_a_dropped_table_is_loaded_again_as_a_whole(
    forever: Settings, redis_client: Redis, warehouse: WarehouseDocument, again: Any, read: Any
) -> None:
    with opened(warehouse, forever, redis_client) as destination:
        assert isinstance(destination, SqlDestination)
        destination._execute("DROP TABLE dim_account CASCADE")
    assert [one.dataset for one in again().dimensions] == ["dim_account"]
    assert len(read("dim_account")) == 2


def test_a_row_that_somebody_changed_is_a_difference(
    store: Store, forever: Settings, redis_client: Redis, warehouse: WarehouseDocument
) -> None:
    with opened(warehouse, forever, redis_client) as destination:
        assert isinstance(destination, SqlDestination)
        loader = Loader(store, forever, destination, "main", "r")
        assert loader.differences("w", DAY.date()) == []
        destination._execute("UPDATE dim_metric SET unit = 'apples' WHERE name = 'likes'")
        (found,) = loader.differences("w", DAY.date())
    assert str(found).startswith("dim_metric of * on 1970-01-01")
    assert "drop this table" in str(found)


def test_an_erased_account_leaves_the_dimensions_and_comes_back_by_no_load(
    store: Store, forever: Settings, redis_client: Redis, warehouse: WarehouseDocument, again: Any, read: Any
) -> None:
    store.deletion.delete("accounts", {"_id": "a2"})
    store.deletion.delete("posts", {"accountId": "a2"})
    # A row of the account's facts is not there; of the dimensions, there are two.
    assert forget(store, forever, redis_client, "w", ["a2"], 5.0) == {"main": 2}
    again()
    assert [one["account_id"] for one in (*read("dim_account"), *read("dim_post"))] == ["a1", "a1"]
    forget(store, forever, redis_client, "w", None, 5.0)
    assert read("dim_account") == read("dim_calendar") == []
    assert len(read("dim_metric")) == len(CATALOG)


def test_accounts_whose_data_were_deleted_or_have_no_consent_have_no_rows(store: Store, again: Any, read: Any) -> None:
    store.accounts.put([{**store.accounts.get("a1"), "dataDeletedAt": NOON}])
    store.accounts.put([account("a3", "w", "pinterest", CONNECTED)])
    store.consents.set("w", "pinterest", given=False)
    again()
    assert [one["account_id"] for one in (*read("dim_account"), *read("dim_post"))] == ["a2", "a2"]


def test_metrics_are_those_of_the_catalog(read: Any) -> None:
    rows = {(one["subject"], one["name"]): one for one in read("dim_metric")}
    assert rows.keys() == CATALOG.keys()
    likes = rows["post", "likes"]
    assert (likes["kind"], likes["adds_over_time"], likes["definition_version"]) == (
        "counter",
        True,
        DEFINITION_VERSION,
    )
    assert not rows["account", "reach"]["adds_over_subjects"]


def test_dates_reach_from_the_first_row_to_the_end_of_the_year(read: Any) -> None:
    dates = [one["date"] for one in read("dim_calendar")]
    assert min(dates) == date(min(dates).year, 1, 1)
    assert max(dates) == date(max(dates).year, 12, 31)
    assert DAY.date() in dates


def test_dates_are_those_of_the_calendar(store: Store) -> None:
    # The fiscal year 2025 has 53 weeks: it begins on 29 December 2024, and the next one on 4 January 2026.
    chosen = Calendar.parse({"timeZone": "Europe/Berlin", "weekStart": "sunday", "fiscalPattern": "445"})
    store.calendars.switch("w", store.calendars.prepare("w", chosen), [])
    extent = Extent("w", (), date(2025, 12, 20), datetime(2026, 6, 1, tzinfo=UTC))
    rows = {one["date"]: one for one in dimension_rows(store, DIM_CALENDAR, extent)}
    assert len(rows) == 12 + 365
    assert [day for day, one in rows.items() if one["is53rdWeek"]] == [
        date(2025, 12, 28) + number * DAYS for number in range(7)
    ]
    summer = rows[date(2026, 3, 29)]
    assert (summer["startsAt"], summer["hours"]) == (datetime(2026, 3, 28, 23, tzinfo=UTC), 23)
    assert (summer["weekStart"], summer["weekly"], summer["dayOfWeek"]) == (date(2026, 3, 29), "2026-W14", 7)
    assert (summer["fiscal-month"], summer["quarterly"]) == ("FY2026-P03", "2026-Q1")


@pytest.mark.parametrize("one", DIMENSIONS, ids=lambda one: one.name)
def test_a_load_of_a_dimension_stands_in_the_ledger(reopen: Open, store: Store, one: Table) -> None:
    destination = reopen()
    destination.ensure(TABLES)
    store.accounts.put([account("a1", "w", "instagram", CONNECTED)])
    store.posts.put([post("p1")])
    rows = list(dimension_rows(store, one, Extent("w", (), date(2025, 12, 1), NOON)))
    for _ in range(2):
        loaded = destination.replace(Load(one, one.owner("w"), WHOLE, NOON, "r"), lambda: batches(one, rows))
        assert loaded is not None
        assert destination.loaded() == [loaded]
        assert len(rows) == loaded.rows > 0
        assert fingerprint(destination.rows(one, one.owner("w"), WHOLE)) == loaded.content_hash
    destination.close()
