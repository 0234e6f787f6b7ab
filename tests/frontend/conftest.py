"""Fixtures of the React example: a browser, a server that a test can cut off, and the built page."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.frontend.react_page import built, modules, previewed
from tests.serving.dashboard.stage import Stage, launched, staged
from tests.simulator_fixture import Simulator
from tests.tcp_proxy import TcpProxy

SECONDS = 20


@dataclass
class Scene:
    """The server, the network before the built page (`network`) and before MongoDB (`mongo`), and the page's URL."""

    stage: Stage
    network: TcpProxy
    mongo: TcpProxy
    url: str


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    modules("react-dashboard")
    with launched() as found:
        yield found


@pytest.fixture(scope="package")
def scene(
    browser: Browser, mongo_server: str, tmp_path_factory: pytest.TempPathFactory, _simulator: Simulator
) -> Iterator[Scene]:
    """A server over seeded history, and the example before it."""
    home = tmp_path_factory.mktemp("frontend")
    mongo = TcpProxy(urlsplit(mongo_server).port or 0)
    reached = f"mongodb://{mongo.url.removeprefix('http://')}/?directConnection=true"
    with staged(mongo_server, home, _simulator.url, mongo_url=reached) as stage:
        folder = built(home / "page", f"{stage.url}openapi.json")
        with previewed(folder, stage.url) as url:
            network = TcpProxy(urlsplit(url).port or 0)
            yield Scene(stage, network, mongo, network.url)
            network.close()
    mongo.close()


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of its own; parametrize it indirectly with options of the browser's context."""
    options = {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", **getattr(request, "param", {})}
    context = browser.new_context(**options)
    context.set_default_timeout(1000 * SECONDS)
    expect.set_options(timeout=1000 * SECONDS)
    yield context.new_page()
    context.close()
