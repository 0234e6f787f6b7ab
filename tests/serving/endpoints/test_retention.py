"""A serving process reports retention periods of the database that differ from its settings, as long as they do."""

import socket

import pytest
from redis import Redis

from metrics.settings import Settings
from metrics.store import Store
from metrics.upkeep import other_retention
from tests.retained import keep
from tests.serving.conftest import running
from tests.waiting import until


def test_start_names_both_values(
    store: Store, settings: Settings, redis_client: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    said = "the database keeps metrics for 3650 days, TIDEMARK_RETENTION_DAYS says 20000 days"
    keep(store, settings.model_copy(update={"retention_days": 3650}))
    with running(settings):
        until(lambda: said in caplog.text)
        until(lambda: other_retention.noted(redis_client) == [f"API on {socket.gethostname()}: {said}"])
    with running(settings.model_copy(update={"retention_days": 3650})):
        until(lambda: other_retention.noted(redis_client) == [])
