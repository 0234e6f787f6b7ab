"""Fixtures of the tests of streams."""

from collections.abc import Iterator

import httpx
import pytest

from metrics.store import Store
from serving.__main__ import Server
from tests.serving.stream.combined import key_of_both


@pytest.fixture
def both(live: tuple[str, Server], seeded: Store) -> Iterator[httpx.Client]:
    """A client with a key of `w1` and `w2`."""
    with key_of_both(live[0], seeded) as opened:
        yield opened
