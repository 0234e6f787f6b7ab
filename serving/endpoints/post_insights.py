"""`GET …/decay`, `…/best-times` and `…/outlooks`: what was said last of the posts of accounts, or why nothing was."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from metrics.clock import utcnow
from metrics.encoding import dump_json
from metrics.expected import Connection
from metrics.periods import HOUR, slot_of
from metrics.post_curves import FINAL_AGE, settled_after
from metrics.store import Store
from metrics.store.insights.statements import Statements
from serving.cache.plan import Kind, State
from serving.endpoints.access import key_of, workspace
from serving.endpoints.answering import answer, envelope
from serving.endpoints.coverage import accounts_of, in_scope, scope_of
from serving.endpoints.query import OutlooksQuery, PostInsightsQuery, parse
from serving.schemas.base import Shape, declared_names
from serving.schemas.post_insights import AccountBestTimes, AccountDecay, PostOutlook
from serving.services import services

_OPEN_FOR = settled_after(FINAL_AGE) + timedelta(days=1)
"""Outlooks are answered without `postId` until their posts have come to their end."""


async def decay(request: Request) -> Response:
    """Answer how fast the posts of each account age, by type, or why nothing can be said."""
    return await _of_accounts(request, "decay", lambda store: store.content_decay, AccountDecay)


async def best_times(request: Request) -> Response:
    """Answer at which weekdays and hours the posts of each account do better, by type, or that none can be shown."""
    return await _of_accounts(request, "best-times", lambda store: store.best_times, AccountBestTimes)


async def outlooks(request: Request) -> Response:
    """Answer what becomes of young posts, newest first, or why nothing can be said."""
    workspace_id = await workspace(request, "read")
    query, parts = parse(request, OutlooksQuery), services(request)

    def read(state: State) -> bytes:
        store = parts.store
        visible = {one.account_id for one in _visible(request, store, workspace_id, query.account_id)}
        asked = None if query.post_id is None else [query.post_id]
        said = store.outlooks.of_posts(workspace_id, utcnow() - _OPEN_FOR, query.account_id, asked)
        found = [_declared(one, PostOutlook) for one in said if one["accountId"] in visible]
        if query.post_id is not None and not found:
            found = [
                {
                    "postId": post["_id"], "accountId": post["accountId"], "platform": post["platform"],
                    "metricType": post["metricType"], "publishedAt": post["publishedAt"],
                    "unavailable": {"reason": "not_yet_available"},
                }
                for post in store.posts.of_ids([query.post_id])
                if post["workspaceId"] == workspace_id and post["accountId"] in visible
            ]  # fmt: skip
        return _body(found, query, state)

    return await answer(request, workspace_id, "outlooks", query, read)


async def _of_accounts(
    request: Request, kind: Kind, statements: Callable[[Store], Statements], shape: type[Shape]
) -> Response:
    workspace_id = await workspace(request, "read")
    query, parts = parse(request, PostInsightsQuery), services(request)

    def read(state: State) -> bytes:
        store = parts.store
        accounts = _visible(request, store, workspace_id, query.account_id)
        said: dict[str, list[Mapping[str, Any]]] = {}
        for document in statements(store).newest(workspace_id, query.account_id):
            said.setdefault(document["accountId"], []).append(document)
        not_stored = store.consents.not_stored(workspace_id)
        now, found = slot_of(utcnow()), list[dict[str, Any]]()
        for account in accounts:
            if account.account_id in said:
                found += [_declared(one, shape) for one in said[account.account_id]]
            elif account.expected(now, now + HOUR):
                reason = "terms" if account.platform in not_stored else "not_yet_available"
                unavailable = {"unavailable": {"reason": reason}}
                found.append({"accountId": account.account_id, "platform": account.platform, **unavailable})
        return _body(found, query, state)

    return await answer(request, workspace_id, kind, query, read)


def _visible(request: Request, store: Store, workspace_id: str, account_id: str | None) -> Sequence[Connection]:
    accounts = accounts_of(store, key_of(request), workspace_id)
    return in_scope(accounts, scope_of(workspace_id, account_id=account_id))


def _declared(document: Mapping[str, Any], shape: type[Shape]) -> dict[str, Any]:
    """Return the fields of a document that its shape declares."""
    declared = declared_names(shape)
    found = {name: value for name, value in document.items() if name in declared}
    if "unavailable" in found:
        found["unavailable"] = {"reason": found["unavailable"]}
    return found


def _body(found: list[dict[str, Any]], query: PostInsightsQuery, state: State) -> bytes:
    body = envelope(found, query, state)
    del body["page"]
    return dump_json(body)
