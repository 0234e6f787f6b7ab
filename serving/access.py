"""From a path's id to what it names, for keys that may see it. Unknown and another tenant's give the same 404."""

from starlette.requests import Request

from metrics.documents import AccountDocument, OperationDocument, PostDocument, Scope
from metrics.errors import InvalidInput
from metrics.ids import check_id
from metrics.store import Store
from metrics.store.keys import ApiKey
from serving.auth import require, require_workspace
from serving.problems import not_found
from serving.services import services


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
    """Return the workspace of the path; one without any account does not exist."""
    key, workspace_id = await _key(request, scope), _id(request, "workspaceId")
    require_workspace(key, workspace_id)
    parts = services(request)
    if not await parts.threads.run(_exists, parts.store, workspace_id):
        raise not_found()
    return workspace_id


def _exists(store: Store, workspace_id: str) -> bool:
    return bool(store.accounts.find(workspace_id=workspace_id))


async def account(request: Request, scope: Scope) -> AccountDocument:
    """Return the account of the path."""
    key, account_id = await _key(request, scope), _id(request, "accountId")
    parts = services(request)
    found = await parts.threads.run(parts.store.accounts.get, account_id)
    require_workspace(key, found["workspaceId"])
    return found


async def post(request: Request, scope: Scope) -> PostDocument:
    """Return the post of the path."""
    key, post_id = await _key(request, scope), _id(request, "postId")
    parts = services(request)
    found = await parts.threads.run(parts.store.posts.get, post_id)
    require_workspace(key, found["workspaceId"])
    return found


async def operation(request: Request) -> OperationDocument:
    """Return the operation of the path."""
    key, operation_id = await _key(request, "read"), _id(request, "operationId")
    parts = services(request)
    found = await parts.threads.run(parts.store.operations.get, operation_id)
    require_workspace(key, found["workspaceId"])
    return found
