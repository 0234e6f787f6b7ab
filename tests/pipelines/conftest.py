"""Fixtures: a deployment in this process, and an ephemeral Dagster instance."""

from collections.abc import Iterator

import dagster as dg
import pytest
from redis import Redis

from metrics.redis.events import Announcer
from metrics.settings import PLATFORM_APIS, Settings
from metrics.store import Store
from pipelines.resources import Clients
from tests.pipelines.deployment import Deployment
from tests.simulator_fixture import Simulator


@pytest.fixture
def deployment(store: Store, redis_client: Redis, settings: Settings, simulator: Simulator) -> Deployment:
    urls = {f"{api}_url": simulator.url for api in PLATFORM_APIS}
    there = settings.model_copy(update={**urls, "collect_shards": 3})
    return Deployment(Clients(there, store, redis_client, Announcer(redis_client)), simulator)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as opened:
        yield opened
