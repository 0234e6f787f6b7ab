"""The views of a warehouse: the newest counters of posts, rates that are pooled from their parts, and a known shape."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from metrics.warehouse.arrow import batches
from metrics.warehouse.destination import Load, SchemaConflict
from metrics.warehouse.destinations.postgres import PostgresDestination
from metrics.warehouse.destinations.sql import SqlDestination
from metrics.warehouse.dimensions import DIM_ACCOUNT, DIM_POST
from metrics.warehouse.table import WHOLE
from metrics.warehouse.tables import FACTS, TABLES
from metrics.warehouse.views import VIEWS, View
from tests.metrics.warehouse.destinations import DAY, NOON, Open

PAGE = Path(__file__).parents[3] / "docs" / "warehouses.md"


@pytest.fixture
def destination(reopen: Open) -> Iterator[SqlDestination]:
    opened = reopen()
    opened.ensure(TABLES)
    yield opened
    opened.close()


def put(destination: SqlDestination, name: str, rows: list[dict[str, Any]], days_later: int = 0) -> None:
    (table,) = (one for one in TABLES if one.name == name)
    day = DAY + timedelta(days=days_later) if table in FACTS else WHOLE
    known = [{"workspaceId": "w", "platform": "instagram", "date": day, **row} for row in rows]
    assert destination.replace(Load(table, "w", day, NOON, "r"), lambda: batches(table, known)) is not None


def rows(destination: SqlDestination, query: str) -> list[tuple[Any, ...]]:
    with destination._transaction():
        return destination._fetch(query)


def commit(destination: SqlDestination, statement: str) -> None:
    with destination._transaction():
        destination._execute(statement)


def described(destination: SqlDestination) -> None:
    """Load an account and two posts: one with two days, and one that was never observed."""
    account = {"accountId": "a", "platformAccountId": "17", "handle": "us", "validFrom": NOON, "isCurrent": True}
    put(destination, DIM_ACCOUNT.name, [account])
    post = {
        "accountId": "a",
        "publishedAt": NOON,
        "validFrom": NOON,
        "isCurrent": True,
        "permalink": "https://x.example",
    }
    put(destination, DIM_POST.name, [{**post, "postId": name, "platformPostId": f"on-{name}"} for name in ("p", "q")])
    day = {"accountId": "a", "postId": "p"}
    put(destination, "fct_post_day", [{**day, "likes|close": 5, "shares|close": 1}])
    put(destination, "fct_post_day", [{**day, "likes|close": 8}], days_later=1)


def test_the_newest_day_of_a_post_counts_and_what_is_unknown_stays_so(destination: SqlDestination) -> None:
    described(destination)
    assert rows(destination, "SELECT post_id, last_date, likes, shares FROM post_latest ORDER BY post_id") == [
        ("p", DAY + timedelta(days=1), 8, None),
        ("q", None, None, None),
    ]


def test_posts_have_the_columns_of_the_known_package(destination: SqlDestination) -> None:
    described(destination)
    names = (
        "created_timestamp, post_id, post_message, page_id, page_name, post_url, source_relation, platform, clicks, "
        "comments, impressions, likes, shares"
    )
    assert rows(destination, f"SELECT {names} FROM rollup_report ORDER BY post_id")[0] == (
        NOON, "on-p", None, "17", "us", "https://x.example", "w", "instagram", None, None, None, 8, None,
    )  # fmt: skip
    assert len(rows(destination, "SELECT * FROM rollup_report")[0]) == len(names.split(","))


def test_rates_are_pooled_from_their_parts_and_unknown_is_not_zero(destination: SqlDestination) -> None:
    names = {field.name: field.source for field in FACTS[1].fields}
    engagement, basis = names["engagement_rate_parts_engagement"], names["engagement_rate_parts_basis"]
    put(
        destination,
        "fct_account_day",
        [
            {"accountId": "a", "totalLikes": 3, engagement: 1, basis: 100},
            {"accountId": "b", "totalLikes": 4, engagement: 9, basis: 100},
            {"accountId": "c"},
            {"accountId": "d", "platform": "tiktok"},
        ],
    )
    found = rows(
        destination,
        "SELECT platform, accounts, accounts_rated, total_likes, total_shares, engagement_rate FROM account_day_pooled "
        "ORDER BY platform",
    )
    assert found == [("instagram", 3, 2, 7, None, 5.0), ("tiktok", 1, 0, None, None, None)]


def test_a_view_that_somebody_changed_is_made_again_and_the_others_stay(destination: SqlDestination) -> None:
    if isinstance(destination, PostgresDestination):
        commit(destination, "CREATE VIEW mine AS SELECT likes FROM rollup_report")
    commit(destination, "CREATE OR REPLACE VIEW account_day_pooled AS " + VIEWS[1].sql.replace("* 100", "* 1000"))
    # A view of one's own reads `rollup_report`, which is not made again.
    destination.ensure(TABLES)
    destination.ensure(TABLES)
    assert "1000" not in str(destination._query_of("account_day_pooled"))


def test_a_table_with_the_name_of_a_view_is_refused(destination: SqlDestination) -> None:
    commit(destination, "DROP VIEW post_latest")
    commit(destination, "CREATE TABLE post_latest (post_id TEXT)")
    with pytest.raises(SchemaConflict, match=r"post_latest: .*rename the table"):
        destination.ensure(TABLES)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_the_page_says_what_each_view_is(view: View) -> None:
    key = ", ".join(f"`{name}`" for name in view.key)
    assert f"| `{view.name}` | {key} | {view.meaning} |\n" in PAGE.read_text()
