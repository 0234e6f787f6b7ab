"""Tests of the shifted clock of a stack: when it is accepted, kept or refused."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from metrics import clock
from metrics.clock import machine_now
from metrics.errors import InvalidInput
from metrics.settings import Settings, load_settings
from tests.clock import ahead_by
from tidemark.home import Home
from tidemark.stack.clock import adopt_clock, instant_of

BEGINS = datetime(2026, 3, 28, 22, 55, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _own_clock() -> Iterator[None]:
    with ahead_by(timedelta()):
        yield


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def embedded(tmp_path: Path) -> Settings:
    return load_settings(_env_file=None, home=tmp_path)


def lived(home: Home) -> None:
    """Create the files that a first start leaves behind."""
    (home.path / "mongo").mkdir()


@pytest.mark.parametrize("text", ["2026-03-28T22:55Z", "2026-03-28T23:55+01:00", "2026-03-28 22:55:00+00:00"])
def test_instant_is_read_in_any_zone(text: str) -> None:
    assert instant_of(text) == BEGINS


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("yesterday", "yesterday is not an instant"),
        ("2026-03-28T22:55", "has no time zone"),
        ("2026-02-30T00:00Z", "is not an instant"),
        ("1999-01-01T00:00Z", "from 2026-01-01"),
        ("9999-01-01T00:00Z", "from 2026-01-01"),
    ],
)
def test_what_is_no_instant_of_the_simulated_world_is_refused(text: str, word: str) -> None:
    with pytest.raises(InvalidInput, match=f"--clock: .*{word}"):
        instant_of(text)


def test_later_start_goes_on_where_the_folder_lives(home: Home, embedded: Settings) -> None:
    ahead = adopt_clock(home, embedded, BEGINS)
    assert abs(machine_now() + ahead - BEGINS) < SECOND
    assert clock.offset() == ahead
    lived(home)
    clock.set_offset(timedelta())
    assert adopt_clock(home, embedded, None) == ahead
    assert clock.offset() == ahead


def test_folder_that_lives_at_the_machines_time_stays_there(home: Home, embedded: Settings) -> None:
    assert adopt_clock(home, embedded, None) == timedelta()
    lived(home)
    with pytest.raises(InvalidInput, match="was written at the machine's time; set TIDEMARK_HOME to another folder"):
        adopt_clock(home, embedded, BEGINS)
    assert adopt_clock(home, embedded, None) == timedelta()


def test_clock_is_put_ahead_and_never_back(home: Home, embedded: Settings) -> None:
    adopt_clock(home, embedded, BEGINS)
    lived(home)
    ahead = adopt_clock(home, embedded, BEGINS + timedelta(days=3))
    with pytest.raises(InvalidInput, match=r"shows 2026-03-31T22:55:.* and cannot be put back"):
        adopt_clock(home, embedded, BEGINS)
    assert adopt_clock(home, embedded, None) == ahead


def test_start_without_a_clock_ignores_that_of_another_stack(home: Home, embedded: Settings) -> None:
    clock.set_offset(timedelta(days=9))  # as in a shell that evaluated the output of `tidemark env`
    assert adopt_clock(home, embedded, None) == timedelta()
    assert clock.offset() == timedelta()


@pytest.mark.parametrize(
    "outside",
    [{"mongo_url": "mongodb://db/"}, {"redis_url": "redis://db:1/0"}, {"linkedin_url": "https://api.linkedin.com"}],
    ids=lambda one: next(iter(one)),
)
def test_servers_that_live_at_another_time_are_refused(outside: dict[str, str], home: Home) -> None:
    settings = load_settings(_env_file=None, home=home.path, **outside)
    name = f"TIDEMARK_{next(iter(outside)).upper()}"
    with pytest.raises(InvalidInput, match=f"--clock works only with the embedded stores .*unset {name}"):
        adopt_clock(home, settings, BEGINS)
    assert list(home.path.iterdir()) == [], "nothing was noted"
    assert adopt_clock(home, settings, None) == timedelta()
