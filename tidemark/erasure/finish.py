"""An erasure that was begun, from wherever it stands to its end."""

from redis import Redis

from metrics.settings import Settings
from metrics.store import Store
from metrics.store.erasures import Erasure, Named
from metrics.upkeep.erase import Erased, go_on
from metrics.upkeep.ledger import Ledger
from tidemark.erasure.traces import Traces, erase_traces


def reached(stage: str) -> None:
    """Be told of each stage that is done. Tests end the process here."""


def finish(
    store: Store, redis: Redis, settings: Settings, erasure: Erasure, *, no_dagster: bool = False
) -> tuple[Erased, Traces]:
    """Erase what is left to erase, in the stores and outside of them; return what came of it.

    The erasure stays unfinished where Dagster's storage is out of reach here, unless there is none (`no_dagster`).

    Raises:
        LeftOver: somebody wrote meanwhile; finish again.
        MongoUnavailable, RedisUnavailable: a store does not answer; finish when it does.
        ExportBusy: an export is under way and does not end; finish when it has ended.
        TidemarkError: a file or Dagster's storage cannot be cleaned; the message names it.
    """
    traces = Traces(None, 0, None)

    def outside(erasure: Erasure, named: Named) -> bool:
        nonlocal traces
        traces = erase_traces(settings, redis, named, whole_workspace=erasure.kind == "workspace", reached=reached)
        return traces.dagster is not None or no_dagster

    ledger = Ledger.of(settings)
    # Before anything is deleted, so that no backup brings it back; and at the end, for backups made meanwhile.
    ledger.note(erasure.kind, erasure.name, erasure.by)
    outcome = go_on(store, redis, erasure, outside, reached)
    ledger.note(erasure.kind, erasure.name, erasure.by)
    return outcome, traces
