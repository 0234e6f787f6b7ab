"""The garbage collector leaves out long-lived objects, and threads that compute give way to the event loop soon."""

import gc
import sys
from collections.abc import Iterator

import pytest

from serving.process import interpreter

STREAMS, OBJECTS_EACH = 1000, 200


@pytest.fixture
def settled() -> Iterator[None]:
    before, interval = gc.get_threshold(), sys.getswitchinterval()
    interpreter.settle()
    yield
    sys.setswitchinterval(interval)
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.mark.usefixtures("settled")
def test_opening_streams_causes_no_full_collection() -> None:
    before = gc.get_stats()
    streams: list[list[list[object]]] = [[[] for _ in range(OBJECTS_EACH)] for _ in range(STREAMS)]
    after = gc.get_stats()
    assert len(streams) == STREAMS
    assert after[0]["collections"] > before[0]["collections"]
    assert after[2]["collections"] == before[2]["collections"]


@pytest.mark.usefixtures("settled")
def test_objects_of_the_start_up_are_left_out() -> None:
    assert gc.get_freeze_count() > 0


@pytest.mark.usefixtures("settled")
def test_threads_that_compute_give_way_soon() -> None:
    assert sys.getswitchinterval() == pytest.approx(interpreter.SWITCH_SECONDS)
