"""The accounts that a run works on: all, those of an operation, those without a record, or those that failed."""

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
    """The workspaces and accounts that a run works on; None means all.

    `every_post` says that every living post is read, not only those that are due.
    """

    workspace_ids: tuple[str, ...] | None = None
    account_ids: tuple[str, ...] | None = None
    every_post: bool = False


def scope(clients: Clients, tags: Mapping[str, str]) -> WorkScope:
    """Return the workspace, and the account if there is one, of a run's operation; all if the run has no operation.

    Raises:
        NotFound: there is no such operation.
    """
    if OPERATION not in tags:
        return WorkScope()
    operation = clients.store.operations.get(tags[OPERATION])
    accounts = (operation["accountId"],) if "accountId" in operation else None
    return WorkScope((operation["workspaceId"],), accounts, operation.get("posts") == "all")


def scope_of_hour(clients: Clients, tags: Mapping[str, str], platform: Platform, slot: datetime) -> WorkScope:
    """Return the accounts that a run collects in one of its hours.

    A run for missed hours collects the accounts that still have no record of the hour. A run that retries an hour
    collects those that failed in it for a reason that may be over.

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
