"""Request, withdraw and settle changes of calendars. The job `change_calendars` carries them out.

A change is an operation of kind `calendar`; what is left to do stands with the workspace (`metrics.store.calendars`).
"""

from metrics.calendars import Calendar
from metrics.documents import OperationDocument, OperationKind
from metrics.store import Store

KIND: OperationKind = "calendar"
_WITHDRAWN = "the calendar was set back before the change was done"


def request_change(store: Store, workspace_id: str, calendar: Calendar) -> OperationDocument | None:
    """Request that a workspace gets another calendar; return the operation, or None if it has this calendar already.

    To request the present calendar withdraws a change that is not done yet.

    Raises:
        MongoUnavailable: MongoDB does not answer; call again.
    """
    known = store.calendars.get(workspace_id)
    if known.current.described() == calendar.described():
        if known.upcoming is not None:
            store.calendars.withdraw(workspace_id)
            for operation in unfinished(store, workspace_id):
                store.operations.finish(operation["_id"], "failed", error=_WITHDRAWN)
        return None
    store.calendars.prepare(workspace_id, calendar)
    return store.operations.request(KIND, workspace_id)


def unfinished(store: Store, workspace_id: str) -> list[OperationDocument]:
    """Return the operations of a workspace's changes that are not finished, oldest first.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    found = store.operations.find(["queued", "running"], kinds=[KIND])
    return [operation for operation in found if operation["workspaceId"] == workspace_id]


def settle_done(store: Store) -> list[OperationDocument]:
    """Finish operations whose change is done, although their run was killed before it could say so; return them.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    waiting = store.operations.find(["queued", "running"], kinds=[KIND])
    upcoming = set(store.calendars.with_upcoming()) if waiting else set()
    done = [operation for operation in waiting if operation["workspaceId"] not in upcoming]
    finished = (store.operations.finish(operation["_id"], "succeeded") for operation in done)
    return [operation for operation in finished if operation is not None]
