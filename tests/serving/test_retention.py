"""A serving process says at its start where the database keeps data for another time than its settings."""

import pytest

from metrics.settings import Settings
from metrics.store import Store
from tests.retained import keep
from tests.serving.conftest import running
from tests.waiting import until


def test_start_names_both_values(store: Store, settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    keep(store, settings.model_copy(update={"retention_days": 3650}))
    with running(settings):
        until(lambda: "keeps metrics for 3650 days, TIDEMARK_RETENTION_DAYS says 20000 days" in caplog.text)
