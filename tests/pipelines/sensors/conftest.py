"""A receiver of messages."""

from collections.abc import Iterator

import pytest

from tests.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An HTTP server that keeps what it is sent."""
    opened = Receiver()
    yield opened
    opened.close()
