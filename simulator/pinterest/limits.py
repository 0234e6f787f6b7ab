"""Pinterest's limits: calls per UTC day of an app with Trial access, and calls per minute of a user by category.

Facts: docs/platform-facts.md#pinterest-limits-and-errors.
"""

from datetime import datetime

from simulator.pinterest.problem import too_many
from simulator.pinterest.tokens import TRIAL, app_of
from simulator.state import State

TRIAL_CALLS_PER_DAY = 1_000
READ, ANALYTICS = "org_read", "org_analytics"
CALLS_PER_MINUTE = {READ: 1_000, ANALYTICS: 300}

Used = dict[tuple[str, str, int], int]
_DAY, _MINUTE = 86_400, 60
_MOST = 50_000


def used(state: State) -> Used:
    """Return the calls of each window, by the category, the app and user, and the number of the window."""
    found: Used = state.memory.setdefault("pinterest:calls", {})
    return found


def spend(state: State, category: str, token: str, user: str, now: datetime) -> None:
    """Count a call.

    Raises:
        Problem: a limit is used.
    """
    app, seconds, calls = app_of(token), int(now.timestamp()), used(state)
    if len(calls) > _MOST:
        calls.clear()
    windows = [((category, f"{app}:{user}", seconds // _MINUTE), CALLS_PER_MINUTE[category])]
    if app.startswith(TRIAL):
        windows.append((("trial", app, seconds // _DAY), TRIAL_CALLS_PER_DAY))
    if any(calls.get(window, 0) >= most for window, most in windows):
        raise too_many()
    for window, _ in windows:
        calls[window] = calls.get(window, 0) + 1
