"""Fixtures: the command line, and the stores of one test."""

import pytest

from metrics.settings import PLATFORM_APIS, Settings
from metrics.store import Store
from tests.tidemark.commands import Cli
from tidemark.stack.ports import HOST, free_port


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Return the command line, with the settings of the test."""
    return Cli(capsys)


@pytest.fixture
def on_stores(store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return the store of a test, which the commands find by their settings."""
    monkeypatch.chdir(settings.home)
    for name in ("mongo_url", "mongo_db", "redis_url", "home"):
        monkeypatch.setenv(f"TIDEMARK_{name.upper()}", str(getattr(settings, name)))
    for api in PLATFORM_APIS:
        # No process listens there: tokens cannot be checked, and accounts are connected nevertheless.
        monkeypatch.setenv(f"TIDEMARK_{api.upper()}_URL", f"http://{HOST}:{free_port()}")
    monkeypatch.setenv("TIDEMARK_SECRET_KEYS", settings.secret_keys[0].get_secret_value())
    monkeypatch.setenv("TIDEMARK_RETENTION_DAYS", str(settings.retention_days))
    monkeypatch.setenv("TIDEMARK_ROLLUP_RETENTION_DAYS", str(settings.rollup_retention_days))
    return store
