"""Reports of shards on their way from one step to another: through MongoDB, which every machine reaches."""

import zlib

import dagster as dg
from pydantic import TypeAdapter

from pipelines.collect.report import CollectReport
from pipelines.resources import Tidemark

SHARD_REPORTS = "shard_reports"
"""Key of the IO manager."""

_REPORTS = TypeAdapter(list[CollectReport])


class ShardReports(dg.IOManager):
    """Keeps a step's reports for as long as its run may be executed again from where it failed."""

    def handle_output(self, context: dg.OutputContext, obj: list[CollectReport]) -> None:
        """Store what a shard reports."""
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
        """Return what a shard reported.

        Raises:
            NotFound: it reported long ago, or one of its accounts was erased: execute the whole run again.
        """
        output = context.upstream_output
        if output is None:
            raise dg.DagsterInvariantViolationError("reports come from a step")
        tidemark: Tidemark = context.resources.tidemark
        stored = tidemark.clients().store.shard_reports.get("|".join(output.get_identifier()))
        return _REPORTS.validate_json(zlib.decompress(stored))


@dg.io_manager(required_resource_keys={"tidemark"})
def shard_reports(_context: dg.InitResourceContext) -> ShardReports:
    """Keep reports where the resource `tidemark` keeps everything else."""
    return ShardReports()
