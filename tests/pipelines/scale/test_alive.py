"""A worker is alive as long as it renews its leases."""

import pytest
from redis import Redis

from metrics.settings import PREFIX, Settings
from pipelines.scale.alive import main
from pipelines.scale.leases import Leases


@pytest.fixture(autouse=True)
def _environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}REDIS_URL", settings.redis_url or "")


def test_worker_is_alive_while_it_renews_its_leases(redis_client: Redis, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["celery@here"]) == 1
    assert "celery@here is not alive" in capsys.readouterr().err
    Leases(redis_client).hold("celery@here", [])
    assert main(["celery@here"]) == 0


def test_what_is_missing_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(f"{PREFIX}REDIS_URL")
    assert main([]) == 1
    assert capsys.readouterr().err.count("\n") == 1
