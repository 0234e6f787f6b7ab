"""Connecting an account in a browser: the link that starts it, the page before the platform's consent, and the return.

A link is made with an API key that has the scope `admin`, or at the command line; it works once, for five minutes. The
page behind it names the workspace and the permissions, and sets a cookie. The platform sends the person back to the one
address of the settings. State and cookie have to be those of the same flow, the key has to have kept its rights, and
the login has to be that of the account that was named. Otherwise nothing is stored.
"""

import logging
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Concatenate, ParamSpec, TypeVar, cast

import pymongo
from anyio import to_thread
from redis import Redis
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from metrics.connecting import flows
from metrics.connecting.authorization import Authorization, public_url
from metrics.connecting.errors import NotConnected
from metrics.connecting.finish import finish
from metrics.connecting.flows import Flow, Offer, Outcome
from metrics.documents import PLATFORMS, AccountDocument, Platform
from metrics.encoding import dump_json
from metrics.errors import CredentialError, InvalidInput, RedisUnavailable, TidemarkError, Unavailable
from metrics.identity import normal_account_id
from metrics.platforms.registry import FACTS
from metrics.vault import Vault
from serving.auth.tickets import kept_key, key_of_kept
from serving.endpoints.access import existing_workspace, key_of
from serving.endpoints.connect.pages import bullets, button, page, paragraph
from serving.endpoints.query import ConnectQuery, parse
from serving.process.measures import REFUSED
from serving.services import Services, services
from serving.wire.problems import Problem, not_found

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

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


async def create_connect_link(request: Request) -> Response:
    """Make a link with which a person connects an account of a platform in a browser."""
    workspace_id = await existing_workspace(request, "admin")
    platform, query, parts = _platform(request), parse(request, ConnectQuery), services(request)
    account = query.platform_account_id
    if account is not None:
        account = normal_account_id(platform, account, "platformAccountId")
    try:
        authorization = Authorization(parts.settings, platform)
    except NotConnected as error:
        raise Problem(422, str(error)) from None
    offer = flows.new_offer(workspace_id, platform, account, kept_key(key_of(request)))
    ticket = await _in_redis(parts, flows.issue, offer)
    shown = {
        "url": f"{public_url(parts.settings)}/connect/{platform}?ticket={ticket}",
        "expiresIn": flows.OFFER_SECONDS,
        "scopes": authorization.scopes,
        "redirectUrl": authorization.redirect_url,
    }
    return Response(dump_json(shown), 201, {"Cache-Control": "no-store"}, media_type="application/json")


async def _in_redis(parts: Services, call: Callable[Concatenate[Redis, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a call of `flows` in a thread; all of them share a quarter of the threads, because anybody can cause them."""
    return await parts.threads.run_for("logins", lambda: call(parts.sync_redis, *args, **kwargs))


def _platform(request: Request) -> Platform:
    name = request.path_params["platform"]
    if name not in PLATFORMS:
        raise not_found()
    return cast("Platform", name)


def _paged(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Return a handler that answers errors with pages, because a person in a browser reads them."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except _Refused as error:
            return page(error.title, paragraph(str(error)), paragraph("Nothing was stored."), status=error.status)
        except Unavailable as error:
            log.warning("a login could not be handled: %s", error)
            text = "A store of Tidemark does not answer. Start again in a few minutes."
            return page("Not connected", paragraph(text), status=HTTPStatus.SERVICE_UNAVAILABLE)

    return answer


class _Refused(Exception):
    """A login that does not go on; the message says what to do."""

    def __init__(self, message: str, status: int = HTTPStatus.BAD_REQUEST, title: str = "Not connected") -> None:
        super().__init__(message)
        self.status, self.title = status, title


@_paged
async def begin(request: Request) -> Response:
    """Show what is going to be connected, with the way to the platform's consent. This uses up the link."""
    name, parts = _page_platform(request), services(request)
    ticket = request.query_params.get("ticket", "")
    offer = await _in_redis(parts, flows.find_offer, ticket) if _TICKET.fullmatch(ticket) else None
    if offer is None or offer.platform != name:
        REFUSED.labels("ticket").inc()
        raise _Refused(_USED, HTTPStatus.UNAUTHORIZED)
    await _check_key(parts, offer)
    try:
        authorization = Authorization(parts.settings, offer.platform)
    except NotConnected as error:
        raise _Refused(str(error)) from None
    if request.method == "HEAD":
        # A preview of the link in a chat must not use it up.
        return page(f"Connect {authorization.title}")
    if not await _in_redis(parts, flows.use_offer, ticket):
        raise _Refused(_USED, HTTPStatus.UNAUTHORIZED)
    verifier, vault = authorization.new_verifier(), Vault(parts.settings.secret_keys)
    begun = await _in_redis(parts, flows.begin, vault, offer, verifier)
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


@_paged
async def callback(request: Request) -> Response:
    """Finish a login: the platform sent the person back, with a code or with an error."""
    name, parts, query = _page_platform(request), services(request), request.query_params
    if request.method == "HEAD":
        raise _Refused(_USED)
    state = query.get("state", "")
    flow = await _in_redis(parts, flows.find_flow, state) if _STATE.fullmatch(state) else None
    if flow is None or flow.offer.platform != name:
        REFUSED.labels("state").inc()
        raise _Refused(_USED)
    if not flow.began_in(request.cookies.get(_cookie_name(flow.offer))):
        # The state is kept: the person in the right browser can still finish.
        REFUSED.labels("state").inc()
        raise _Refused(
            "This login was begun in another browser, or this browser blocks cookies. Open the link of "
            "`tidemark accounts authorize` and go through the login in one browser.",
            HTTPStatus.FORBIDDEN,
        )
    if not await _in_redis(parts, flows.use_flow, state):
        raise _Refused(_USED)
    response = await _finished(parts, flow, query.get("code"), query.get("error"))
    response.delete_cookie(_cookie_name(flow.offer), path="/connect", httponly=True, samesite="lax")
    return response


async def _finished(parts: Services, flow: Flow, code: str | None, error: str | None) -> Response:
    """Connect the account of a flow whose state was used up, note the outcome, and return its page."""
    title, offer = FACTS[flow.offer.platform].title, flow.offer
    try:
        await _check_key(parts, offer)
        with parts.logins.running(offer.workspace_id):
            document = await _exchange(parts, flow, _code(title, code, error))
    except _Refused as refused:
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
        _Refused: the person did not consent, or the platform sent an error or no code.
    """
    if error in _DENIALS:
        raise _Refused(
            f"You did not give Tidemark the permissions at {title}. If that was a mistake, start again and agree there."
        )
    if error is not None:
        # The text of an error comes from the URL: anybody can write it, so that it is not shown.
        raise _Refused(
            f"{title} did not accept the request of this app. The operator checks the app at {title}: its redirect "
            "address, and whether it has the permissions that Tidemark asks for."
        )
    if not code or len(code) > _LONGEST or not code.isascii() or not code.isprintable():
        raise _Refused(f"{title} sent no usable code. Start again.")
    return code


async def _exchange(parts: Services, flow: Flow, code: str) -> AccountDocument:
    """Run the end of the flow in a thread; its calls of the platform have deadlines of their own."""

    def run() -> AccountDocument:
        with pymongo.timeout(_STORE_SECONDS + 60):
            return finish(parts.store, parts.sync_redis, parts.settings, flow, code)

    return await to_thread.run_sync(run)


async def _check_key(parts: Services, offer: Offer) -> None:
    """Refuse a flow whose API key has lost its rights since it made the link.

    Raises:
        _Refused: the key was revoked, has expired, or may no longer connect accounts of this workspace.
        MongoUnavailable: MongoDB does not answer.
    """
    if offer.key is None:
        return
    key = key_of_kept(offer.key)
    if not await parts.auth.still_valid([key]) or "admin" not in key.scopes or not key.allows(offer.workspace_id):
        raise _Refused(
            "The API key that made this link was revoked, has expired or lost a right. Ask for a new link.",
            HTTPStatus.FORBIDDEN,
        )


async def _note(parts: Services, offer: Offer, outcome: Outcome) -> None:
    try:
        await _in_redis(parts, flows.note_outcome, offer.flow_id, outcome)
    except RedisUnavailable as error:
        log.warning("a command that waits for a login is not told its outcome: %s", error)


def _page_platform(request: Request) -> str:
    name: str = request.path_params["platform"]
    if name not in PLATFORMS:
        raise _Refused(f"There is no such platform: it is one of {', '.join(PLATFORMS)}.", HTTPStatus.NOT_FOUND)
    return name


def _cookie_name(offer: Offer) -> str:
    return f"tidemark_login_{offer.flow_id}"


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


ROUTES = (Route("/connect/{platform}", begin), Route("/connect/{platform}/callback", callback))
