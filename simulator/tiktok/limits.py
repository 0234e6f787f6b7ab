"""The limit of the Display API: 600 requests of the app to each endpoint within any 60 seconds.

Facts: docs/platform-facts.md#tiktok-limits-and-errors.
"""

from collections import deque
from datetime import datetime, timedelta

from simulator.state import State
from simulator.tiktok.problem import too_many

PER_MINUTE = 600
WINDOW = timedelta(seconds=60)


def take(state: State, endpoint: str, now: datetime) -> None:
    """Count a request in the sliding window of its endpoint; a refused one does not count.

    Raises:
        Problem: the endpoint had 600 requests in the last 60 seconds.
    """
    windows: dict[str, deque[datetime]] = state.memory.setdefault("tiktok:windows", {})
    window = windows.setdefault(endpoint, deque())
    # Instants after the present one are of a time to which the clock was set before.
    while window and not now - WINDOW < window[0] <= now:
        window.popleft()
    if len(window) >= PER_MINUTE:
        raise too_many()
    window.append(now)
