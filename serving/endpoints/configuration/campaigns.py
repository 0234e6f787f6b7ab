"""Campaigns of a workspace: list, read, set and delete."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from metrics.campaigns.changes import NewCampaign, set_campaign
from metrics.clock import utcnow
from metrics.definitions.campaigns import remove_campaign
from metrics.errors import InvalidInput, NotFound
from metrics.store import Store
from metrics.store.workspace.campaigns import CampaignDocument
from serving.endpoints.access import existing_workspace, key_of
from serving.endpoints.answering import WHOLE
from serving.endpoints.bodies import json_body
from serving.endpoints.configuration.changed import announce_change, fresh
from serving.endpoints.query import NoQuery, parse
from serving.schemas.base import declared_names
from serving.schemas.campaigns import Campaign, CampaignToSet
from serving.services import services
from serving.wire.problems import Problem, not_found


async def campaigns(request: Request) -> Response:
    """Answer the campaigns of a workspace, by name."""
    workspace_id = await existing_workspace(request, "read")
    parse(request, NoQuery)
    parts = services(request)
    found = await parts.threads.run_for(key_of(request).key_id, parts.store.campaigns.all, workspace_id)
    return fresh({"data": [_shown(one) for one in found], "page": WHOLE})


async def campaign(request: Request) -> Response:
    """Answer one campaign."""
    workspace_id = await existing_workspace(request, "read")
    parse(request, NoQuery)
    parts, name = services(request), request.path_params["name"]
    return fresh({"data": await parts.threads.run_for(key_of(request).key_id, _read, parts.store, workspace_id, name)})


async def put_campaign(request: Request) -> Response:
    """Set a campaign, in place of one of the same name."""
    workspace_id = await existing_workspace(request, "admin")
    parse(request, NoQuery)
    body, parts = await json_body(request, CampaignToSet), services(request)
    accounts, posts = (None if ids is None else tuple(ids) for ids in (body.account_ids, body.post_ids))
    wanted = NewCampaign(
        request.path_params["name"], body.title, body.start_date, body.end_date, accounts, posts, body.tag
    )

    def change() -> dict[str, Any]:
        stores_content = parts.settings.store_post_content
        found = set_campaign(parts.store, workspace_id, wanted, utcnow(), stores_content=stores_content)
        announce_change(parts, workspace_id, "campaign")
        return _shown(found)

    return fresh({"data": await parts.threads.run_for(key_of(request).key_id, change)})


async def delete_campaign(request: Request) -> Response:
    """Delete a campaign; what was collected stays."""
    workspace_id = await existing_workspace(request, "admin")
    parse(request, NoQuery)
    parts, name = services(request), request.path_params["name"]

    def change() -> dict[str, Any]:
        found = _read(parts.store, workspace_id, name)
        try:
            remove_campaign(parts.store, workspace_id, name)
        except NotFound:
            raise not_found() from None
        except InvalidInput as error:
            raise Problem(422, f"{error}.", errors=[("name", str(error))]) from None
        announce_change(parts, workspace_id, "campaign")
        return found

    return fresh({"data": await parts.threads.run_for(key_of(request).key_id, change)})


def _read(store: Store, workspace_id: str, name: str) -> dict[str, Any]:
    found = store.campaigns.all(workspace_id, [name])
    if not found:
        raise not_found()
    return _shown(found[0])


def _shown(found: CampaignDocument) -> dict[str, Any]:
    names = declared_names(Campaign)
    return {name: value for name, value in found.items() if name in names}
