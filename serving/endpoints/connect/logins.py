"""The pages of a login: the one before the platform's consent, and the one after the return.

A link is made with an API key that has the scope `admin`, or at the command line; it works once, for five minutes. The
page behind it names the workspace and the permissions, and sets a cookie. The platform sends the person back to the one
address of the settings. State and cookie have to be those of the same flow, the key has to have kept its rights, and
the login has to be that of the account that was named. Otherwise nothing is stored.
"""

import logging
import re
from http import HTTPStatus

import pymongo
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from metrics.connecting import flows
from metrics.connecting.authorization import Authorization, public_url
from metrics.connecting.errors import NotConnected
from metrics.connecting.finish import finish
from metrics.connecting.flows import Flow, Offer, Outcome
from metrics.documents import AccountDocument
from metrics.errors import CredentialError, InvalidInput, RedisUnavailable, TidemarkError, Unavailable
from metrics.platforms.registry import FACTS
from metrics.vault import Vault
from serving.endpoints.connect.pages import bullets, button, page, paragraph
from serving.endpoints.connect.shared import Refused, check_key, in_redis, paged, platform_of_page
from serving.process.measures import REFUSED
from serving.services import Services, services
from serving.wire.problems import Problem

log = logging.getLogger(__name__)

_STORE_SECONDS = 15.0
_LONGEST = 2048
"""Maximum number of characters of a code."""
_TICKET, _STATE = (re.compile(prefix + r"[\w-]{43}", re.ASCII) for prefix in (flows.TICKET_PREFIX, flows.STATE_PREFIX))
"""The forms of tickets and states; anything else is not looked up."""
_USED = (
    "This link was used already, is too old, or was not copied whole. Start again: `tidemark accounts authorize` "
    "prints a new link, and so does `POST /analytics/workspace/{workspaceId}/connect/{platform}`."
)
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
        raise Refused(_USED, HTTPStatus.UNAUTHORIZED)
    await check_key(parts, offer)
    try:
        authorization = Authorization(parts.settings, offer.platform)
    except NotConnected as error:
        raise Refused(str(error)) from None
    if request.method == "HEAD":
        # A preview of the link in a chat must not use it up.
        return page(f"Connect {authorization.title}")
    if not await in_redis(parts, flows.use_offer, ticket):
        raise Refused(_USED, HTTPStatus.UNAUTHORIZED)
    verifier, vault = authorization.new_verifier(), Vault(parts.settings.secret_keys)
    begun = await in_redis(parts, flows.begin, vault, offer, verifier)
    which = f"the account `{offer.account}`" if offer.account else "one account"
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
    response.set_cookie(
        _cookie_name(offer),
        begun.cookie,
        max_age=flows.FLOW_SECONDS,
        path="/connect",
        secure=public_url(parts.settings).startswith("https://"),
        httponly=True,
        # Lax: the way back from the platform is a navigation from another site.
        samesite="lax",
    )
    return response


@paged
async def callback(request: Request) -> Response:
    """Finish a login: the platform sent the person back, with a code or with an error."""
    name, parts, query = platform_of_page(request), services(request), request.query_params
    if request.method == "HEAD":
        raise Refused(_USED)
    state = query.get("state", "")
    flow = await in_redis(parts, flows.find_flow, state) if _STATE.fullmatch(state) else None
    if flow is None or flow.offer.platform != name:
        REFUSED.labels("state").inc()
        raise Refused(_USED)
    if not flow.began_in(request.cookies.get(_cookie_name(flow.offer))):
        # The state is kept: the person in the right browser can still finish.
        REFUSED.labels("state").inc()
        raise Refused(
            "This login was begun in another browser, or this browser blocks cookies. Open the link of "
            "`tidemark accounts authorize` and go through the login in one browser.",
            HTTPStatus.FORBIDDEN,
        )
    if not await in_redis(parts, flows.use_flow, state):
        raise Refused(_USED)
    response = await _finished(parts, flow, query.get("code"), query.get("error"))
    response.delete_cookie(_cookie_name(flow.offer), path="/connect", httponly=True, samesite="lax")
    return response


async def _finished(parts: Services, flow: Flow, code: str | None, error: str | None) -> Response:
    """Connect the account of a flow whose state was used up, note the outcome, and return its page."""
    title, offer = FACTS[flow.offer.platform].title, flow.offer
    try:
        await check_key(parts, offer)
        with parts.logins.running(offer.workspace_id):
            document = await _exchange(parts, flow, _code(title, code, error))
    except Refused as refused:
        outcome, status = Outcome("refused", str(refused)), refused.status
    except Problem as problem:
        outcome, status = Outcome("refused", f"{problem.detail} Start again in a minute."), problem.status
    except (NotConnected, InvalidInput, CredentialError) as refused:
        status = HTTPStatus.BAD_GATEWAY if getattr(refused, "kind", "") == "platform" else HTTPStatus.BAD_REQUEST
        outcome = Outcome("refused", _sentence(str(refused)))
    except Unavailable as unavailable:
        log.warning("a login to %s could not be finished: %s", title, unavailable)
        text = "A store of Tidemark did not answer. Look at the workspace's accounts, and start again if it is missing."
        outcome, status = Outcome("refused", text), HTTPStatus.SERVICE_UNAVAILABLE
    except TidemarkError as failed:
        outcome, status = Outcome("refused", _sentence(str(failed))), HTTPStatus.CONFLICT
    else:
        handle, number = document["handle"], document["platformAccountId"]
        state = "" if document["state"] == "active" else f" It is {document['state']}: resume it to collect it."
        text = f"The {title} account {handle} ({number}) is connected to the workspace {offer.workspace_id}.{state}"
        outcome, status = Outcome("connected", text, document["_id"], number, handle), HTTPStatus.OK
    await _note(parts, offer, outcome)
    if outcome.state == "connected":
        rest = "The next hour is the first to be collected. You can close this page."
        return page("Connected", paragraph(outcome.message), paragraph(rest))
    log.info("a login to %s was refused: %s", title, HTTPStatus(status).phrase)
    return page("Not connected", paragraph(outcome.message), paragraph("Nothing was stored."), status=status)


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


async def _exchange(parts: Services, flow: Flow, code: str) -> AccountDocument:
    """Run the end of the flow in a thread; its calls of the platform have deadlines of their own."""

    def run() -> AccountDocument:
        with pymongo.timeout(_STORE_SECONDS + 60):
            return finish(parts.store, parts.sync_redis, parts.settings, flow, code)

    return await to_thread.run_sync(run)


async def _note(parts: Services, offer: Offer, outcome: Outcome) -> None:
    try:
        await in_redis(parts, flows.note_outcome, offer.flow_id, outcome)
    except RedisUnavailable as error:
        log.warning("a command that waits for a login is not told its outcome: %s", error)


def _cookie_name(offer: Offer) -> str:
    return f"tidemark_login_{offer.flow_id}"


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


ROUTES = (Route("/connect/{platform}", begin), Route("/connect/{platform}/callback", callback))
