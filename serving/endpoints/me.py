"""`GET /analytics/me`: the rights, expiry, workspaces and rate of the caller's own key; never its secret."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from metrics.encoding import dump_json
from metrics.store import Store
from metrics.store.api_keys import ALL_WORKSPACES, ApiKey
from serving.endpoints.query import NoQuery, parse
from serving.services import services


def visible_workspaces(store: Store, key: ApiKey) -> list[str]:
    """Return the sorted ids of the workspaces that a key opens: those that it names, or for `*` all with an account.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    named = set(key.workspaces) - {ALL_WORKSPACES}
    if ALL_WORKSPACES in key.workspaces:
        named |= set(store.accounts.workspaces())
    return sorted(named)


async def me(request: Request) -> Response:
    """Answer what the caller's key may do: its scopes, expiry, workspaces and rate."""
    parts = services(request)
    key = await parts.auth.authenticate(request)
    parse(request, NoQuery)

    def read() -> list[dict[str, str]]:
        found = visible_workspaces(parts.store, key)
        zones = {name: its.current.time_zone for name, its in parts.store.calendars.of(found).items()}
        return [{"id": name, "name": name, "timeZone": zones[name]} for name in found]

    workspaces = await parts.threads.run(read)
    limit, remaining = parts.auth.rate_of(key)
    rate: dict[str, Any] = {"limit": limit}
    if remaining is not None:
        rate["remaining"] = remaining
    data: dict[str, Any] = {
        "name": key.name,
        "scopes": key.scopes,
        "expiresAt": key.expires_at,
        "workspaces": workspaces,
        "rate": rate,
    }
    if key.prefix:
        data["keyPrefix"] = key.prefix
    headers = {"Cache-Control": "no-store"}
    return Response(dump_json({"data": data}), headers=headers, media_type="application/json")
