"""docs/warehouses.md lists all tables with their columns."""

from pathlib import Path

import pytest

from metrics.warehouse.table import Table, snake_case
from metrics.warehouse.tables import LEDGER, TABLES

PAGE = Path(__file__).parents[3] / "docs" / "warehouses.md"


def listed(table: Table) -> str:
    """Return the part of the page about a table."""
    rows = "".join(f"| `{one.name}` | {one.type} | {one.meaning} |\n" for one in table.fields)
    key = ", ".join(f"`{name}`" for name in table.key)
    return f"### `{table.name}`\n\n{table.meaning} Key: {key}.\n\n| column | type | what it is |\n|---|---|---|\n{rows}"


@pytest.mark.parametrize("table", [*TABLES, LEDGER], ids=lambda table: table.name)
def test_page_lists_every_column_in_order(table: Table) -> None:
    assert listed(table) in PAGE.read_text()


@pytest.mark.parametrize("table", [*TABLES, LEDGER], ids=lambda table: table.name)
def test_names_are_those_that_every_database_takes(table: Table) -> None:
    names = [field.name for field in table.fields]
    assert len(names) == len(set(names))
    assert all(name == name.lower() and name.replace("_", "").isalnum() for name in names)
    assert set(table.key) <= set(names)


def test_names_of_the_api_become_snake_case() -> None:
    assert snake_case("avgEngagementRate") == "avg_engagement_rate"
    assert snake_case("metricType") == "subject_type"
