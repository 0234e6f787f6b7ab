"""Fixtures: watched accounts of the simulator, which publish a fifth of their usual posts."""

import pytest
from redis import Redis

from metrics.settings import Settings
from metrics.store import Store
from pipelines.platforms.http import retries
from tests.pipelines.watching.days import Days
from tests.simulator_fixture import Simulator


@pytest.fixture(autouse=True)
def _few_posts_by_default(few_posts: None) -> None:
    """Let accounts publish a fifth of their usual posts."""


@pytest.fixture
def days(
    store: Store, redis_client: Redis, settings: Settings, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> Days:
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.001)
    return Days.of(store, redis_client, settings, simulator)
