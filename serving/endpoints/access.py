"""Authorised look-ups of the ids in a path. An unknown id and another tenant's id give the same 404."""

from starlette.requests import Request

from metrics.documents import AccountDocument, OperationDocument, Scope
from metrics.errors import InvalidInput, NotFound
from metrics.ids import check_id
from metrics.store import Store
from metrics.store.api_keys import ApiKey
from serving.auth.authenticator import require, require_workspace
from serving.auth.owners import Kind, Owner
from serving.services import services
from serving.wire.problems import not_found


async def _key(request: Request, scope: Scope) -> ApiKey:
    key = await services(request).auth.authenticate(request)
    require(key, scope)
    return key


def _id(request: Request, parameter: str) -> str:
    try:
        return check_id(request.path_params[parameter], parameter)
    except InvalidInput:
        raise not_found() from None


async def workspace(request: Request, scope: Scope) -> str:
    """Return the id of the workspace of the path. The caller checks in its read that it exists (`require_existing`)."""
    key, workspace_id = await _key(request, scope), _id(request, "workspaceId")
    require_workspace(key, workspace_id)
    return workspace_id


def require_existing(store: Store, workspace_id: str) -> None:
    """Refuse a workspace without any account, because such a workspace does not exist.

    Raises:
        NotFound: the workspace has no account.
        MongoUnavailable: MongoDB does not answer.
    """
    if not store.accounts.has_workspace(workspace_id):
        raise NotFound(f"no workspace {workspace_id}")


async def existing_workspace(request: Request, scope: Scope) -> str:
    """Return the id of the workspace of the path, which was checked to exist."""
    workspace_id = await workspace(request, scope)
    parts = services(request)
    await parts.threads.run(require_existing, parts.store, workspace_id)
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
