"""Build the record of an account's slot, which tells users and asset checks whether it was collected."""

from datetime import datetime
from typing import Any

from metrics.clock import utcnow
from metrics.documents import AccountDocument, CollectionDocument
from metrics.store.collections import record_id
from pipelines.collect.report import NO_IMPOSSIBLE_VALUES, CollectReport
from pipelines.platforms.data.tally import Tally

LONGEST_MESSAGE = 500
_MOST_PROBLEMS = 20


def record(
    account: AccountDocument,
    slot: datetime,
    run_id: str,
    state: str,
    report: CollectReport,
    tally: Tally,
    observations: int,
    **more: str,
) -> CollectionDocument:
    """Return the record of an account in a slot with so many observations.

    `more` are the reason and the message of a failure.
    """
    found: dict[str, Any] = {
        "_id": record_id(account["_id"], slot),
        "workspaceId": account["workspaceId"],
        "accountId": account["_id"],
        "platform": account["platform"],
        "slot": slot,
        "state": state,
        "finishedAt": utcnow(),
        "runId": run_id,
        "observations": observations,
        "calls": tally.calls,
        **more,
    }
    if report.not_recoverable:
        found["notRecoverable"] = sorted(report.not_recoverable)
    if report.quarantined:
        found["quarantined"] = sorted(report.quarantined)
    if report.parts:
        # Only some problems are kept: those that a check looks for by its name come first, so that none is cut off.
        first = sorted(report.parts, key=lambda part: part.what != NO_IMPOSSIBLE_VALUES)
        found["problems"] = [
            {"what": part.what, "reason": part.reason, "message": part.message} for part in first[:_MOST_PROBLEMS]
        ]
    return found  # type: ignore[return-value]
