"""The present time in UTC, and the text form of instants.


A stack may live at another time than the machine, for tests and demonstrations: `tidemark up --clock` decides by how
many seconds its clock is ahead of the machine's, and all its processes find that number in the environment. Everything
that asks for the time of day asks here. Durations are measured with `time.monotonic`, which no offset moves.
"""

import os
import re
from datetime import UTC, datetime, timedelta
from functools import cache

from metrics.errors import SettingsError

VARIABLE = "TIDEMARK_CLOCK_OFFSET"
"""The variable with the seconds that the clock of a stack is ahead of the machine's; negative where it is behind."""

_SECONDS = re.compile(r"-?\d{1,11}(\.\d{1,6})?")


def utcnow() -> datetime:
    """Return the present instant in UTC, truncated to milliseconds as BSON stores it."""
    now = datetime.now(UTC) + offset()
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def machine_now() -> datetime:
    """Return the machine's own time in UTC, to compare it with the clock of another machine or server."""
    return datetime.now(UTC)


@cache
def offset() -> timedelta:
    """Return how far the clock of this process is ahead of the machine's; nothing, unless a stack said otherwise.

    Raises:
        SettingsError: the variable holds no number of seconds.
    """
    text = os.environ.get(VARIABLE, "0")
    if not _SECONDS.fullmatch(text):
        raise SettingsError(f"{VARIABLE}: must be a number of seconds; `tidemark up --clock` sets it, so unset it")
    return timedelta(seconds=float(text))


def set_offset(ahead: timedelta) -> None:
    """Let this process, and those that it starts from now on, live `ahead` of the machine's clock."""
    os.environ[VARIABLE] = f"{ahead.total_seconds():.6f}"
    offset.cache_clear()


def isoformat(instant: datetime) -> str:
    """Return `instant` as RFC 3339 in UTC with `Z`; milliseconds only if there are any.

    >>> isoformat(datetime(2026, 1, 15, 10, tzinfo=UTC))
    '2026-01-15T10:00:00Z'
    """
    instant = instant.astimezone(UTC)
    spec = "milliseconds" if instant.microsecond else "seconds"
    return instant.isoformat(timespec=spec).replace("+00:00", "Z")
