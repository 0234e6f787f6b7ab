"""Fixtures of the dashboard: a browser, and a server over seeded history, each started once for these tests.

They do not live for the whole session: while Playwright runs, its thread has a running event loop, and other tests
start loops of their own.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from metrics.redis.client import connect as connect_redis
from metrics.settings import load_settings
from metrics.store import Store
from tests.serving.dashboard.stage import Look, Stage, fill
from tests.simulator_fixture import Simulator
from tidemark.stack import redis
from tidemark.stack.ports import free_port

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
from tests.serving.dashboard.stage import Look, Stage, launched, staged


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    with launched() as found:
        yield found


@pytest.fixture(scope="package")
def stage(mongo_server: str, tmp_path_factory: pytest.TempPathFactory, _simulator: Simulator) -> Iterator[Stage]:
    """A running server with a Redis of its own, because other tests empty the shared one."""
    home, port = tmp_path_factory.mktemp("dashboard"), free_port()
    child = redis.start(home / "redis", port, home / "logs")
    settings = load_settings(
        _env_file=None,
        home=home,
        mongo_url=mongo_server,
        mongo_db="dashboard",
        redis_url=redis.url(port),
        secret_keys=Fernet.generate_key().decode(),
        instagram_url=_simulator.url,
    )
    store = Store.connect(settings)
    store.ensure(settings)
    fill(store, settings)
    key, _ = store.keys.create("browser", ["*"], ["read", "collect"])
    reader, _ = store.keys.create("reader", ["*"], ["read"])
    with connect_redis(settings) as client:
        made = Stage(settings, store, client, free_port(), key, reader)
        made.start()
        yield made
        made.stop()
    store.client.drop_database(settings.mongo_db)
    store.close()
    child.stop()
    with staged(mongo_server, tmp_path_factory.mktemp("dashboard")) as found:
        yield found


@pytest.fixture
def look(browser: Browser, stage: Stage, request: pytest.FixtureRequest) -> Iterator[Look]:
    """A page of its own; parametrize it indirectly with options of the browser's context."""
    options = {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", **getattr(request, "param", {})}
    context = browser.new_context(**options)
    context.set_default_timeout(20_000)
    yield Look(context.new_page(), stage)
    context.close()
