"""Logs: one JSON object per line, with the request's id, and without a secret."""

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from metrics.settings import Settings
from metrics.store import Store
from serving.process.logs import JsonFormatter, redact, request_id
from tests.waiting import until
from tidemark.stack.ports import free_port

TICKET = "tmt_" + "marked" * 7
TOKEN = "eyJhbGciOiJub25lIn0.marked.marked"


@pytest.mark.parametrize(
    "secret",
    ["tm_live_marked123", TICKET, TOKEN, "Bearer marked", "redis://user:marked@host/0", "mongodb://u:marked@host"],
)
def test_secrets_are_redacted(secret: str) -> None:
    assert "marked" not in redact(f"before {secret} behind")
    assert redact(f"before {secret} behind").startswith("before ")


def test_line_has_the_request_id_and_the_trace() -> None:
    token = request_id.set("abc")
    error = ValueError("with tm_live_marked")
    record = logging.LogRecord("n", logging.ERROR, "f", 1, "it %s", ("failed",), (ValueError, error, None))
    line = json.loads(JsonFormatter().format(record))
    request_id.reset(token)
    assert (line["message"], line["requestId"], line["level"]) == ("it failed", "abc", "error")
    assert "ValueError" in line["exception"]
    assert "marked" not in line["exception"]


def environment(settings: Settings, **more: str) -> dict[str, str]:
    urls = {"TIDEMARK_MONGO_URL": settings.mongo_url, "TIDEMARK_REDIS_URL": settings.redis_url}
    names = {"TIDEMARK_MONGO_DB": settings.mongo_db, "TIDEMARK_HOME": str(settings.home)}
    return {**os.environ, **{n: v for n, v in urls.items() if v}, **names, **more}


@pytest.fixture
def process(seeded: Store, settings: Settings, tmp_path: Path) -> Iterator[tuple[str, str, Path]]:
    """A server with two worker processes: its URL, the URL of its metrics, and its log."""
    port, metrics, log = free_port(), free_port(), tmp_path / "serving.log"
    command = [sys.executable, "-m", "serving", "--port", str(port), "--workers", "2"]
    with log.open("wb") as file:
        started = subprocess.Popen(
            command, stdout=file, stderr=file, env=environment(settings, TIDEMARK_PROMETHEUS_PORT=str(metrics))
        )
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _answers(url), 90)
        yield url, f"http://127.0.0.1:{metrics}/metrics", log
    finally:
        started.send_signal(signal.SIGTERM)
        started.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def logged(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


@pytest.mark.timeout(180)
def test_metrics_are_served_and_no_secret_is_logged(process: tuple[str, str, Path], seeded: Store) -> None:
    url, metrics, log = process
    key, _ = seeded.keys.create("k", ["w1"], ["read"])
    headers = {"Authorization": f"Bearer {key}"}
    for _ in range(4):
        httpx.get(f"{url}/analytics/workspace/w1/metrics", headers=headers)
    httpx.get(f"{url}/analytics/stream", params={"workspaceId": "w1", "ticket": TICKET})
    httpx.get(f"{url}/analytics/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    httpx.get(f"{url}/socket.io/", params={"EIO": "3", "transport": "polling"})
    httpx.get(f"{url}/{key}", headers={"X-Request-ID": "told-1"})
    until(lambda: any(line.get("requestId") == "told-1" and line["status"] == 404 for line in logged(log)))
    assert all(secret not in log.read_text() for secret in (key, TICKET, TOKEN, "marked", "ticket="))
    said = httpx.get(metrics).text
    route = 'route="/analytics/workspace/{workspaceId}/metrics"'
    counted = [line for line in said.splitlines() if "_count" in line and route in line and 'status="200"' in line]
    assert sum(float(line.rpartition(" ")[2]) for line in counted) == 4
    assert 'tidemark_cache_answers_total{kind="metrics",result="hit"}' in said
    assert 'tidemark_auth_failures_total{reason="invalid"}' in said
    assert httpx.get(f"{url}/metrics").status_code == 404
