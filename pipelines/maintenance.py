"""The job `maintain_daily`: deletes what is older than it is kept (docs/operations.md)."""

import dagster as dg

from metrics import events
from metrics.clock import utcnow
from metrics.retention import Horizon, apply
from pipelines.automation import SCHEDULE_STATUS
from pipelines.resources import Tidemark


@dg.op(description="Delete observations, rollups and records that are older than kept.")
def apply_retention(context: dg.OpExecutionContext, tidemark: Tidemark) -> None:
    """Delete, and say how much."""
    clients = tidemark.clients()
    gone = apply(clients.store, Horizon.of(clients.store, clients.settings, utcnow()))
    context.log.info("deleted %s", ", ".join(f"{count} {name}" for name, count in gone.items()) or "nothing")


@dg.op(description="Delete events that streams keep no longer, also of workspaces in which nothing happens.")
def trim_events(context: dg.OpExecutionContext, tidemark: Tidemark) -> None:
    """Delete, and say how many."""
    clients = tidemark.clients()
    days = clients.settings.events_days
    gone = events.trim(clients.redis, clients.store.accounts.workspaces(), days)
    context.log.info("deleted %s events that were older than %s days", gone, days)


@dg.job(name="maintain_daily", description="Delete what is older than workspaces and streams keep.")
def maintain_daily() -> None:
    """Delete what is older than it is kept."""
    apply_retention()
    trim_events()


MAINTAIN = dg.ScheduleDefinition(
    name="maintain_daily",
    job=maintain_daily,
    cron_schedule="30 3 * * *",
    execution_timezone="UTC",
    default_status=SCHEDULE_STATUS,
    description="Every night: what is older than the retention of its workspace goes.",
)
