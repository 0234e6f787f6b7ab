"""The setting of the dashboard's tests: a server over seeded history, and a page of a browser."""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, sync_playwright
from redis import Redis

from metrics.clock import utcnow
from metrics.documents import AccountDocument, CollectionDocument, Observation, PostContent, PostDocument
from metrics.periods import PERIODS, midnight, period_start, slot_of, starts_between
from metrics.post_content import excerpt, folded
from metrics.redis.client import connect as connect_redis
from metrics.redis.events import Announcer, observation_event, operation_status, rollup_event
from metrics.settings import Settings, load_settings
from metrics.store import Store
from metrics.store.collections import record_id
from metrics.vault import Vault
from pipelines.rollup import roll
from serving.__main__ import Server, server
from serving.app import create_app
from simulator.captions import caption
from simulator.pictures import picture_url
from simulator.registry import new_world
from tests.waiting import until
from tidemark import seed
from tidemark.stack import redis
from tidemark.stack.ports import HOST, free_port

WANTED = os.environ.get("TIDEMARK_ARTEFACTS")
"""The folder in which somebody wants screenshots of what tests look at: they take up to a tenth of a test's time."""
ARTEFACTS = Path(WANTED or Path(__file__).parents[3] / "test-artefacts")
WORKSPACE, EMPTY, TROUBLED, CHANGING = "demo-north", "newcomer", "troubled", "growing"
DAYS = 30
POSTING = 0.5
"""The share of their usual posts that accounts publish: some ninety posts, which fill nine pages of the list."""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@contextmanager
def launched() -> Iterator[Browser]:
    """Run Chromium without a window; the test is skipped where there is none."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def keep(shown: Page | Locator, name: str) -> None:
    """Save a screenshot of a whole page, or of an element, for people to look at, if they want any."""
    if WANTED is None:
        return
    path = artefact(name)
    if isinstance(shown, Page):
        shown.screenshot(path=path, full_page=True)
    else:
        shown.screenshot(path=path)


def artefact(name: str) -> Path:
    """Return the file of a screenshot."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    return ARTEFACTS / f"{name}.png"


@dataclass
class Stage:
    """A server that can be stopped and started on its port, its stores, and keys for them."""

    settings: Settings
    store: Store
    redis: Redis
    port: int
    key: str
    reader: str
    _server: Server | None = field(default=None, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        """The URL of the page."""
        return f"http://{HOST}:{self.port}/"

    def start(self) -> None:
        """Serve."""
        running = self._server = server(create_app(self.settings), HOST, self.port)
        self._thread = threading.Thread(target=running.run)
        self._thread.start()
        until(lambda: running.started)

    def stop(self) -> None:
        """End the streams and stop the server."""
        assert self._server is not None
        assert self._thread is not None
        self._server.end_streams()
        self._server.should_exit = True
        self._thread.join(60)
        assert not self._thread.is_alive()

    def accounts(self) -> list[AccountDocument]:
        """The accounts of the workspace with history."""
        return self.store.accounts.find(workspace_id=WORKSPACE)

    def collect(self, account: AccountDocument, **metrics: int) -> None:
        """Write and announce what a collection of the present hour would, and roll up the affected periods."""
        now = utcnow()
        said = Observation(
            account["workspaceId"],
            account["_id"],
            account["platform"],
            "account",
            slot_of(now),
            now,
            metrics,
            "r",
            "v1",
        )
        self.store.observations.append([said])
        announcer = Announcer(self.redis)
        announcer.announce(account["workspaceId"], [observation_event(said)])

        def announce(workspace_id: str, documents: Any) -> None:
            announcer.announce(workspace_id, [rollup_event(document) for document in documents])

        for period in PERIODS:
            roll(self.store, period, [period_start(period, now)], run_id="r", announce=announce)

    def announce_operation(self, operation_id: str) -> None:
        """Announce the state of an operation."""
        operation = self.store.operations.get(operation_id)
        Announcer(self.redis).announce(operation["workspaceId"], [operation_status(operation)])


@contextmanager
def staged(mongo_server: str, home: Path, simulator_url: str, **served: Any) -> Iterator[Stage]:
    """Run a server over seeded history with a Redis of its own; `served` are settings of the server alone."""
    port = free_port()
    child = redis.start(home / "redis", port, home / "logs")
    settings = load_settings(
        _env_file=None,
        home=home,
        mongo_url=mongo_server,
        mongo_db="dashboard",
        redis_url=redis.url(port),
        secret_keys=Fernet.generate_key().decode(),
        instagram_url=simulator_url,
    )
    store = Store.connect(settings)
    store.ensure(settings)
    fill(store, settings)
    key, _ = store.keys.create("browser", ["*"], ["read", "collect"])
    reader, _ = store.keys.create("reader", ["*"], ["read"])
    with connect_redis(settings) as client:
        made = Stage(settings.model_copy(update=served), store, client, free_port(), key, reader)
        made.start()
        yield made
        made.stop()
    store.client.drop_database(settings.mongo_db)
    store.close()
    child.stop()


def fill(store: Store, settings: Settings) -> None:
    """Write a month of one workspace with its rollups, and a workspace that was never collected."""
    now = utcnow()
    what = seed.Plan(midnight((now - timedelta(days=DAYS)).date()), slot_of(now), (WORKSPACE,))
    seed.seed(store, Vault(settings.secret_keys), new_world(posting=POSTING), what, lambda _done, _total: None)
    _give_content(store, settings, now)
    for period in PERIODS:
        roll(store, period, list(starts_between(period, what.start, now)), run_id="seed", now=now)
    fresh: AccountDocument = {
        "_id": "acc_new", "workspaceId": EMPTY, "platform": "instagram", "platformAccountId": "1", "handle": "newcomer",
        "state": "active", "connectedAt": now,
    }  # fmt: skip
    store.accounts.put([fresh])
    _trouble(store, now)
    _change(store, now)


def _give_content(store: Store, settings: Settings, now: datetime) -> None:
    """Write the content of the living posts: captions of every kind, links, and pictures of the simulator."""
    posts = store.posts.published(WORKSPACE, now - timedelta(days=DAYS), now)
    given: list[PostDocument] = []
    for number, post in enumerate(one for one in posts if "deletedAt" not in one):
        content: PostContent = {"seenAt": now, "permalink": f"https://www.instagram.com/p/{number}/"}
        if (text := caption(number, post["publishedAt"].date())) is not None:
            content |= {"captionExcerpt": excerpt(text), "captionFolded": folded(excerpt(text))}
        if post["contentType"] != "text":
            content["thumbnailUrl"] = picture_url(settings.platform_url("instagram"), post["platformPostId"])
        given.append({**post, "content": content})
    store.posts.put(given)


def _change(store: Store, now: datetime) -> None:
    """Write an account that was there all the time, one that came ten days ago, and one that went twenty days ago."""
    ago, hour = timedelta(days=1), timedelta(hours=1)
    for name, platform, first, last, level in (
        ("stayed", "instagram", 40, 0, 500), ("came", "twitter", 10, 0, 30), ("went", "linkedin", 40, 20, 9),
    ):  # fmt: skip
        account: AccountDocument = {
            "_id": f"acc_{name}", "workspaceId": CHANGING, "platform": platform, "platformAccountId": name,  # type: ignore[typeddict-item]
            "handle": name, "state": "active", "connectedAt": now - first * ago,
        }  # fmt: skip
        store.accounts.put([account])
        start, end = slot_of(max(now - first * ago, now - DAYS * ago)), slot_of(now - last * ago)
        slots = [start + n * hour for n in range((end - start) // hour)]
        store.observations.append(
            Observation(CHANGING, f"acc_{name}", platform, "account", at, at + hour, {"followers": level}, "r", "v1")  # type: ignore[arg-type]
            for at in slots
        )
    store.accounts.disconnect("acc_went", now - 20 * ago)
    roll(store, "daily", list(starts_between("daily", now - DAYS * ago, now)), run_id="r", workspace_ids=[CHANGING])


def _trouble(store: Store, now: datetime) -> None:
    """Write an account that was observed in one hour of two days, and whose token is no longer valid."""
    account: AccountDocument = {
        "_id": "acc_troubled", "workspaceId": TROUBLED, "platform": "linkedin", "platformAccountId": "2",
        "handle": "troubled", "state": "needs_reauth", "stateReason": "the token has expired",
        "connectedAt": now - timedelta(days=2),
    }  # fmt: skip
    slot = slot_of(now - timedelta(days=1))
    record: CollectionDocument = {
        "_id": record_id("acc_troubled", slot), "workspaceId": TROUBLED, "accountId": "acc_troubled",
        "platform": "linkedin", "slot": slot, "state": "collected", "finishedAt": slot, "runId": "r",
        "observations": 1, "calls": 1,
    }  # fmt: skip
    failed: CollectionDocument = {
        **record, "_id": record_id("acc_troubled", slot_of(now)), "slot": slot_of(now), "state": "failed",
        "reason": "permission_missing", "message": "the token has <b>expired</b>",
    }  # fmt: skip
    said = Observation(TROUBLED, "acc_troubled", "linkedin", "account", slot, slot, {"followers": 50}, "r", "v1")
    store.accounts.put([account])
    store.observations.append([said])
    store.collections.put([record, failed])
    roll(store, "daily", [period_start("daily", slot)], run_id="r", workspace_ids=[TROUBLED])


_SCROLL = """async () => {
  for (const place of document.querySelectorAll("[data-later]")) {
    if (!place.checkVisibility()) continue;
    place.scrollIntoView();
    while ("later" in place.dataset) await new Promise((resolve) => requestAnimationFrame(resolve));
  }
  scrollTo(0, 0);
  // Answers that come later move what is below them.
  for (let quiet = 0; quiet < 2; quiet = underWay ? 0 : quiet + 1) await new Promise(requestAnimationFrame);
}"""
"""Bring all sections that are drawn when they come near into the view, one by one, and wait for the answers."""
_COUNT_REQUESTS = """
globalThis.underWay = 0;
const asked = globalThis.fetch;
globalThis.fetch = (...request) => {
  underWay += 1;
  const ended = () => setTimeout(() => { underWay -= 1; });
  return asked(...request).then(
    (answer) => { answer.clone().arrayBuffer().finally(ended).catch(() => {}); return answer; },
    (error) => { ended(); throw error; },
  );
};
"""


@dataclass
class Look:
    """A page of the browser, and all errors in it."""

    page: Page
    stage: Stage
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.add_init_script(_COUNT_REQUESTS)
        self.page.add_init_script(
            "addEventListener('securitypolicyviolation', (e) => console.error('CSP', e.violatedDirective))"
        )

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def open(self, workspace: str = WORKSPACE, key: str | None = None, *, drawn: bool = False) -> Page:
        """Open a workspace with a key, and wait until it is whole and live; with `drawn`, also until the charts are."""
        self.enter(workspace, key)
        self.scroll()
        if drawn:
            self.page.wait_for_selector("#plot-rate canvas")
        return self.page

    def enter(self, workspace: str = WORKSPACE, key: str | None = None) -> Page:
        """Open a workspace with a key, and wait until what is in the view is drawn and live."""
        self.page.goto(f"{self.stage.url}?workspace={workspace}#key={key or self.stage.key}")
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until what is in the view is drawn and live."""
        self.page.wait_for_selector("#stream.live")
        self.page.wait_for_selector("#page[aria-busy=false]")

    def scroll(self) -> None:
        """Wait as `settle` does, and bring all sections into the view that are drawn when they come near it."""
        self.settle()
        self.page.evaluate(_SCROLL)

    def keep(self, name: str) -> None:
        """Save a screenshot of the page for people to look at, if they want any."""
        keep(self.page, name)
