"""Python's search for garbage stays away from what lives long, so that it stops no stream."""

import gc
from collections.abc import Iterator

import pytest

from serving.process import garbage

STREAMS, OBJECTS_EACH = 1000, 200


@pytest.fixture
def settled() -> Iterator[None]:
    before = gc.get_threshold()
    garbage.settle()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.mark.usefixtures("settled")
def test_opening_streams_has_not_everything_looked_through() -> None:
    before = gc.get_stats()
    streams = [[[] for _ in range(OBJECTS_EACH)] for _ in range(STREAMS)]
    after = gc.get_stats()
    assert len(streams) == STREAMS
    assert after[0]["collections"] > before[0]["collections"]
    assert after[2]["collections"] == before[2]["collections"]


@pytest.mark.usefixtures("settled")
def test_what_was_there_before_is_left_out() -> None:
    assert gc.get_freeze_count() > 0
