"""The command `tidemark accounts authorize`: prints a link with which a person connects an account in a browser."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from metrics.documents import Platform
from metrics.errors import InvalidInput, TidemarkError
from metrics.identity import normal_account_id
from metrics.ids import check_id
from tidemark.commands.console import print_json, print_line, print_note
from tidemark.commands.stores import open_redis, open_store

if TYPE_CHECKING:
    from redis import Redis

    from metrics.connecting.flows import Outcome
    from metrics.settings import Settings

_PAUSE_SECONDS = 0.5


def authorize(
    workspace: Annotated[str, typer.Option(help="The workspace to which the account belongs.")],
    platform: Annotated[Platform, typer.Option(help="The platform of the account.")],
    account: Annotated[
        str | None,
        typer.Option(help="The platform's id of the account: a login to any other account is refused."),
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait until the person is back from the platform.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Connect an account, or renew its token, by a login at the platform in a browser; nobody copies a token.

    Prints a link that works once, for five minutes, in any browser that reaches TIDEMARK_CONNECT_URL.
    """
    # Imported late: redis and oauthlib are slow to import.
    from metrics.connecting import flows
    from metrics.connecting.authorization import Authorization, public_url
    from metrics.connecting.errors import NotConnected

    check_id(workspace, "--workspace")
    chosen = normal_account_id(platform, account, "--account") if account is not None else None
    with open_store(create=True) as (_, settings), open_redis(settings) as redis:
        try:
            authorization = Authorization(settings, platform)
        except NotConnected as error:
            raise InvalidInput(str(error)) from None
        _check_serving(settings)
        offer = flows.new_offer(workspace, platform, chosen)
        ticket = flows.issue(redis, offer)
        link = f"{public_url(settings)}/connect/{platform}?ticket={ticket}"
        if not wait:
            shown = {"url": link, "expiresIn": flows.OFFER_SECONDS, "scopes": authorization.scopes}
            print_json(shown) if as_json else print_line(link)
            return
        print_note(f"permissions: {', '.join(authorization.scopes)}")
        print_note(
            f"redirect address, which the app at {authorization.title} has to name: {authorization.redirect_url}"
        )
        print_note(f"open this link in a browser within {flows.OFFER_SECONDS // 60} minutes:")
        print_note(link)
        outcome = _wait(redis, offer.flow_id, flows.OFFER_SECONDS + flows.FLOW_SECONDS)
    if outcome is None:
        raise TidemarkError("nobody finished the login in time; nothing was connected: run the command again")
    if outcome.state == "refused":
        raise TidemarkError(f"{outcome.message} Nothing was stored.")
    if as_json:
        print_json({"accountId": outcome.account_id, "platformAccountId": outcome.platform_account_id,
                    "handle": outcome.handle})  # fmt: skip
    else:
        print_line(f"{outcome.account_id}: {outcome.message}")


def _check_serving(settings: "Settings") -> None:
    """Check that serving answers at its public URL, as far as this machine can tell.

    Raises:
        InvalidInput: nothing listens there.
    """
    from metrics.connecting.authorization import public_url
    from metrics.network import Network
    from metrics.web import WebError, send

    try:
        send(Network.of(settings), f"{public_url(settings)}/healthz", timeout=5.0)
    except WebError as error:
        raise InvalidInput(f"TIDEMARK_CONNECT_URL: {error}: start serving there, or correct the URL") from None


def _wait(redis: "Redis", flow_id: str, seconds: float) -> "Outcome | None":
    """Return the outcome of a login, or None if there is none within the time."""
    from metrics.connecting import flows

    ends = time.monotonic() + seconds
    while (outcome := flows.find_outcome(redis, flow_id)) is None and time.monotonic() < ends:
        time.sleep(_PAUSE_SECONDS)
    return outcome
