"""Authorised look-ups of the ids in a path. An unknown id and another tenant's id give the same 404."""

from typing import cast

from starlette.requests import Request

from metrics.documents import PLATFORMS, AccountDocument, OperationDocument, Platform, Scope
from metrics.errors import InvalidInput, NotFound
from metrics.ids import check_id
from metrics.store import Store
from metrics.store.api_keys import ApiKey
from serving.auth import tickets
from serving.auth.authenticator import require, require_workspace
from serving.auth.owners import Kind, Owner
from serving.auth.tickets import Ticket
from serving.services import services
from serving.wire.problems import not_found, unauthorized


async def _key(request: Request, scope: Scope, ticket: Ticket | None = None) -> ApiKey:
    key = ticket.key if ticket else await services(request).auth.authenticate(request)
    require(key, scope)
    return key


def _id(request: Request, parameter: str) -> str:
    try:
        return check_id(request.path_params[parameter], parameter)
    except InvalidInput:
        raise not_found() from None


def platform_of(request: Request) -> Platform:
    """Return the platform of the path. An unknown one is answered like an unknown id."""
    name = request.path_params["platform"]
    if name not in PLATFORMS:
        raise not_found()
    return cast("Platform", name)


def key_of(request: Request) -> ApiKey:
    """Return the key of a request that was authenticated."""
    key: ApiKey = request.scope["api_key"]
    return key


async def download_ticket(request: Request) -> Ticket | None:
    """Return the ticket in the query of a download, which is not used up by this; None without one.

    Raises:
        Problem: 401, the ticket is not valid, or it is one for the reconnects of a stream.
        Unavailable: Redis or MongoDB does not answer.
    """
    text, parts = request.query_params.get("ticket"), services(request)
    if text is None:
        return None
    found = await tickets.find(parts.redis, text)
    if found.reconnects:
        # Such a ticket can be used repeatedly, and for a long time, so it is worth more than the download.
        raise unauthorized("A ticket with `reconnects` only opens streams. Request one without it for a download.")
    await tickets.check_key(parts.auth, found)
    request.scope["api_key"] = found.key
    return found


async def workspace(request: Request, scope: Scope, ticket: Ticket | None = None) -> str:
    """Return the id of the workspace of the path. The caller checks in its read that it exists (`require_existing`)."""
    key, workspace_id = await _key(request, scope, ticket), _id(request, "workspaceId")
    require_workspace(key, workspace_id)
    return workspace_id


def require_existing(store: Store, key: ApiKey, workspace_id: str) -> None:
    """Refuse a workspace that has no account and that the key does not name: it does not exist.

    Raises:
        NotFound: the workspace does not exist.
        MongoUnavailable: MongoDB does not answer.
    """
    if not key.names(workspace_id) and not store.accounts.has_workspace(workspace_id):
        raise NotFound(f"no workspace {workspace_id}")


async def existing_workspace(request: Request, scope: Scope, ticket: Ticket | None = None) -> str:
    """Return the id of the workspace of the path, which was checked to exist."""
    workspace_id = await workspace(request, scope, ticket)
    parts = services(request)
    await parts.threads.run(require_existing, parts.store, key_of(request), workspace_id)
    return workspace_id


async def owner(request: Request, kind: Kind) -> tuple[Owner, str]:
    """Return the owner of the account or the post of the path, and the id of that account or post."""
    key, subject_id = await _key(request, "read"), _id(request, f"{kind}Id")
    return await services(request).owners.find(kind, subject_id, key), subject_id


async def account(request: Request, scope: Scope) -> AccountDocument:
    """Return the account of the path."""
    key, account_id = await _key(request, scope), _id(request, "accountId")
    parts = services(request)
    found = await parts.threads.run(parts.store.accounts.get, account_id)
    require_workspace(key, found["workspaceId"])
    return found


async def operation(request: Request) -> OperationDocument:
    """Return the operation of the path."""
    key, operation_id = await _key(request, "read"), _id(request, "operationId")
    parts = services(request)
    found = await parts.threads.run(parts.store.operations.get, operation_id)
    require_workspace(key, found["workspaceId"])
    return found
