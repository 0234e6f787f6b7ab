"""`POST …/connect/{platform}`: links with which a person connects an account in a browser."""

from starlette.requests import Request
from starlette.responses import Response

from metrics.connecting import flows
from metrics.connecting.authorization import Authorization, public_url
from metrics.connecting.errors import NotConnected
from metrics.encoding import dump_json
from metrics.identity import normal_account_id
from serving.auth.tickets import kept_key
from serving.endpoints.access import existing_workspace, key_of, platform_of
from serving.endpoints.connect.shared import in_redis
from serving.endpoints.query import ConnectQuery, parse
from serving.services import services
from serving.wire.problems import Problem


async def create_connect_link(request: Request) -> Response:
    """Make a link with which a person connects an account of a platform in a browser."""
    workspace_id = await existing_workspace(request, "admin")
    platform, query, parts = platform_of(request), parse(request, ConnectQuery), services(request)
    account = query.platform_account_id
    if account is not None:
        account = normal_account_id(platform, account, "platformAccountId")
    try:
        authorization = Authorization(parts.settings, platform, second_grant=query.second_grant)
    except NotConnected as error:
        raise Problem(422, str(error)) from None
    offer = flows.new_offer(workspace_id, platform, account, kept_key(key_of(request)), second_grant=query.second_grant)
    ticket = await in_redis(parts, flows.issue, offer)
    shown = {
        "url": f"{public_url(parts.settings)}/connect/{platform}?ticket={ticket}",
        "expiresIn": flows.OFFER_SECONDS,
        "scopes": authorization.scopes,
        "redirectUrl": authorization.redirect_url,
    }
    return Response(dump_json(shown), 201, {"Cache-Control": "no-store"}, media_type="application/json")
