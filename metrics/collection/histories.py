"""The history of accounts: what they had before they were connected. Asked for here, read by `pipelines.collect`.

An operation of kind `history` is about one or more accounts of a workspace. Each account's memory names the operation
that it is read for, and how far that is; the operation has the sums, and ends when no account of it is unfinished.
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


def begin(
    store: Store, accounts: Sequence[AccountDocument], again: Collection[str] = ()
) -> dict[str, OperationDocument]:
    """Ask for the history of accounts; return, per account, the operation that reads it, where one is under way.

    One that is under way goes on as it is. One that ended early goes on where it was; one that is done is begun anew
    for the accounts named in `again` alone: its lists are read again, its days are not.

    Raises:
        MongoUnavailable: MongoDB does not answer; ask again.
    """
    found: dict[str, OperationDocument] = {}
    chosen: list[tuple[AccountDocument, History | None]] = []
    for account in accounts:
        history = store.memories.history(account["_id"])
        operation = under_way(store, history)
        if operation is not None:
            found[account["_id"]] = operation
        elif history is None or history["state"] != "done" or account["_id"] in again:
            chosen.append((account, history))
    for workspace_id, group in groupby(sorted(chosen, key=_workspace), key=_workspace):
        pairs, operation_id = list(group), new_operation_id()
        for account, history in pairs:
            store.memories.begin_history(account, _begun(operation_id, history))
        # Last: an operation without accounts would be over at once.
        one = pairs[0][0]["_id"] if len(pairs) == 1 else None
        queued = store.operations.request(KIND, workspace_id, account_id=one, operation_id=operation_id)
        found |= {account["_id"]: queued for account, _ in pairs}
    return found


def under_way(store: Store, history: History | None) -> OperationDocument | None:
    """Return the operation that reads a history, None where none does."""
    if history is None or history["state"] not in UNFINISHED_HISTORY:
        return None
    try:
        operation = store.operations.get(history["operationId"])
    except NotFound:
        # Whoever asked was killed before the operation was written.
        return None
    return None if operation["state"] in FINISHED else operation


def stop(store: Store, account_id: str, state: str) -> OperationDocument | None:
    """End the history of an account that was paused or disconnected, where it waits; return the operation it changed.

    A run that is reading the account at this moment sees the new state before its next call and ends the history
    itself.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    history = store.memories.history(account_id)
    if history is None or not store.memories.stop_history(account_id, state, f"the account is {state}", utcnow()):
        return None
    try:
        return settle(store, history["operationId"])
    except NotFound:
        return None


def settle(store: Store, operation_id: str) -> OperationDocument | None:
    """Bring an operation up to date with its accounts; return it where anything of it changed, else None."""
    histories = store.memories.histories(**{"history.operationId": operation_id})
    counted = progress(histories)
    if any(history["state"] in UNFINISHED_HISTORY for history in histories.values()):
        return store.operations.progress(operation_id, counted)
    state, facts = _outcome(histories)
    return store.operations.finish(operation_id, state, progress=counted, **facts)


def progress(histories: Mapping[str, History]) -> Counted:
    """Return how many posts and days were read, of those that are known to be wanted."""
    parts = [part for history in histories.values() for part in (history["posts"], history["days"])]
    return {"done": sum(part["done"] for part in parts), "expected": sum(part["expected"] for part in parts)}


def _outcome(histories: Mapping[str, History]) -> tuple[OperationState, dict[str, object]]:
    """Return how an operation ended: by counts of its accounts alone, for it may outlive them."""
    states = [history["state"] for history in histories.values()]
    counts = {
        "ok": sum(state in ("done", "partial") for state in states),
        "failed": states.count("failed"),
        "skipped": states.count("stopped"),
    }
    whole = states.count("done")
    reasons = sorted({history.get("reason", "") for history in histories.values() if history["state"] != "done"} - {""})
    facts: dict[str, object] = {"accounts": counts}
    if whole < len(states):
        facts["error"] = f"{len(states) - whole} of {len(states)} accounts were not read in whole: {', '.join(reasons)}"
    if whole == len(states):
        return "succeeded", facts
    return ("partial" if counts["ok"] else "failed"), facts


def _begun(operation_id: str, before: History | None) -> History:
    """Return a history that begins, or goes on where an earlier one ended; lists that were read are read anew."""
    goes_on = before is not None and before["state"] in ("failed", "stopped")
    return {
        "operationId": operation_id,
        "state": "waiting",
        "askedAt": utcnow(),
        "posts": before["posts"] if before else {"done": 0, "expected": 0},
        "postsState": before["postsState"] if before and goes_on and before["postsState"] == "read" else "reading",
        "days": before["days"] if before else {"done": 0, "expected": 0},
        "asked": before["asked"] if before else [],
        "partly": before["partly"] if before else [],
        "left": [],
        "lists": before["lists"] if before and goes_on else {},
        "problems": [],
        "unavailable": before["unavailable"] if before else {},
        "calls": 0,
        "tries": 0,
    }


def _workspace(pair: tuple[AccountDocument, History | None]) -> str:
    return pair[0]["workspaceId"]
