"""The instant of the simulator's tests, and a simulator whose clock shows it."""

from datetime import UTC, datetime

import pytest

from tests.simulator_fixture import Simulator

NOW = datetime(2026, 11, 20, 16, 20, tzinfo=UTC)
"""A Friday in standard time."""


@pytest.fixture
def api(simulator: Simulator) -> Simulator:
    """The simulator as new, at `NOW`."""
    simulator.set_clock(NOW)
    return simulator
