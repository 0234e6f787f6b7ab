"""Requests to the simulated Instagram for account 0, and its media."""

import json
from datetime import timedelta
from typing import Any

import httpx

from simulator.world import SimPost
from tests.simulator.conftest import NOW
from tests.simulator_fixture import Simulator


def ask(api: Simulator, path: str = "", token: str | None = None, **params: Any) -> httpx.Response:
    account = api.world.account("instagram", 0)
    where = path.replace("{ig}", account.platform_account_id)
    headers = {"Authorization": f"Bearer {token or account.token}"}
    return api.client.get(f"/v25.0/{where}", params=params, headers=headers)


def batch(api: Simulator, *urls: str) -> httpx.Response:
    elements = json.dumps([{"method": "GET", "relative_url": url} for url in urls])
    token = api.world.account("instagram", 0).token
    return api.client.post("/v25.0/", data={"batch": elements, "access_token": token})


def media(api: Simulator, **fields: Any) -> SimPost:
    found = api.world.posts(api.world.account("instagram", 0), NOW - timedelta(days=90), NOW)
    return next(p for p in found if p.visible(NOW) and all(getattr(p, k) == v for k, v in fields.items()))


def shape(value: Any) -> Any:
    """Return keys, nesting and types; a list has the shape of its first element."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else type(value).__name__
