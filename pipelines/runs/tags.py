"""Tags of runs that Tidemark gives a meaning to."""

from collections.abc import Mapping

OPERATION = "tidemark/operation"
"""The operation that a run carries out."""

ASSETS = "tidemark/assets"
"""How many assets the run of an operation has: the last one to finish writes the outcome back."""

# Dagster's UI hides tags of this prefix: the values are digests that tell a person nothing.
LATE = ".dagster/tidemark_late"
"""What the run brings up to date: runs for the same marks bear the same value."""

EXPORT = ".dagster/tidemark_export"
"""The run exports only the workspaces whose days changed."""

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
PARTITION = "dagster/partition"

MISSED = "tidemark/missed"
"""The run makes up for these hours: it collects the accounts that have no record of them."""

RETRY = "tidemark/retry"
"""The run asks accounts again that failed in the newest hour: `2026-11-29-01:00 round 1`."""

HISTORY = "tidemark/history"
"""The run reads the history of accounts; one does at a time (dagster.yaml)."""

BACKFILL = "dagster/backfill"
"""The backfill that a run is part of."""

WILL_RETRY = "dagster/will_retry"

ONE_PARTITION: Mapping[str, str] = {"dagster/max_runtime": "3600"}
"""Seconds that a run over one partition has: one that takes longer hangs. A backfill has those of dagster.yaml."""


class Priority:
    """What goes first in the queue and in the pools. Backfills and what somebody launches by hand have none, 0."""

    HOURLY: Mapping[str, str] = {"dagster/priority": "30"}
    OPERATION: Mapping[str, str] = {"dagster/priority": "20"}
    ROLLUP: Mapping[str, str] = {"dagster/priority": "15"}
    LATE: Mapping[str, str] = {"dagster/priority": "10"}
    MISSED: Mapping[str, str] = {"dagster/priority": "5"}
    HISTORY: Mapping[str, str] = {"dagster/priority": "-10"}
