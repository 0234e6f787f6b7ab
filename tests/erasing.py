"""Erasing from the stores in one call, and the process of an erasure that is killed on the way."""

import os
import signal
import sys
from collections.abc import Mapping

from redis import Redis

from metrics.store import Store
from metrics.store.erasures import Kind
from metrics.upkeep.erase import begin, go_on


def erased(store: Store, redis: Redis, kind: Kind, name: str) -> Mapping[str, int]:
    """Erase an account or a workspace from the stores; return how many documents of each collection are gone."""
    return go_on(store, redis, begin(store, kind, name, "test")).counts


def die_at(stage: str) -> None:
    """End this process by SIGKILL when the erasure has reached a stage; `tidemark` runs with the arguments left."""
    from tidemark.cli import main
    from tidemark.erasure import finish

    def reached(one: str) -> None:
        if one == stage:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.modules[finish.__module__].reached = reached  # type: ignore[attr-defined]
    sys.exit(main(sys.argv[2:]))


if __name__ == "__main__":
    die_at(sys.argv[1])
