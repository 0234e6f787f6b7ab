"""The simulator's clock: the real one, until a test sets it."""

from datetime import UTC, datetime, timedelta


class Clock:
    """Tells the time. `set` freezes nothing: time goes on from the instant that was set."""

    def __init__(self) -> None:
        self._offset = timedelta()

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(UTC) + self._offset

    def set(self, instant: datetime) -> None:
        """Go on from `instant`."""
        self._offset = instant - datetime.now(UTC)

    def reset(self) -> None:
        """Tell the real time again."""
        self._offset = timedelta()
