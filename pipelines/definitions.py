"""Dagster's definitions: Dagster knows the assets, checks, jobs, schedules and sensors that are registered here."""

import warnings
from collections.abc import Mapping
from typing import Any

import dagster as dg

# Without this, every import warns of backfill policies, which are in beta.
warnings.filterwarnings("ignore", category=dg.BetaWarning)

from metrics.settings import load_settings  # noqa: E402
from pipelines.assets import ASSETS  # noqa: E402
from pipelines.checks.freshness import CHECKS  # noqa: E402
from pipelines.jobs import JOBS, check_freshness, collect_history, export_daily, load_warehouses, purge_history  # noqa: E402
from pipelines.ops.aggregate_late import aggregate_late  # noqa: E402
from pipelines.ops.change_calendars import change_calendars  # noqa: E402
from pipelines.ops.maintenance import MAINTAIN, maintain_daily  # noqa: E402
from pipelines.ops.migrate_documents import migrate_documents  # noqa: E402
from pipelines.resources import Tidemark  # noqa: E402
from pipelines.runs.executors import executor  # noqa: E402
from pipelines.schedules import SCHEDULES  # noqa: E402
from pipelines.sensors.alerts import ALERTS  # noqa: E402
from pipelines.sensors.anomalies import watch_anomalies  # noqa: E402
from pipelines.sensors.export_changed import export_changed  # noqa: E402
from pipelines.sensors.hanging_runs import count_hanging_runs  # noqa: E402
from pipelines.sensors.late_data import late_data  # noqa: E402
from pipelines.sensors.missed_hours import missed_hours  # noqa: E402
from pipelines.sensors.requested_work import requested_work  # noqa: E402
from pipelines.sensors.retry_failed import retry_failed  # noqa: E402
from pipelines.sensors.thresholds import watch_thresholds  # noqa: E402
from pipelines.sensors.warehouse_changed import warehouse_changed  # noqa: E402

SENSORS = [
    requested_work,
    late_data,
    missed_hours,
    retry_failed,
    count_hanging_runs,
    watch_thresholds,
    watch_anomalies,
    warehouse_changed,
]


def build(resources: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Return the definitions; tests pass resources of their own.

    The export, its job and its sensor are included only if TIDEMARK_EXPORT_URL is set.
    """
    settings = load_settings()
    exported = settings.export_url is not None
    return dg.Definitions(
        assets=ASSETS,
        asset_checks=CHECKS,
        jobs=[
            *JOBS,
            aggregate_late,
            collect_history,
            change_calendars,
            migrate_documents,
            check_freshness,
            purge_history,
            maintain_daily,
            load_warehouses,
            *([export_daily] if exported else []),
        ],
        schedules=[*SCHEDULES, MAINTAIN],
        sensors=[*SENSORS, *ALERTS, *([export_changed] if exported else [])],
        resources={"tidemark": Tidemark(), **(resources or {})},
        executor=executor(settings.executor),
    )


defs = build()
