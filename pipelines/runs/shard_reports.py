"""The IO manager that passes reports of shards between steps through MongoDB, which every machine reaches."""

import zlib

import dagster as dg
from pydantic import TypeAdapter

from pipelines.collect.report import CollectReport
from pipelines.resources import Tidemark

SHARD_REPORTS = "shard_reports"
"""The resource key of the IO manager."""

_REPORTS = TypeAdapter(list[CollectReport])


class ShardReports(dg.IOManager):
    """Stores a step's reports for as long as its run may be re-executed from the failure."""

    def handle_output(self, context: dg.OutputContext, obj: list[CollectReport]) -> None:
        """Store the reports of a shard."""
        tidemark: Tidemark = context.resources.tidemark
        tidemark.clients().store.shard_reports.put(
            "|".join(context.get_identifier()),
            zlib.compress(_REPORTS.dump_json(obj)),
            workspace_ids={workspace for report in obj for workspace in report.workspaces},
            account_ids={failure.account_id for report in obj for failure in report.failures},
        )
        context.add_output_metadata(
            {
                "dagster/row_count": sum(report.rows for report in obj),
                "accounts_ok": sum(report.ok for report in obj),
                "accounts_failed": sum(report.failed for report in obj),
                "calls": sum(report.calls for report in obj),
            }
        )

    def load_input(self, context: dg.InputContext) -> list[CollectReport]:
        """Return the reports of a shard.

        Raises:
            NotFound: the reports expired, or one of their accounts was erased: execute the whole run again.
        """
        output = context.upstream_output
        if output is None:
            raise dg.DagsterInvariantViolationError("reports come from a step")
        tidemark: Tidemark = context.resources.tidemark
        stored = tidemark.clients().store.shard_reports.get("|".join(output.get_identifier()))
        return _REPORTS.validate_json(zlib.decompress(stored))


@dg.io_manager(required_resource_keys={"tidemark"})
def shard_reports(_context: dg.InitResourceContext) -> ShardReports:
    """Return an IO manager that uses the MongoDB of the resource `tidemark`."""
    return ShardReports()
