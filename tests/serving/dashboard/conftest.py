"""Fixtures of the dashboard: a browser, and a server over seeded history, each started once for these tests.

They do not live for the whole session: while Playwright runs, its thread has a running event loop, and other tests
start loops of their own.
"""

import re
from collections.abc import Generator, Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.serving.dashboard.stage import Look, Stage, artefact, launched, staged
from tests.simulator_fixture import Simulator

PATIENCE_MS = 20_000
_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note that a test failed, for the screenshot of its page."""
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
    return report


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    with launched() as found:
        yield found


@pytest.fixture(scope="package")
def stage(mongo_server: str, tmp_path_factory: pytest.TempPathFactory, _simulator: Simulator) -> Iterator[Stage]:
    """A running server with a Redis of its own, because other tests empty the shared one."""
    with staged(mongo_server, tmp_path_factory.mktemp("dashboard"), _simulator.url) as found:
        yield found


@pytest.fixture
def look(browser: Browser, stage: Stage, request: pytest.FixtureRequest) -> Iterator[Look]:
    """A page of its own; parametrize it indirectly with options of the browser's context."""
    options = {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", **getattr(request, "param", {})}
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE_MS)
    # By default, an expectation waits for 5 s: the first answer on a busy machine takes longer.
    expect.set_options(timeout=PATIENCE_MS)
    found = Look(context.new_page(), stage)
    yield found
    if request.node.stash.get(_FAILED, False):
        found.page.screenshot(path=artefact("failed " + re.sub(r"[^\w-]+", " ", request.node.name).strip()))
    context.close()
