"""Jobs: one collects an hour of all platforms in one run, three roll up, one exports."""

from collections.abc import Mapping

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from metrics.periods import Period
from pipelines.tags import Priority

collect_hourly = dg.define_asset_job(
    "collect_hourly",
    selection=dg.AssetSelection.groups("raw"),
    description="Collect one hour of every platform.",
    tags=Priority.HOURLY,
)


def _aggregate(period: Period) -> UnresolvedAssetJobDefinition:
    return dg.define_asset_job(
        f"aggregate_{period}",
        selection=dg.AssetSelection.assets(f"{period}_rollup"),
        description=f"Roll up {period}.",
        tags=Priority.ROLLUP,
    )


AGGREGATE: Mapping[Period, UnresolvedAssetJobDefinition] = {
    "daily": _aggregate("daily"),
    "weekly": _aggregate("weekly"),
    "monthly": _aggregate("monthly"),
}
export_daily = dg.define_asset_job(
    "export_daily",
    selection=dg.AssetSelection.groups("export"),
    description="Export days to Parquet folders.",
)
JOBS = [collect_hourly, *AGGREGATE.values()]
