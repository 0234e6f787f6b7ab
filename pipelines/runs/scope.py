"""Which accounts of an hour a run is about: all, those of an operation, those without a record, those that failed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from metrics.clock import utcnow
from metrics.collection.hours import holes
from metrics.documents import Platform
from metrics.upkeep.retention import Horizon
from pipelines.resources import Clients
from pipelines.runs.retry import MAY_PASS
from pipelines.runs.tags import MISSED, OPERATION, RETRY


@dataclass(frozen=True, slots=True)
class WorkScope:
    """What of an asset's partition a run is about; None means everything."""

    workspace_ids: tuple[str, ...] | None = None
    account_ids: tuple[str, ...] | None = None


def scope(clients: Clients, tags: Mapping[str, str]) -> WorkScope:
    """Return the accounts or the workspace that a run's operation is about; everything where it has none.

    Raises:
        NotFound: there is no such operation.
    """
    if OPERATION not in tags:
        return WorkScope()
    operation = clients.store.operations.get(tags[OPERATION])
    accounts = (operation["accountId"],) if "accountId" in operation else None
    return WorkScope((operation["workspaceId"],), accounts)


def scope_of_hour(clients: Clients, tags: Mapping[str, str], platform: Platform, slot: datetime) -> WorkScope:
    """Return the accounts that a run collects in one of its hours.

    A run for missed hours collects the accounts that have no record of the hour by now, and one that tries an hour
    again those that failed in it for a reason that may have passed.

    Raises:
        MongoUnavailable: MongoDB does not answer.
        NotFound: there is no such operation.
    """
    now = utcnow()
    if MISSED in tags:
        found = holes(clients.store, [slot], Horizon.of(clients.store, clients.settings, now))
        return WorkScope(account_ids=tuple(found.get(slot, {}).get(platform, ())))
    if RETRY in tags:
        return WorkScope(
            account_ids=tuple(clients.store.collections.failed_before(slot, MAY_PASS, now).get(platform, ()))
        )
    return scope(clients, tags)
