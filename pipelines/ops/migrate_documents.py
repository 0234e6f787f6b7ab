"""The job `migrate_documents`: convert documents of earlier versions of Tidemark in the background.

The sensor `requested_work` requests it once after an upgrade, if anything is to be converted.
"""

from time import monotonic

import dagster as dg

from pipelines.resources import Tidemark
from pipelines.runs.failures import one_line_failures
from pipelines.runs.tags import MIGRATION, Priority

_PROGRESS_SECONDS = 5.0


@dg.op(pool="migrations", description="Gives rollups of earlier versions the names of their periods.")
def label_rollups(context: dg.OpExecutionContext, tidemark: Tidemark) -> None:
    """Label rollups, and log how far that is."""
    told = monotonic()

    def progress(seen: int, total: int) -> None:
        nonlocal told
        if monotonic() - told >= _PROGRESS_SECONDS:
            told = monotonic()
            context.log.info("%s of %s rollups looked at (%d %%)", seen, total, 100 * seen // total)

    with one_line_failures():
        labelled = tidemark.clients().store.migrations.label_rollups(progress)
    context.log.info("%s rollups labelled", labelled)


@dg.job(
    description="Converts documents of earlier versions of Tidemark; reads are right meanwhile.",
    tags={MIGRATION: "true", **Priority.HISTORY, "dagster/max_runtime": "86400"},
)
def migrate_documents() -> None:
    """Convert documents."""
    label_rollups()
