"""Request, observe and stop the backfill of an account's data from before its connection, its history.

`pipelines.collect` reads it. An operation of kind `history` covers one or more accounts of a workspace. The memory of
each account names the operation and the progress; the operation has the sums, and ends when none of its accounts is
unfinished.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby

from metrics.clock import utcnow
from metrics.documents import (
    UNFINISHED_HISTORY,
    AccountDocument,
    Counted,
    History,
    OperationDocument,
    OperationKind,
    OperationState,
)
from metrics.errors import NotFound
from metrics.store import Store
from metrics.store.operations import FINISHED, new_operation_id

KIND: OperationKind = "history"


def request_histories(
    store: Store, accounts: Sequence[AccountDocument], again: Collection[str] = ()
) -> dict[str, OperationDocument]:
    """Request the history of accounts; return the unfinished operation of each account that has one.

    A history that is being read goes on unchanged. One that ended early resumes at its position. One that is done is
    read again only for the accounts in `again`: its lists are read again, its days are not.

    Raises:
        MongoUnavailable: MongoDB does not answer; call again.
    """
    found: dict[str, OperationDocument] = {}
    chosen: list[tuple[AccountDocument, History | None]] = []
    for account in accounts:
        history = store.memories.history(account["_id"])
        operation = unfinished_operation(store, history)
        if operation is not None:
            found[account["_id"]] = operation
        elif history is None or history["state"] != "done" or account["_id"] in again:
            chosen.append((account, history))
    for workspace_id, group in groupby(sorted(chosen, key=_workspace), key=_workspace):
        pairs, operation_id = list(group), new_operation_id()
        for account, history in pairs:
            store.memories.begin_history(account, _begun(operation_id, history))
        # The operation is queued last: without accounts it would end at once.
        only_account = pairs[0][0]["_id"] if len(pairs) == 1 else None
        queued = store.operations.request(KIND, workspace_id, account_id=only_account, operation_id=operation_id)
        found |= {account["_id"]: queued for account, _ in pairs}
    return found


def unfinished_operation(store: Store, history: History | None) -> OperationDocument | None:
    """Return the unfinished operation of a history, or None if it has none."""
    if history is None or history["state"] not in UNFINISHED_HISTORY:
        return None
    try:
        operation = store.operations.get(history["operationId"])
    except NotFound:
        # The requesting process was killed before it stored the operation.
        return None
    return None if operation["state"] in FINISHED else operation


def stop_history(store: Store, account_id: str, state: str) -> OperationDocument | None:
    """End the waiting history of an account that was paused or disconnected; return the operation if it changed.

    A history that a run is reading at this moment is left alone: the run sees the account's new state before its next
    call and ends the history itself.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    history = store.memories.history(account_id)
    if history is None or not store.memories.stop_history(account_id, state, f"the account is {state}", utcnow()):
        return None
    try:
        return settle_operation(store, history["operationId"])
    except NotFound:
        return None


def settle_operation(store: Store, operation_id: str) -> OperationDocument | None:
    """Update an operation from the histories of its accounts; return it if anything changed, else None."""
    histories = store.memories.histories(**{"history.operationId": operation_id})
    counted = summed_progress(histories)
    if any(history["state"] in UNFINISHED_HISTORY for history in histories.values()):
        return store.operations.progress(operation_id, counted)
    state, facts = _outcome(histories)
    return store.operations.finish(operation_id, state, progress=counted, **facts)


def summed_progress(histories: Mapping[str, History]) -> Counted:
    """Return how many posts and days were read, and how many are known to be wanted."""
    parts = [part for history in histories.values() for part in (history["posts"], history["days"])]
    return {"done": sum(part["done"] for part in parts), "expected": sum(part["expected"] for part in parts)}


def _outcome(histories: Mapping[str, History]) -> tuple[OperationState, dict[str, object]]:
    """Return the final state and fields of an operation; they name no account, because it may outlive its accounts."""
    states = [history["state"] for history in histories.values()]
    counts = {
        "ok": sum(state in ("done", "partial") for state in states),
        "failed": states.count("failed"),
        "skipped": states.count("stopped"),
    }
    complete = states.count("done")
    reasons = sorted({history.get("reason", "") for history in histories.values() if history["state"] != "done"} - {""})
    facts: dict[str, object] = {"accounts": counts}
    if complete < len(states):
        facts["error"] = (
            f"{len(states) - complete} of {len(states)} accounts were not read in whole: {', '.join(reasons)}"
        )
    if complete == len(states):
        return "succeeded", facts
    return ("partial" if counts["ok"] else "failed"), facts


def _begun(operation_id: str, before: History | None) -> History:
    """Return a waiting history: a new one, or one that resumes after `before`; finished lists are read again."""
    resumes = before is not None and before["state"] in ("failed", "stopped")
    return {
        "operationId": operation_id,
        "state": "waiting",
        "askedAt": utcnow(),
        "posts": before["posts"] if before else {"done": 0, "expected": 0},
        "postsState": before["postsState"] if before and resumes and before["postsState"] == "read" else "reading",
        "days": before["days"] if before else {"done": 0, "expected": 0},
        "asked": before["asked"] if before else [],
        "partly": before["partly"] if before else [],
        "left": [],
        "lists": before["lists"] if before and resumes else {},
        "problems": [],
        "unavailable": before["unavailable"] if before else {},
        "calls": 0,
        "tries": 0,
    }


def _workspace(pair: tuple[AccountDocument, History | None]) -> str:
    return pair[0]["workspaceId"]
