"""Operations: convert requested work into a run, and report the run's outcome to the operations.

The sensor `requested_work` requests one run for each batch of operations (`metrics.store.operation_queue`). `run_key`
and the run's tag are the id of the batch. Each asset of the run reports its outcome to all operations of the batch, and
the last one finishes them. If a run ends without that, the sensor finishes its operations. Histories of accounts have
runs of another kind: `pipelines.runs.histories`.
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
from metrics.store.operation_queue import Batch
from pipelines.partitions import has_partition, period_key, slot_key
from pipelines.resources import Clients


@dataclass(frozen=True, slots=True)
class Work:
    """The run that carries out a batch of operations: a job, its assets and its partition."""

    batch_id: str
    job: str
    assets: tuple[str, ...]
    partition: str


def plan(batch: Batch, platforms: Sequence[Platform], now: datetime) -> Work:
    """Return the run for a batch of operations; a collection is of the present hour.

    Raises:
        TidemarkError: the batch asks for a period that has no partition.
    """
    operation = batch.first
    if operation["kind"] == "collect":
        assets = tuple(f"raw_{platform}" for platform in platforms)
        return Work(batch.id, "collect_hourly", assets, slot_key(slot_of(now)))
    period: Period = operation["period"]
    start = operation["periodStart"]
    if not has_partition(start, now):
        raise TidemarkError(f"there is no {period} partition {period_key(start)}")
    return Work(batch.id, f"aggregate_{period}", (f"{period}_rollup",), period_key(start))


def platforms_of(store: Store, operation: OperationDocument, known: Sequence[Platform]) -> list[Platform]:
    """Return the platforms on which an operation has accounts, in the registry's order; all if it has none."""
    if "accountId" in operation:
        accounts = [store.accounts.get(operation["accountId"])]
    else:
        accounts = store.accounts.find(workspace_id=operation["workspaceId"])
    present = {account["platform"] for account in accounts}
    return [platform for platform in known if platform in present] or list(known)


class Outcome:
    """The outcome of one asset for each operation of a batch: counts of accounts that are ok, failed or skipped."""

    def __init__(self) -> None:
        self.accounts: dict[str, int] = {}

    def set(self, accounts: Mapping[str, int]) -> None:
        """Set the counts."""
        self.accounts = dict(accounts)


def begin(clients: Clients, batch_id: str | None, run_id: str) -> None:
    """Mark the operations of a batch as running and announce them; without a batch, do nothing.

    Raises:
        NotFound: there is no such batch.
    """
    if batch_id is None:
        return
    for operation in clients.store.operation_queue.batch(batch_id).operations:
        if clients.store.operations.start(operation["_id"], run_id):
            _expect_accounts(clients.store, operation)
            clients.announce_operation(operation["_id"])


def _expect_accounts(store: Store, operation: OperationDocument) -> None:
    """Record how many accounts of each platform a collection has to read; do nothing for other work."""
    if operation["kind"] != "collect" or "platforms" in operation:
        return
    found = store.accounts.connections([operation["workspaceId"]], states=("active", "unreachable"))
    wanted = [account for account in found if operation.get("accountId") in (None, account.account_id)]
    store.operations.expect(operation["_id"], Counter(account.platform for account in wanted))


@contextmanager
def report_outcome(clients: Clients, batch_id: str | None, run_id: str, part: str, parts: int) -> Iterator[Outcome]:
    """Report begin and outcome of one part of a batch's work to its operations; without a batch, do nothing.

    After an exception the operations stay running, because Dagster may retry the step. When the run ends, the sensor
    finishes them.

    Raises:
        NotFound: there is no such batch.
    """
    outcome = Outcome()
    if batch_id is None:
        yield outcome
        return
    begin(clients, batch_id, run_id)
    yield outcome
    for operation in clients.store.operation_queue.batch(batch_id).operations:
        if clients.store.operations.report(operation["_id"], part, outcome.accounts, parts) is not None:
            clients.announce_operation(operation["_id"])
