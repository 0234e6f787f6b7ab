"""The pages of a login: the one before the platform's consent, and the one after the return.

A link is made with an API key that has the scope `admin`, or at the command line; it works once, for five minutes. The
page behind it names the workspace and the permissions, and sets a cookie. The platform sends the person back to the one
address of the settings. State and cookie have to be those of the same flow, the key has to have kept its rights, and
the login has to be that of the account that was named. Otherwise nothing is stored. If the login can read several
accounts, the person chooses before anything is stored (`choices.py`).
"""

import re
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from metrics.connecting import flows
from metrics.connecting.authorization import Authorization
from metrics.connecting.choice import Choice
from metrics.connecting.errors import NotConnected
from metrics.connecting.finish import finish
from metrics.documents import AccountDocument
from metrics.platforms.registry import FACTS
from metrics.vault import Vault
from serving.endpoints.connect.choices import choose
from serving.endpoints.connect.pages import bullets, button, page, paragraph
from serving.endpoints.connect.settling import settle
from serving.endpoints.connect.shared import (
    USED,
    Refused,
    check_key,
    cookie_name,
    in_redis,
    paged,
    platform_of_page,
    set_cookie,
)
from serving.process.measures import REFUSED
from serving.services import services

_LONGEST = 2048
"""Maximum number of characters of a code."""
_TICKET, _STATE = (re.compile(prefix + r"[\w-]{43}", re.ASCII) for prefix in (flows.TICKET_PREFIX, flows.STATE_PREFIX))
"""The forms of tickets and states; anything else is not looked up."""
_DENIALS = frozenset({"access_denied", "user_cancelled_login", "user_cancelled_authorize", "user_denied"})
"""The errors by which platforms say that the person did not consent: RFC 6749, 4.1.2.1, and LinkedIn's own two."""


@paged
async def begin(request: Request) -> Response:
    """Show what is going to be connected, with the way to the platform's consent. This uses up the link."""
    name, parts = platform_of_page(request), services(request)
    ticket = request.query_params.get("ticket", "")
    offer = await in_redis(parts, flows.find_offer, ticket) if _TICKET.fullmatch(ticket) else None
    if offer is None or offer.platform != name:
        REFUSED.labels("ticket").inc()
        raise Refused(USED, HTTPStatus.UNAUTHORIZED)
    await check_key(parts, offer)
    try:
        authorization = Authorization(parts.settings, offer.platform, second_grant=offer.second_grant)
    except NotConnected as error:
        raise Refused(str(error)) from None
    if request.method == "HEAD":
        # A preview of the link in a chat must not use it up.
        return page(f"Connect {authorization.title}")
    if not await in_redis(parts, flows.use_offer, ticket):
        raise Refused(USED, HTTPStatus.UNAUTHORIZED)
    verifier, vault = authorization.new_verifier(), Vault(parts.settings.secret_keys)
    begun = await in_redis(parts, flows.begin, vault, offer, verifier)
    which = f"the account `{offer.account}`" if offer.account else "accounts that you choose"
    which = f"further numbers of {which}" if offer.second_grant else which
    response = page(
        f"Connect {authorization.title}",
        paragraph(
            f"You are about to let Tidemark read {which} of {authorization.title} for the workspace "
            f"`{offer.workspace_id}`. Everyone with access to that workspace will see its numbers."
        ),
        paragraph("Go on only if you, or somebody whom you trust, asked for this link."),
        paragraph(f"{authorization.title} will ask you for these permissions:"),
        bullets(authorization.scopes),
        button(f"Continue to {authorization.title}", authorization.consent_url(begun.state, verifier)),
    )
    set_cookie(response, parts, offer, begun.cookie, flows.FLOW_SECONDS)
    return response


@paged
async def callback(request: Request) -> Response:
    """Finish a login: the platform sent the person back, with a code or with an error."""
    name, parts, query = platform_of_page(request), services(request), request.query_params
    if request.method == "HEAD":
        raise Refused(USED)
    state = query.get("state", "")
    flow = await in_redis(parts, flows.find_flow, state) if _STATE.fullmatch(state) else None
    if flow is None or flow.offer.platform != name:
        REFUSED.labels("state").inc()
        raise Refused(USED)
    if not flow.began_in(request.cookies.get(cookie_name(flow.offer))):
        # The state is kept: the person in the right browser can still finish.
        REFUSED.labels("state").inc()
        raise Refused(
            "This login was begun in another browser, or this browser blocks cookies. Open the link of "
            "`tidemark accounts authorize` and go through the login in one browser.",
            HTTPStatus.FORBIDDEN,
        )
    if not await in_redis(parts, flows.use_flow, state):
        raise Refused(USED)
    title = FACTS[flow.offer.platform].title

    def run() -> list[AccountDocument] | Choice:
        code = _code(title, query.get("code"), query.get("error"))
        return finish(parts.store, parts.sync_redis, parts.settings, flow, code)

    return await settle(parts, flow.offer, run, request.cookies[cookie_name(flow.offer)])


def _code(title: str, code: str | None, error: str | None) -> str:
    """Return the code that the platform sent.

    Raises:
        Refused: the person did not consent, or the platform sent an error or no code.
    """
    if error in _DENIALS:
        raise Refused(
            f"You did not give Tidemark the permissions at {title}. If that was a mistake, start again and agree there."
        )
    if error is not None:
        # The text of an error comes from the URL: anybody can write it, so that it is not shown.
        raise Refused(
            f"{title} did not accept the request of this app. The operator checks the app at {title}: its redirect "
            "address, and whether it has the permissions that Tidemark asks for."
        )
    if not code or len(code) > _LONGEST or not code.isascii() or not code.isprintable():
        raise Refused(f"{title} sent no usable code. Start again.")
    return code


ROUTES = (
    Route("/connect/{platform}", begin),
    Route("/connect/{platform}/callback", callback),
    Route("/connect/{platform}/choice", choose, methods=["POST"]),
)
