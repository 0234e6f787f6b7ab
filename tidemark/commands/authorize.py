"""The command `tidemark accounts authorize`: prints a link with which a person connects an account in a browser."""

from typing import TYPE_CHECKING, Annotated

import typer

from metrics.documents import Platform
from metrics.errors import InvalidInput, TidemarkError
from metrics.identity import normal_account_id
from metrics.ids import check_id
from tidemark.commands.console import print_json, print_line, print_note
from tidemark.commands.stores import open_redis, open_store

if TYPE_CHECKING:
    from metrics.settings import Settings


def authorize(
    workspace: Annotated[str, typer.Option(help="The workspace to which the account belongs.")],
    platform: Annotated[Platform, typer.Option(help="The platform of the account.")],
    account: Annotated[
        str | None,
        typer.Option(
            help="The platform's id of the account: a login to any other account is refused. Without it, a login that "
            "can read several accounts lets the person choose."
        ),
    ] = None,
    second_grant: Annotated[
        bool,
        typer.Option(
            "--second-grant",
            help="Add the second grant of the account, which is connected already, for further numbers (TikTok's API "
            "for Business).",
        ),
    ] = False,
    wait: Annotated[bool, typer.Option(help="Wait until the person is back from the platform.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Connect an account, or renew its token, by a login at the platform in a browser; nobody copies a token.

    Prints a link that works once, for five minutes, in any browser that reaches TIDEMARK_CONNECT_URL. If the login can
    read several accounts, such as the Pages of a person, choose one or several on the page, or here by their numbers.
    """
    # Imported late: redis and oauthlib are slow to import.
    from metrics.connecting import flows
    from metrics.connecting.authorization import Authorization, public_url
    from metrics.connecting.choice import CHOICE_SECONDS
    from metrics.connecting.errors import NotConnected
    from tidemark.login_choice import wait_for_outcome

    check_id(workspace, "--workspace")
    chosen = normal_account_id(platform, account, "--account") if account is not None else None
    with open_store(create=True) as (store, settings), open_redis(settings) as redis:
        try:
            authorization = Authorization(settings, platform, second_grant=second_grant)
        except NotConnected as error:
            raise InvalidInput(str(error)) from None
        _check_serving(settings)
        offer = flows.new_offer(workspace, platform, chosen, second_grant=second_grant)
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
        most = flows.OFFER_SECONDS + flows.FLOW_SECONDS + CHOICE_SECONDS
        outcome = wait_for_outcome(store, redis, settings, offer, most, print_note)
    if outcome is None:
        raise TidemarkError("nobody finished the login in time; nothing was connected: run the command again")
    if outcome.state == "refused":
        raise TidemarkError(f"{outcome.message} Nothing was stored.")
    if as_json:
        print_json({"accounts": outcome.accounts})
    else:
        print_line(f"{', '.join(str(one['accountId']) for one in outcome.accounts)}: {outcome.message}")


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
