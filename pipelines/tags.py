"""Tags of runs that Tidemark gives a meaning to."""

OPERATION = "tidemark/operation"
"""The operation that a run carries out."""

ASSETS = "tidemark/assets"
"""How many assets the run of an operation has: the last one to finish writes the outcome back."""

LATE = "tidemark/late"
"""The run rolls again only the workspaces whose data changed."""

PRIORITY = "dagster/priority"
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
PARTITION = "dagster/partition"

MISSED = "tidemark/missed"
"""The run makes up for an hour that nobody collected."""
WILL_RETRY = "dagster/will_retry"
