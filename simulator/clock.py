"""The simulator's clock: that of the stack that it belongs to, until a test sets it."""

from datetime import datetime, timedelta

from metrics.clock import utcnow


class Clock:
    """Tells the time. `set` freezes nothing: time goes on from the instant that was set."""

    def __init__(self) -> None:
        self._offset = timedelta()

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return utcnow() + self._offset

    def set(self, instant: datetime) -> None:
        """Go on from `instant`."""
        self._offset = instant - utcnow()

    def reset(self) -> None:
        """Tell the time of the stack again: the real one, unless the stack lives at another."""
        self._offset = timedelta()
