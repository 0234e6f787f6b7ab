"""The job `maintain_daily`: apply retention and measure the stores (docs/operations.md)."""

from collections import Counter
from datetime import timedelta

import dagster as dg

from metrics.clock import utcnow
from metrics.documents import AccountDocument
from metrics.export.folders import Folders
from metrics.export.forget import forget_account
from metrics.redis import events
from metrics.upkeep.ended import delete_ended
from metrics.upkeep.limited import limited_accounts
from metrics.upkeep.retention import Horizon, apply
from metrics.upkeep.sizes import keep, measure
from pipelines.resources import Tidemark
from pipelines.rollup.recalendar import delete_unused
from pipelines.runs import storage
from pipelines.runs.automation import SCHEDULE_STATUS

_WAIT_FOR_EXPORT_SECONDS = 600.0


@dg.op(description="Deletes observations, rollups and records that are older than their retention.")
def apply_retention(context: dg.OpExecutionContext, tidemark: Tidemark) -> None:
    """Delete expired data, and log how much."""
    clients = tidemark.clients()
    gone = apply(clients.store, Horizon.of(clients.store, clients.settings, utcnow()))
    context.log.info("deleted %s", ", ".join(f"{count} {name}" for name, count in gone.items()) or "nothing")
    limited = [one for store in (clients.store, clients.store.public) for one in limited_accounts(store)]
    limits = Counter(f"{one.platform}, {one.access}: {one.days} days" for one in limited)
    metadata: dict[str, dg.MetadataValue] = {f"deleted_{name}": dg.MetadataValue.int(n) for name, n in gone.items()}
    metadata["accounts_with_a_limit"] = dg.MetadataValue.json(dict(limits))
    context.add_output_metadata(metadata)


@dg.op(description="Deletes what was read of accounts whose grant ended longer ago than the platform's terms allow.")
def delete_ended_grants(context: dg.OpExecutionContext, tidemark: Tidemark) -> None:
    """Delete the data of accounts whose grant has ended, in exports and warehouses too, and log which these are."""
    clients = tidemark.clients()
    # Loaded late: it needs Arrow, which takes 50 MB, and the other jobs do not.
    from metrics.warehouse.forget import forget

    folders = Folders.open(clients.settings)

    def exported(account: AccountDocument) -> None:
        if folders is not None:
            with folders.alone(clients.redis, _WAIT_FOR_EXPORT_SECONDS):
                forget_account(folders, account["workspaceId"], account["_id"])
        forget(
            clients.store,
            clients.settings,
            clients.redis,
            account["workspaceId"],
            [account["_id"]],
            _WAIT_FOR_EXPORT_SECONDS,
        )

    deleted = delete_ended(clients.store, clients.redis, utcnow(), exported)
    context.log.info("deleted the data of %s accounts whose grant ended: %s", len(deleted), ", ".join(deleted) or "-")
    context.add_output_metadata({"accounts": dg.MetadataValue.json(deleted)})


@dg.op(description="Deletes the rollups of former calendars of workspaces, which answer no read any more.")
def delete_former_rollups(context: dg.OpExecutionContext, tidemark: Tidemark) -> None:
    """Delete unused rollups, and log how many."""
    store = tidemark.clients().store
    # Reads that began with the former calendar have ended after that time.
    changed = store.calendars.changed(utcnow() - timedelta(minutes=10))
    gone = sum(delete_unused(each, workspace_id) for each in (store, store.public) for workspace_id in changed)
    context.log.info("deleted %s rollups of former calendars", gone)


@dg.op(description="Deletes events that are older than TIDEMARK_EVENTS_DAYS, also of workspaces without new events.")
def trim_events(context: dg.OpExecutionContext, tidemark: Tidemark) -> None:
    """Delete old events, and log how many."""
    clients = tidemark.clients()
    days = clients.settings.events_days
    gone = events.trim(clients.redis, clients.store.accounts.workspaces(), days)
    context.log.info("deleted %s events that were older than %s days", gone, days)


@dg.op(description="Measures the size of every store, so that its growth is known.")
def measure_stores(context: dg.OpExecutionContext, tidemark: Tidemark) -> None:
    """Measure the stores, and keep the sample for 90 days."""
    clients = tidemark.clients()
    now = measure(
        clients.store, clients.redis, clients.settings.home, storage.storage_bytes(context.instance), utcnow()
    )
    keep(clients.store, now)
    context.log.info("%s", ", ".join(f"{name} {size / 1e6:.1f} MB" for name, size in now.stores.items()))


@dg.job(name="maintain_daily", description="Deletes data that is older than its retention, and measures the stores.")
def maintain_daily() -> None:
    """Delete expired data, then measure the stores."""
    apply_retention()
    delete_ended_grants()
    delete_former_rollups()
    trim_events()
    measure_stores()


MAINTAIN = dg.ScheduleDefinition(
    name="maintain_daily",
    job=maintain_daily,
    cron_schedule="30 3 * * *",
    execution_timezone="UTC",
    default_status=SCHEDULE_STATUS,
    description="Every night: deletes data that is older than the retention of its workspace.",
)
