"""Erasing from the stores in one call, and the process of an erasure that is killed on the way."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence

from redis import Redis

from metrics.store import Store
from metrics.store.erasures import Kind
from metrics.upkeep.erase import begin, resume


def erased(store: Store, redis: Redis, kind: Kind, name: str) -> Mapping[str, int]:
    """Erase an account or a workspace from the stores; return how many documents of each collection are gone."""
    return resume(store, redis, begin(store, kind, name, "test")).counts


def die_at(stage: str, words: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run `tidemark` in this process with a command's words, and end it by SIGKILL at a stage of the erasure."""
    os.environ.update(environment)
    from tidemark.cli import main
    from tidemark.erasure import finish

    def reached(one: str) -> None:
        if one == stage:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.modules[finish.__module__].reached = reached  # type: ignore[attr-defined]
    sys.exit(main(words))
