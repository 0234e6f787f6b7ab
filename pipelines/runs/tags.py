"""Tags of Dagster runs that Tidemark sets or reads."""

from collections.abc import Mapping

OPERATION = "tidemark/operation"
"""The batch of operations that a run carries out: the id of one of them."""

ASSETS = "tidemark/assets"
"""How many assets an operation's run has: the last one to finish writes the outcome to its operations."""

# Dagster's UI hides tags with this prefix. Their values are digests, which mean nothing to a reader.
LATE = ".dagster/tidemark_late"
"""The digest of the marks for which the run was requested: retries have the same value."""

EXPORT = ".dagster/tidemark_export"
"""The run exports only the workspaces whose days changed."""

WAREHOUSE = "tidemark/warehouse"
"""The warehouse into which the run loads the days of workspaces that changed; without it, a run loads into all."""

LOAD = ".dagster/tidemark_load"
"""The digest of the marks for which a load was requested: retries have the same value."""

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
PARTITION = "dagster/partition"

MISSED = "tidemark/missed"
"""The hours that the run makes up for, by collecting the accounts that have no record of them."""

RETRY = "tidemark/retry"
"""The round in which the run collects accounts again that failed in the newest hour: `2026-11-29-01:00 round 1`."""

HISTORY = "tidemark/history"
"""The run reads histories of accounts; dagster.yaml allows one such run at a time."""

CALENDARS = "tidemark/calendars"
"""The run changes the calendars of workspaces; one such run is under way at a time."""

MIGRATION = "tidemark/migration"
"""The run converts documents of earlier versions; one such run is under way at a time."""

BACKFILL = "dagster/backfill"
"""The id of the backfill that the run is part of."""

WILL_RETRY = "dagster/will_retry"

ONE_PARTITION: Mapping[str, str] = {"dagster/max_runtime": "3600"}
"""Maximum seconds of a run over one partition: if it takes longer, it hangs. For backfills dagster.yaml has a limit."""


class Priority:
    """Priorities in the run queue and in the pools. Backfills, and runs launched by hand, have the default, 0."""

    HOURLY: Mapping[str, str] = {"dagster/priority": "30"}
    OPERATION: Mapping[str, str] = {"dagster/priority": "20"}
    ROLLUP: Mapping[str, str] = {"dagster/priority": "15"}
    LATE: Mapping[str, str] = {"dagster/priority": "10"}
    MISSED: Mapping[str, str] = {"dagster/priority": "5"}
    HISTORY: Mapping[str, str] = {"dagster/priority": "-10"}
