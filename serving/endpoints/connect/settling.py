"""How a login ends: its accounts are stored or refused, the waiting command is told, and a page says so.

A login that can read several accounts ends with a choice, and that choice ends in the same way.
"""

import logging
from collections.abc import Callable, Sequence
from http import HTTPStatus

import pymongo
from anyio import to_thread
from starlette.responses import Response

from metrics.connecting import flows
from metrics.connecting.choice import CHOICE_SECONDS, Choice, ChoiceUsed
from metrics.connecting.errors import NotConnected
from metrics.connecting.flows import Offer, Outcome
from metrics.connecting.outcomes import connected
from metrics.documents import AccountDocument
from metrics.errors import CredentialError, InvalidInput, RedisUnavailable, TidemarkError, Unavailable
from metrics.platforms.registry import FACTS
from serving.endpoints.connect.pages import choices, page, paragraph
from serving.endpoints.connect.shared import Refused, check_key, forget_cookie, in_redis, set_cookie
from serving.services import Services
from serving.wire.problems import Problem

log = logging.getLogger(__name__)

_STORE_SECONDS = 75.0
"""The stores and the calls of the platform together; each of the latter has a deadline of its own."""


async def settle(
    parts: Services, offer: Offer, run: Callable[[], Sequence[AccountDocument] | Choice], cookie: str
) -> Response:
    """Call `run`, which connects accounts or returns a choice, note the outcome, and return its page."""
    title = FACTS[offer.platform].title
    try:
        await check_key(parts, offer)
        with parts.logins.running(offer.workspace_id):
            found = await to_thread.run_sync(_bounded, parts, offer, run)
    except Refused as refused:
        outcome, status = Outcome("refused", str(refused)), refused.status
    except Problem as problem:
        outcome, status = Outcome("refused", f"{problem.detail} Start again in a minute."), problem.status
    except ChoiceUsed as used:
        # Another tab or the command line was faster: its outcome is the one that counts.
        return page("Not connected", paragraph(str(used)), status=HTTPStatus.BAD_REQUEST)
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
        if isinstance(found, Choice):
            return await _ask(parts, found, cookie)
        outcome, status = found, HTTPStatus.OK
    await _note(parts, offer, outcome)
    if outcome.state == "connected":
        response: Response = page("Connected", paragraph(outcome.message), paragraph("You can close this page."))
    else:
        log.info("a login to %s was refused: %s", title, HTTPStatus(status).phrase)
        response = page("Not connected", paragraph(outcome.message), paragraph("Nothing was stored."), status=status)
    forget_cookie(response, parts, offer)
    return response


def choice_page(choice: Choice, complaint: str = "", status: int = HTTPStatus.OK) -> Response:
    """Return the page on which a person chooses accounts. It has their names and ids, and no token."""
    offer, title = choice.offer, FACTS[choice.offer.platform].title
    return page(
        f"Choose {title} accounts",
        *([paragraph(complaint)] if complaint else []),
        paragraph(
            f"This {title} login can read {len(choice.candidates)} accounts. Choose those that Tidemark shall read for "
            f"the workspace `{offer.workspace_id}`, within {CHOICE_SECONDS // 60} minutes. Nothing is stored yet."
        ),
        choices(
            # Relative to the page, whose path a proxy may have changed: `…/connect/facebook/callback` or `…/choice`.
            "choice",
            {"flow": offer.flow_id},
            "account",
            [(one.platform_account_id, str(one)) for one in choice.candidates],
            "Connect the chosen accounts",
        ),
        status=status,
        has_form=True,
    )


async def _ask(parts: Services, choice: Choice, cookie: str) -> Response:
    """Return the page of a choice, and tell the waiting command."""
    title = FACTS[choice.offer.platform].title
    shown = [{"platformAccountId": one.platform_account_id, "handle": one.handle} for one in choice.candidates]
    message = f"This {title} login can read {len(shown)} accounts."
    await _note(parts, choice.offer, Outcome("choosing", message, shown))
    response = choice_page(choice)
    set_cookie(response, parts, choice.offer, cookie, CHOICE_SECONDS)
    return response


def _bounded(parts: Services, offer: Offer, run: Callable[[], Sequence[AccountDocument] | Choice]) -> Outcome | Choice:
    """Return the choice of a login, or the outcome of the accounts that it connected."""
    with pymongo.timeout(_STORE_SECONDS):
        found = run()
        return found if isinstance(found, Choice) else connected(parts.store, offer, found)


async def _note(parts: Services, offer: Offer, outcome: Outcome) -> None:
    try:
        await in_redis(parts, flows.note_outcome, offer.flow_id, outcome)
    except RedisUnavailable as error:
        log.warning("a command that waits for a login is not told its outcome: %s", error)


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
