"""Helper for tests of quotas: reads many accounts of one platform hour by hour, from a simulator in this process."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import orjson

from metrics.clock import utcnow
from metrics.documents import Platform
from pipelines.platforms.base import PlatformApi
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import FOLLOWED, Wanted
from pipelines.platforms.http.client import Http
from pipelines.platforms.memory import Memory
from simulator.state import Api, Request
from simulator.wire import encode_json
from simulator.world import SimAccount, World
from tests.pipelines.platforms.fetching import known

VIDEOS = 25
"""Posts of each account that are due in every hour, beside those that it publishes meanwhile."""


class InProcess(Http):
    """An HTTP client whose calls go to a simulator in this process, one after the other.

    `allow` is called with the path of each call before it is sent.
    """

    def __init__(self, api: Api, allow: Callable[[str], object] = lambda _: None) -> None:
        super().__init__("http://simulator")
        self._api, self._allow = api, allow
        self._one = threading.Lock()

    def send(self, method: str, path: str, **sent: Any) -> tuple[int, Any, Mapping[str, str]]:
        """Return status, body and headers of an answer."""
        headers, body, query = dict(sent.get("headers") or {}), b"", sent.get("params") or ""
        if sent.get("token"):
            headers["authorization"] = f"Bearer {sent['token']}"
        if sent.get("json") is not None:
            headers["content-type"], body = "application/json", orjson.dumps(sent["json"])
        query = query if isinstance(query, str) else urlencode(query)
        request = Request(method, path, query, headers, body, "http://simulator")
        with self._one:
            self._allow(path)
            answer = self._api.handle(request)
        return answer.status, orjson.loads(encode_json(answer.body)), answer.headers


@dataclass
class Followed:
    """An account with what collection knows of it, from hour to hour; `since` is the beginning of the day."""

    account: SimAccount
    since: datetime
    due: dict[str, Post]
    memory: Memory = field(default_factory=Memory)
    known: dict[str, Post] = field(default_factory=dict)

    @property
    def access(self) -> Access:
        """The credentials of the account."""
        return Access(self.account.platform_account_id, {"access_token": self.account.token})

    def read(self, api: PlatformApi) -> AccountReading:
        """Read the account, and remember what was listed; posts of this day are due from then on."""
        memory = Memory.of(self.memory.kept())
        wanted = Wanted(utcnow() - FOLLOWED, list(self.due.values()), self.known | self.due, memory=memory)
        reading = api.read(self.access, wanted, Tally())
        self.memory = memory
        self.known |= reading.listed | self.due
        self.due |= {
            n: post for n, post in reading.listed.items() if post.published_at and post.published_at > self.since
        }
        for gone in reading.gone:
            self.due.pop(gone, None)
        return reading


def followed(world: World, platform: Platform, accounts: int, since: datetime) -> list[Followed]:
    """Return accounts whose posts before an instant are known, and of which the newest 25 are due."""
    found = []
    for account in (world.account(platform, index) for index in range(accounts)):
        posts = [p for p in world.posts(account, since - FOLLOWED, since) if p.visible(since)]
        everything = {post.platform_post_id: known(post) for post in posts}
        newest = {post.platform_post_id: known(post) for post in posts[-VIDEOS:]}
        found.append(Followed(account, since, newest, known=everything))
    return found


def check_complete(due: set[str], reading: AccountReading) -> None:
    """Check that a reading has every due post, or says that the post is gone."""
    assert not reading.failures
    assert due <= {post.platform_post_id for post, _ in reading.posts} | set(reading.gone)
