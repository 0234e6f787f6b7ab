"""Clock of the simulator: that of the stack that it belongs to, until a test sets another time."""

from datetime import datetime, timedelta

from metrics.clock import utcnow


class Clock:
    """A clock that can be set. It keeps running from the instant that was set."""

    def __init__(self) -> None:
        self._offset = timedelta()

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return utcnow() + self._offset

    def set(self, instant: datetime) -> None:
        """Set the clock to `instant`, from which it keeps running."""
        self._offset = instant - utcnow()

    def reset(self) -> None:
        """Return to the time of the stack, which is the real one unless the stack has a clock of its own."""
        self._offset = timedelta()
