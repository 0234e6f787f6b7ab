"""Carries out an erasure that was begun, from the stage that it has reached to its end."""

from redis import Redis

from metrics.settings import Settings
from metrics.store import Store
from metrics.store.erasures import Erasure, ErasureIds
from metrics.upkeep.erase import Erased, resume
from metrics.upkeep.ledger import Ledger
from tidemark.erasure.traces import Traces, erase_traces


def reached(stage: str) -> None:
    """Do nothing; called after each finished stage, so that tests can end the process there."""


def finish(
    store: Store, redis: Redis, settings: Settings, erasure: Erasure, *, no_dagster: bool = False
) -> tuple[Erased, Traces]:
    """Erase what is left to erase, in the stores and outside of them; return the counts of both.

    The erasure stays unfinished if Dagster's storage is not on this machine, unless there is none (`no_dagster`).

    Raises:
        LeftOver: another process wrote data in the meantime; call this again.
        MongoUnavailable, RedisUnavailable: a store does not answer; call this again when it does.
        ExportBusy: an export is running and does not end; call this again when it has ended.
        TidemarkError: a file or Dagster's storage cannot be cleaned; the message names it.
    """
    traces = Traces(None, 0, 0, None)

    def outside(erasure: Erasure, named: ErasureIds) -> bool:
        nonlocal traces
        traces = erase_traces(
            settings, store, redis, named, whole_workspace=erasure.kind == "workspace", reached=reached
        )
        return traces.dagster is not None or no_dagster

    ledger = Ledger.of(settings)
    # Noted before anything is deleted, so that no backup brings it back; and at the end, for backups made meanwhile.
    ledger.note(erasure.kind, erasure.name, erasure.by)
    outcome = resume(store, redis, erasure, outside, reached)
    ledger.note(erasure.kind, erasure.name, erasure.by)
    return outcome, traces
