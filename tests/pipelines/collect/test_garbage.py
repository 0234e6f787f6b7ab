"""Python's cyclic garbage collection is rare while accounts are read, and as before afterwards."""

import gc
from collections.abc import Iterator
from contextlib import suppress

import pytest

from pipelines.collect.garbage import NEW_OBJECTS, rare_searches


@pytest.fixture(autouse=True)
def _thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    gc.unfreeze()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_the_end_restores_what_was_before_even_after_an_error() -> None:
    before = gc.get_threshold()
    with suppress(LookupError), rare_searches():
        assert gc.get_threshold() == (NEW_OBJECTS, *before[1:])
        assert gc.get_freeze_count() > 0
        raise LookupError
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_only_the_last_of_overlapping_blocks_restores() -> None:
    before = gc.get_threshold()
    first, second = rare_searches(), rare_searches()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_threshold()[0] == NEW_OBJECTS
    second.__exit__(None, None, None)
    assert gc.get_threshold() == before


def test_a_process_keeps_what_it_chose_itself() -> None:
    gc.set_threshold(0)
    gc.freeze()
    with rare_searches():
        assert gc.get_threshold()[0] == 0
    assert gc.get_threshold()[0] == 0
    assert gc.get_freeze_count() > 0
