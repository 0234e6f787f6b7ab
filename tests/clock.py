"""A process whose clock is ahead of the machine's, as that of a stack with `--clock` is."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from metrics import clock

INSTANT = datetime(2026, 11, 20, 16, 20, tzinfo=UTC)
"""When a test begins whose outcome would otherwise depend on the hour: stories are young, and years end."""


@contextmanager
def ahead_by(ahead: timedelta) -> Iterator[None]:
    """Let this process live `ahead` of the machine's clock for a while."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(clock.VARIABLE, str(ahead.total_seconds()))
        clock.offset.cache_clear()
        try:
            yield
        finally:
            clock.offset.cache_clear()
    clock.offset.cache_clear()
