"""The tables of a warehouse and their columns, generated from the catalog; docs/warehouses.md lists them."""

from collections.abc import Mapping

from metrics.catalog import metrics_of
from metrics.export.columns import Column, columns
from metrics.warehouse.dimensions import DIMENSIONS
from metrics.warehouse.table import Field, Table, Type, snake_case

SCHEMA_VERSION = 1
"""Raised when a column is renamed, removed or changes its type; new columns do not raise it."""

_TYPES: Mapping[str, Type] = {
    "string": "text",
    "timestamp": "timestamp",
    "integer": "integer",
    "number": "number",
    "json": "json",
}


def _field(column: Column) -> Field:
    return Field(snake_case(column.name), _TYPES[column.type], column.meaning, column.name)


def _observations() -> tuple[Field, ...]:
    found = [_field(column) for column in columns("metrics")]
    return (
        found[0],
        Field("date", "date", "The UTC date of the slot.", "date"),
        Field("subject_id", "text", "The post, or the account if the row is about that.", "subjectId"),
        *found[1:],
    )


def _accounts() -> tuple[Field, ...]:
    found = [_field(column) for column in columns("aggregated") if column.name != "period"]
    return (
        found[0],
        Field("date", "date", "The day, of the workspace's calendar.", "date"),
        *found[1:],
    )


def _posts() -> tuple[Field, ...]:
    identity = (
        Field("workspace_id", "text", "The workspace.", "workspaceId"),
        Field("date", "date", "The day, of the workspace's calendar.", "date"),
        Field("account_id", "text", "The account.", "accountId"),
        Field("post_id", "text", "The post.", "postId"),
        Field("platform", "text", "The platform.", "platform"),
        Field("subject_type", "text", "post, story or reel.", "metricType"),
        Field("content_type", "text", "The type of content.", "contentType"),
        Field("observed_slots", "integer", "Hours of the day in which the post was observed.", "observedSlots"),
    )
    counters = []
    for metric in metrics_of("post", "counter"):
        what, name = metric.meaning.rstrip("."), snake_case(metric.name)
        counters += [
            Field(f"{name}_open", "integer", f"{what}: the value just before the day.", f"{metric.name}|open"),
            Field(f"{name}_close", "integer", f"{what}: the last value of the day.", f"{metric.name}|close"),
            Field(f"{name}_net", "integer", f"{what}: what the day added.", f"{metric.name}|net"),
            Field(
                f"{name}_baseline", "boolean",
                f"{what}: true if nobody observed its growth before the first value of the day.",
                f"{metric.name}|baseline",
            ),
        ]  # fmt: skip
    return (
        *identity,
        *counters,
        Field("other_metrics", "json", "Values that fit no column above, by name.", "otherMetrics"),
        Field("definition_version", "integer", "Version of the metric definitions of the row.", "definitionVersion"),
        Field("computed_at", "timestamp", "When the row was computed.", "computedAt"),
        Field("run_id", "text", "The run that computed the row.", "runId"),
    )


FACTS: tuple[Table, ...] = (
    Table(
        "fct_observation",
        "What was observed of each account and post in each hour: for each metric the newest answer.",
        ("workspace_id", "subject_id", "slot"),
        _observations(),
        "observations",
    ),
    Table(
        "fct_account_day",
        "What each account did in each day, with the parts of its rates and the coverage.",
        ("workspace_id", "account_id", "date"),
        _accounts(),
        "accounts",
    ),
    Table(
        "fct_post_day",
        "What each day added to each post.",
        ("workspace_id", "post_id", "date"),
        _posts(),
        "posts",
    ),
)

TABLES = (*FACTS, *DIMENSIONS)
"""All tables into which rows are loaded."""

LEDGER = Table(
    "_tidemark_loads",
    "What was loaded: one row for each table, workspace and date.",
    ("dataset", "workspace_id", "date"),
    (
        Field("dataset", "text", "The table.", ""),
        Field("workspace_id", "text", "The workspace; `*` if the rows are of none.", ""),
        Field("date", "date", "The date; 1970-01-01 if the table is replaced as a whole.", ""),
        Field("read_at", "timestamp", "When the rows were begun to be read, on the clock of MongoDB.", ""),
        Field("rows", "integer", "Number of rows.", ""),
        Field("content_hash", "text", "Hash of the rows, whatever their order.", ""),
        Field("schema_version", "integer", "Version of the tables.", ""),
        Field("definition_version", "integer", "Version of the metric definitions.", ""),
        Field("run_id", "text", "The run that loaded the rows.", ""),
        Field("loaded_at", "timestamp", "When they were loaded.", ""),
    ),
)
"""The ledger, which is written in the transaction that replaces the rows."""
