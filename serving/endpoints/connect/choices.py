"""The choice among several accounts of one login: the form that the page of `settling.py` sends."""

import re
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from metrics.connecting.choice import connect_chosen, find_choice
from metrics.documents import AccountDocument
from metrics.errors import CredentialError
from metrics.vault import Vault
from serving.endpoints.connect.settling import choice_page, settle
from serving.endpoints.connect.shared import USED, Refused, cookie_name, in_redis, paged, platform_of_page
from serving.process.measures import REFUSED
from serving.services import services

_FLOW = re.compile("[0-9a-f]{32}")
_MOST = 2_001
"""Maximum number of fields of the form: those of all accounts that a login lists, and the flow."""


@paged
async def choose(request: Request) -> Response:
    """Connect the accounts that the person chose in the browser that began the login; this works once."""
    name, parts = platform_of_page(request), services(request)
    try:
        form = parse_qs((await request.body()).decode(), max_num_fields=_MOST)
    except ValueError:
        raise Refused(USED) from None
    flow_id, wanted = form.get("flow", [""])[0], form.get("account", [])
    vault = Vault(parts.settings.secret_keys)
    try:
        choice = await in_redis(parts, find_choice, vault, flow_id) if _FLOW.fullmatch(flow_id) else None
    except CredentialError:
        choice = None
    if choice is None or choice.offer.platform != name:
        REFUSED.labels("state").inc()
        raise Refused(USED)
    cookie = request.cookies.get(cookie_name(choice.offer))
    if cookie is None or not choice.began_in(cookie):
        REFUSED.labels("state").inc()
        raise Refused("This login was begun in another browser: choose there.", HTTPStatus.FORBIDDEN)
    if not wanted or not {one.platform_account_id for one in choice.candidates}.issuperset(wanted):
        return choice_page(choice, "Choose at least one of these accounts.", HTTPStatus.BAD_REQUEST)

    def run() -> list[AccountDocument]:
        return connect_chosen(parts.store, parts.sync_redis, parts.settings, choice, wanted)

    return await settle(parts, choice.offer, run, cookie)
