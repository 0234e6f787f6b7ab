"""Operations: convert requested work into a run, and report the run's outcome to the operation.

The sensor `requested_work` turns a queued operation into one run (`run_key` is the operation's id). Each asset of the
run reports its outcome, and the last one finishes the operation. If a run ends without that, the sensor finishes its
operation. Histories of accounts have runs of another kind: `pipelines.runs.histories`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from metrics.documents import OperationDocument, Platform
from metrics.errors import TidemarkError
from metrics.periods import Period, slot_of
from metrics.store import Store
from pipelines.partitions import has_partition, period_key, slot_key
from pipelines.resources import Clients


@dataclass(frozen=True, slots=True)
class Work:
    """The run that carries out an operation: a job, its assets and its partition."""

    operation_id: str
    job: str
    assets: tuple[str, ...]
    partition: str


def plan(operation: OperationDocument, platforms: Sequence[Platform], now: datetime) -> Work:
    """Return the run for an operation; a collection is of the present hour.

    Raises:
        TidemarkError: the operation asks for a period that has no partition.
    """
    if operation["kind"] == "collect":
        assets = tuple(f"raw_{platform}" for platform in platforms)
        return Work(operation["_id"], "collect_hourly", assets, slot_key(slot_of(now)))
    period: Period = operation["period"]
    start = operation["periodStart"]
    if not has_partition(start, now):
        raise TidemarkError(f"there is no {period} partition {period_key(start)}")
    return Work(operation["_id"], f"aggregate_{period}", (f"{period}_rollup",), period_key(start))


def platforms_of(store: Store, operation: OperationDocument, known: Sequence[Platform]) -> list[Platform]:
    """Return the platforms on which an operation has accounts, in the registry's order; all if it has none."""
    if "accountId" in operation:
        accounts = [store.accounts.get(operation["accountId"])]
    else:
        accounts = store.accounts.find(workspace_id=operation["workspaceId"])
    present = {account["platform"] for account in accounts}
    return [platform for platform in known if platform in present] or list(known)


class Outcome:
    """The outcome of one asset for an operation: counts of accounts that are ok, failed or skipped."""

    def __init__(self) -> None:
        self.accounts: dict[str, int] = {}

    def set(self, accounts: Mapping[str, int]) -> None:
        """Set the counts."""
        self.accounts = dict(accounts)


def begin(clients: Clients, operation_id: str | None, run_id: str) -> None:
    """Mark an operation as running and announce it; without an operation, do nothing."""
    if operation_id is not None and clients.store.operations.start(operation_id, run_id):
        _expect_accounts(clients.store, operation_id)
        clients.announce_operation(operation_id)


def _expect_accounts(store: Store, operation_id: str) -> None:
    """Record how many accounts of each platform a collection has to read; do nothing for other work."""
    operation = store.operations.get(operation_id)
    if operation["kind"] != "collect" or "platforms" in operation:
        return
    found = store.accounts.connections([operation["workspaceId"]], states=("active", "unreachable"))
    wanted = [account for account in found if operation.get("accountId") in (None, account.account_id)]
    store.operations.expect(operation_id, Counter(account.platform for account in wanted))


@contextmanager
def report_outcome(clients: Clients, operation_id: str | None, run_id: str, part: str, parts: int) -> Iterator[Outcome]:
    """Report begin and outcome of one part of an operation's work; without an operation, do nothing.

    After an exception the operation stays running, because Dagster may retry the step. When the run ends, the sensor
    finishes the operation.
    """
    outcome = Outcome()
    if operation_id is None:
        yield outcome
        return
    begin(clients, operation_id, run_id)
    yield outcome
    finished = clients.store.operations.report(operation_id, part, outcome.accounts, parts)
    if finished is not None:
        clients.announce_operation(operation_id)
