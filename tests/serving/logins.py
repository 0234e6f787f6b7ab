"""Logins in tests: a server that connects accounts at the simulator, and a client in place of a browser."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr
from redis import Redis

from metrics.documents import AccountDocument
from metrics.platforms.registry import FACTS
from metrics.settings import Settings
from metrics.store import Store
from metrics.vault import Vault
from serving.__main__ import server
from serving.app import create_app
from tests.simulator_fixture import Simulator
from tests.waiting import until
from tidemark.stack.ports import HOST, free_port
from tidemark.stack.simulated import simulated_settings

WORKSPACE = "acme"
PLATFORMS = tuple(name for name, facts in FACTS.items() if facts.login is not None)
"""The platforms with a login."""


NEEDED = {
    "instagram": "instagram_business_manage_insights",
    "facebook": "read_insights",
    "twitter": "offline.access",
    "linkedin": "r_organization_social",
    "tiktok": "user.info.stats",
    "youtube": "https://www.googleapis.com/auth/yt-analytics.readonly",
    "pinterest": "boards:read",
    "threads": "threads_manage_insights",
}
"""A needed scope of each platform."""


@dataclass
class Desk:
    """A server that connects accounts at the simulator, its stores, and a key that may connect accounts."""

    settings: Settings
    store: Store
    redis: Redis
    simulator: Simulator
    key: str
    url: str
    _clients: list[httpx.Client] = field(default_factory=list)

    def post(self, platform: str, key: str | None = None, workspace: str = WORKSPACE, **query: str) -> httpx.Response:
        """Ask for a link."""
        headers = {"Authorization": f"Bearer {key or self.key}"}
        path = f"/analytics/workspace/{workspace}/connect/{platform}"
        return httpx.post(f"{self.url}{path}", headers=headers, params=query, timeout=30)

    def link(self, platform: str, **query: str) -> str:
        answer = self.post(platform, **query)
        assert answer.status_code == 201, answer.text
        found: str = answer.json()["url"]
        return found

    def browser(self) -> "Person":
        """Return a browser without a script engine: cookies, and the pages that it saw."""
        client = httpx.Client(timeout=30, follow_redirects=False)
        self._clients.append(client)
        return Person(client)

    def accounts(self) -> list[AccountDocument]:
        return self.store.accounts.find()

    def credentials(self, account: AccountDocument) -> dict[str, Any]:
        return Vault(self.settings.secret_keys).open(account["credentials"], account["_id"])

    def close(self) -> None:
        for client in self._clients:
            client.close()


@dataclass
class Person:
    """A person with a browser."""

    client: httpx.Client

    def consent_url(self, link: str) -> str:
        """Open a link, and return the URL of the button."""
        page = self.client.get(link)
        assert page.status_code == 200, page.text
        found = re.search(r'id="go"[^>]*href="([^"]+)"', page.text)
        assert found is not None, page.text
        return unescape(found[1])

    def consent(self, url: str, account: int = 0, without: tuple[str, ...] = (), further: tuple[int, ...] = ()) -> str:
        """Consent at the simulator, and return the URL of the way back; `further` are accounts of the same person."""
        query = parse_qs(urlsplit(url).query)
        scopes = [one for one in re.split("[ ,]", query["scope"][0]) if one not in without]
        form = {"account": str(account), "further": [*map(str, further)], "granted": scopes, "decision": "allow"}
        return self._back(self.client.post(url, data=form))

    def refuse(self, url: str) -> str:
        """Refuse at the simulator, and return the URL of the way back."""
        return self._back(self.client.post(url, data={"decision": "deny"}))

    @staticmethod
    def _back(answer: httpx.Response) -> str:
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def several(self, link: str, *accounts: int) -> httpx.Response:
        """Log in as a person who manages several accounts, and return the page of the choice."""
        return self.client.get(self.consent(self.consent_url(link), accounts[0], further=accounts[1:]))

    def choose(self, page: httpx.Response, *accounts: str) -> httpx.Response:
        """Choose accounts by their ids on the page of a choice, and return the next page."""
        action, flow = (re.search(one, page.text) for one in (r'action="([^"]+)"', r'name="flow" value="([^"]+)"'))
        assert action is not None
        assert flow is not None
        url = page.url.join(unescape(action[1]))
        return self.client.post(url, data={"flow": flow[1], "account": list(accounts)})

    def connect(self, link: str, account: int = 0, without: tuple[str, ...] = ()) -> httpx.Response:
        """Go through the whole login, and return the last page."""
        return self.client.get(self.consent(self.consent_url(link), account, without))


@contextmanager
def desk(
    settings: Settings, store: Store, redis: Redis, simulator: Simulator, host: str = HOST, **changes: Any
) -> Iterator[Desk]:
    """Serve with every platform's login at the simulator; `host` is the name under which browsers reach serving.

    `changes` are settings that differ from those.
    """
    port = free_port()
    simulated: dict[str, Any] = dict(simulated_settings(settings, simulator.url, f"http://{host}:{port}"))
    secrets = {name: SecretStr(value) for name, value in simulated.items() if name.endswith("_secret")}
    chosen = settings.model_copy(update=simulated | secrets | changes)
    running = server(create_app(chosen), HOST, port)
    thread = threading.Thread(target=running.run)
    thread.start()
    until(lambda: running.started)
    key, _ = store.keys.create("connects", [WORKSPACE], ["admin"])
    made = Desk(chosen, store, redis, simulator, key, f"http://{host}:{port}")
    yield made
    made.close()
    running.end_streams()
    running.should_exit = True
    thread.join(60)
    assert not thread.is_alive()


@pytest.fixture
def at(settings: Settings, store: Store, redis_client: Redis, simulator: Simulator) -> Iterator[Desk]:
    with desk(settings, store, redis_client, simulator) as opened:
        yield opened


def refused(at: Desk, page: httpx.Response, status: int, *words: str) -> None:
    """Check that a page says what to do, and that nothing was stored."""
    assert page.status_code == status, page.text
    assert "text/html" in page.headers["content-type"]
    for word in words:
        assert word in page.text, page.text
    assert at.accounts() == []
