"""What a table of a warehouse is: its columns, its key, and the part of it that is replaced as a whole.

Names are in snake case, instants in UTC, counts 64-bit integers. NULL means unknown and is never 0.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import Literal

Type = Literal["text", "timestamp", "date", "integer", "number", "boolean", "json"]
FactSource = Literal["observations", "accounts", "posts"]
"""Where the rows of a day come from: effective observations, daily rollups of accounts, or daily rollups of posts."""

WHOLE = date(1970, 1, 1)
"""The date in the ledger of a table that has no partition of a day."""
EVERY = "*"
"""The workspace in the ledger of a table whose rows are of no workspace. It is no id of a workspace."""
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
    """One table. `key` identifies a row.

    `partition` has the columns whose values bound the rows that are replaced as a whole: the workspace and the date of
    facts, the workspace of dimensions, or none. `source` says where facts are read; dimensions have None.
    """

    name: str
    meaning: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    source: FactSource | None = None
    partition: tuple[str, ...] = ("workspace_id", "date")

    @cached_property
    def types(self) -> Mapping[str, Type]:
        """The types of the columns by name, in order."""
        return MappingProxyType({field.name: field.type for field in self.fields})

    @property
    def daily(self) -> bool:
        """Whether a partition is a day."""
        return "date" in self.partition

    def owner(self, workspace_id: str) -> str:
        """Return the workspace under which the ledger has the rows of a workspace: `EVERY` if they are of none."""
        return workspace_id if "workspace_id" in self.partition else EVERY

    def within(self, workspace_id: str, day: date) -> tuple[str, tuple[str | date, ...]]:
        """Return a condition in SQL on the rows of one partition, and the values of its `?`."""
        values: dict[str, str | date] = {"workspace_id": workspace_id, "date": day}
        condition = " AND ".join(f"{name} = ?" for name in self.partition) or "1 = 1"
        return condition, tuple(values[name] for name in self.partition)


def snake_case(name: str) -> str:
    """Return a name of the API in snake case: `avgEngagementRate` becomes `avg_engagement_rate`."""
    return _NAMES.get(name) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
