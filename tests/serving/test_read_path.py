"""A read enters few modules: somebody who follows one reads that many files at the most."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from metrics.settings import Settings
from metrics.store import Store
from serving.wire.headers import accepts_gzip
from tests.serving.conftest import reading, running

ROOT = Path(__file__).parents[2]
READ = "/analytics/workspace/w1/metrics"


MOST_HOT = 16
MOST_UNCACHED = 43
"""Before these limits are raised, look for a module that only passes calls on."""


class Entered:
    """The modules of `serving` and `metrics` whose functions are entered while something is done."""

    def __init__(self) -> None:
        self._modules: set[str] = set()

    def profile(self, frame: FrameType, event: str, _: Any) -> None:
        """Note the module of a function that is called; names like `<module>` and `<genexpr>` are no functions."""
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(str(ROOT)) and not code.co_name.startswith("<"):
            name = Path(code.co_filename).relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
            if name.startswith(("serving.", "metrics.")):
                self._modules.add(name)

    def during(self, *acts: Callable[[], object]) -> set[str]:
        """Return the modules that every one of some acts enters, which leaves out those of background tasks."""
        found = []
        for act in acts:
            # Functions with a cache would not be entered again, but are read by somebody who follows a read.
            accepts_gzip.cache_clear()
            self._modules = set()
            act()
            found.append(self._modules)
        return set.intersection(*found)


@contextmanager
def watched(settings: Settings) -> Iterator[tuple[str, Entered]]:
    """Run a server whose threads are all profiled; yield its URL and the modules that are entered."""
    entered = Entered()
    threading.setprofile(entered.profile)
    try:
        with running(settings) as (address, _):
            yield address, entered
    finally:
        threading.setprofile(None)


def test_read_enters_few_modules(seeded: Store, settings: Settings) -> None:
    with watched(settings) as (address, entered), reading(address, seeded) as client:

        def read(limit: int, cache: str) -> Callable[[], object]:
            def act() -> None:
                answer = client.get(READ, params={"limit": limit})
                assert (answer.status_code, answer.headers["x-cache"]) == (200, cache)

            return act

        read(100, "miss")()  # the first one of a process also looks up the key and opens the collections
        uncached = entered.during(*(read(limit, "miss") for limit in range(99, 89, -1)))
        hot = entered.during(*(read(90, "hit") for _ in range(10)))
    assert len(hot) <= MOST_HOT, sorted(hot)
    assert len(uncached) <= MOST_UNCACHED, sorted(uncached)
    assert {"serving.cache.answered_requests", "serving.cache.answer"} <= hot < uncached
