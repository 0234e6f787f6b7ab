"""The clock of a stack may be ahead of the machine's."""

from datetime import timedelta

import pytest

from metrics import clock
from metrics.errors import SettingsError
from metrics.settings import load_settings
from pipelines.platforms.http.retries import retry_after
from simulator.clock import Clock
from tests.clock import ahead_by

YEAR = timedelta(days=365)
SECOND = timedelta(seconds=1)


def test_everything_that_asks_for_the_time_gets_the_offset() -> None:
    with ahead_by(-YEAR):
        wanted = clock.machine_now() - YEAR
        simulator = Clock()
        assert abs(clock.utcnow() - wanted) < SECOND
        assert abs(simulator.now() - wanted) < SECOND
        simulator.set(wanted + timedelta(hours=1))
        assert abs(simulator.now() - wanted - timedelta(hours=1)) < SECOND
        simulator.reset()
        assert abs(simulator.now() - wanted) < SECOND
        assert retry_after(f"{wanted + timedelta(minutes=5):%a, %d %b %Y %H:%M:%S GMT}") == pytest.approx(300, abs=2)
        with pytest.raises(SettingsError, match="TIDEMARK_FIRST_DAY: must not be in the future"):
            load_settings(_env_file=None, first_day=(wanted + timedelta(days=2)).date())


def test_offset_of_this_process_is_that_of_its_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(clock.VARIABLE, "0")
    with ahead_by(timedelta()):
        clock.set_offset(YEAR)
        assert clock.offset() == YEAR
        clock.offset.cache_clear()
        assert clock.offset() == YEAR, "read from the environment"


@pytest.mark.parametrize("text", ["", "soon", "1e9", "nan", "99999999999999"])
def test_offset_that_is_no_number_of_seconds_is_named(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with ahead_by(timedelta()):
        monkeypatch.setenv(clock.VARIABLE, text)
        with pytest.raises(SettingsError, match="TIDEMARK_CLOCK_OFFSET: must be a number of seconds"):
            clock.offset()
