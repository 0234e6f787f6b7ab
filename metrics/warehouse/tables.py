"""The tables of a warehouse and their columns, generated from the catalog; docs/warehouses.md lists them.

Names are in snake case, instants in UTC, counts 64-bit integers. NULL means unknown and is never 0.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Literal

from metrics.catalog import metrics_of
from metrics.export.columns import Column, columns

Type = Literal["text", "timestamp", "date", "integer", "number", "boolean", "json"]
Source = Literal["observations", "accounts", "posts"]
"""Where the rows come from: effective observations, daily rollups of accounts, or daily rollups of posts."""

SCHEMA_VERSION = 1
"""Raised when a column is renamed, removed or changes its type; new columns do not raise it."""

_TYPES: Mapping[str, Type] = {
    "string": "text",
    "timestamp": "timestamp",
    "integer": "integer",
    "number": "number",
    "json": "json",
}
_NAMES = {"metricType": "subject_type", "timestamp": "slot"}
"""Columns of exports that have another name here, because theirs is a type or says too little in SQL."""


@dataclass(frozen=True, slots=True)
class Field:
    """One column; `source` is the key of its value in a row."""

    name: str
    type: Type
    meaning: str
    source: str


@dataclass(frozen=True)
class Table:
    """One table. `key` identifies a row; `workspace_id` and `date` are the partition that is replaced as a whole."""

    name: str
    meaning: str
    source: Source
    key: tuple[str, ...]
    fields: tuple[Field, ...]

    @cached_property
    def types(self) -> Mapping[str, Type]:
        """The types of the columns by name, in order."""
        return MappingProxyType({field.name: field.type for field in self.fields})


def snake_case(name: str) -> str:
    """Return a name of the API in snake case: `avgEngagementRate` becomes `avg_engagement_rate`."""
    return _NAMES.get(name) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


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


TABLES: tuple[Table, ...] = (
    Table(
        "fct_observation",
        "What was observed of each account and post in each hour: for each metric the newest answer.",
        "observations",
        ("workspace_id", "subject_id", "slot"),
        _observations(),
    ),
    Table(
        "fct_account_day",
        "What each account did in each day, with the parts of its rates and the coverage.",
        "accounts",
        ("workspace_id", "account_id", "date"),
        _accounts(),
    ),
    Table(
        "fct_post_day",
        "What each day added to each post.",
        "posts",
        ("workspace_id", "post_id", "date"),
        _posts(),
    ),
)

LEDGER = Table(
    "_tidemark_loads",
    "What was loaded: one row for each table, workspace and date.",
    "accounts",
    ("dataset", "workspace_id", "date"),
    (
        Field("dataset", "text", "The table.", ""),
        Field("workspace_id", "text", "The workspace.", ""),
        Field("date", "date", "The date.", ""),
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
