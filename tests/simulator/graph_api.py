"""Requests to the simulated Graph API of Instagram and Facebook, single and in batches, and their answers."""

import json
from datetime import timedelta
from typing import Any

from metrics.documents import Platform
from simulator.world import SimAccount, SimPost
from tests.simulator.conftest import NOW
from tests.simulator_fixture import Simulator

LISTS: dict[Platform, str] = {"instagram": "media", "facebook": "published_posts"}

META: tuple[Platform, ...] = ("instagram", "facebook")


def account(api: Simulator, platform: Platform, number: int = 0) -> SimAccount:
    return api.world.account(platform, number)


def ask(api: Simulator, platform: Platform, path: str = "{me}", number: int = 0, **params: Any) -> Any:
    """Return the body of an answer; `{me}` stands for the account of the token."""
    whose = account(api, platform, number)
    where = path.replace("{me}", whose.platform_account_id)
    return api.client.get(f"/v25.0/{where}", params={"access_token": whose.token, **params}).json()


def batch(api: Simulator, platform: Platform, *urls: str) -> list[Any]:
    """Return the bodies of the elements of a batch, None for a null element."""
    whose = account(api, platform)
    elements = [{"method": "GET", "relative_url": url.replace("{me}", whose.platform_account_id)} for url in urls]
    sent = {"access_token": whose.token, "batch": json.dumps(elements)}
    found = api.client.post("/v25.0/", data=sent).json()
    return [one and json.loads(one["body"]) for one in found]


def posts(api: Simulator, platform: Platform, **wanted: Any) -> list[SimPost]:
    """Return the visible posts of an account, newest first."""
    found = reversed(api.world.posts(account(api, platform), NOW - timedelta(days=90), NOW))
    return [p for p in found if p.visible(NOW) and all(getattr(p, k) == v for k, v in wanted.items())]


def ids(body: Any) -> list[str]:
    return [one["id"] for one in body["data"]]


def code(body: Any) -> tuple[int, int | None]:
    return body["error"]["code"], body["error"].get("error_subcode")
