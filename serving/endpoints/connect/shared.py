"""What the handlers of logins share: pages for errors, the platform of a path, calls of Redis, and the key's rights."""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Concatenate, ParamSpec, TypeVar
from urllib.parse import urlsplit

from redis import Redis
from starlette.requests import Request
from starlette.responses import Response

from metrics.connecting.authorization import public_url
from metrics.connecting.flows import Offer
from metrics.documents import PLATFORMS
from metrics.errors import Unavailable
from serving.auth.tickets import key_of_kept
from serving.endpoints.connect.pages import page, paragraph
from serving.services import Services

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


USED = (
    "This link was used already, is too old, or was not copied whole. Start again: `tidemark accounts authorize` "
    "prints a new link, and so does `POST /analytics/workspace/{workspaceId}/connect/{platform}`."
)


class Refused(Exception):
    """A login that does not go on; the message says what to do."""

    def __init__(self, message: str, status: int = HTTPStatus.BAD_REQUEST, title: str = "Not connected") -> None:
        super().__init__(message)
        self.status, self.title = status, title


def paged(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Return a handler that answers errors with pages, because a person in a browser reads them."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as error:
            return page(error.title, paragraph(str(error)), paragraph("Nothing was stored."), status=error.status)
        except Unavailable as error:
            log.warning("a login could not be handled: %s", error)
            text = "A store of Tidemark does not answer. Start again in a few minutes."
            return page("Not connected", paragraph(text), status=HTTPStatus.SERVICE_UNAVAILABLE)

    return answer


def platform_of_page(request: Request) -> str:
    """Return the platform of a page's path.

    Raises:
        Refused: there is no such platform.
    """
    name: str = request.path_params["platform"]
    if name not in PLATFORMS:
        raise Refused(f"There is no such platform: it is one of {', '.join(PLATFORMS)}.", HTTPStatus.NOT_FOUND)
    return name


async def in_redis(parts: Services, call: Callable[Concatenate[Redis, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a call of `flows` in a thread; all of them share a quarter of the threads, because anybody can cause them."""
    return await parts.threads.run_for("logins", lambda: call(parts.sync_redis, *args, **kwargs))


def cookie_name(offer: Offer) -> str:
    """Return the name of the cookie of a flow; several flows may be under way in one browser."""
    return f"tidemark_login_{offer.flow_id}"


def cookie_path(parts: Services) -> str:
    """Return the path of the pages of logins as browsers see it: TIDEMARK_CONNECT_URL may have a path of its own."""
    return f"{urlsplit(public_url(parts.settings)).path}/connect"


def forget_cookie(response: Response, parts: Services, offer: Offer) -> None:
    """Delete the cookie of a flow."""
    response.delete_cookie(cookie_name(offer), path=cookie_path(parts), httponly=True, samesite="lax")


def set_cookie(response: Response, parts: Services, offer: Offer, value: str, seconds: int) -> None:
    """Set the cookie of a flow, which no script reads."""
    response.set_cookie(
        cookie_name(offer),
        value,
        max_age=seconds,
        path=cookie_path(parts),
        secure=public_url(parts.settings).startswith("https://"),
        httponly=True,
        # Lax: the way back from the platform is a navigation from another site. Forms of other sites do not send it.
        samesite="lax",
    )


async def check_key(parts: Services, offer: Offer) -> None:
    """Refuse a flow whose API key has lost its rights since it made the link.

    Raises:
        Refused: the key was revoked, has expired, or may no longer connect accounts of this workspace.
        MongoUnavailable: MongoDB does not answer.
    """
    if offer.key is None:
        return
    key = key_of_kept(offer.key)
    if not await parts.auth.still_valid([key]) or "admin" not in key.scopes or not key.allows(offer.workspace_id):
        raise Refused(
            "The API key that made this link was revoked, has expired or lost a right. Ask for a new link.",
            HTTPStatus.FORBIDDEN,
        )
