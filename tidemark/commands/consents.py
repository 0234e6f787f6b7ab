"""The commands `tidemark consents`: which consents workspaces have that the terms of platforms demand."""

from typing import Annotated

import typer

from metrics.documents import Platform
from metrics.errors import InvalidInput
from metrics.platforms.registry import FACTS, NEEDING_CONSENT, STORING_NEEDS_CONSENT
from tidemark.arguments import Json, Workspace, check_workspace
from tidemark.commands.console import confirm, print_json, print_line, print_table
from tidemark.commands.stores import open_redis, open_store
from tidemark.commands.user import user

app = typer.Typer(
    no_args_is_help=True,
    help="Consents that the terms of platforms demand, to store their numbers or to mix them with those of others: "
    "give, withdraw, list.",
)

OfPlatform = Annotated[Platform, typer.Option(help="The platform.")]


@app.command(epilog="Example: tidemark consents give demo-north --platform youtube")
def give(workspace: Workspace, platform: OfPlatform, as_json: Json = False) -> None:
    """Record that a workspace has the consent.

    For Pinterest, its accounts are collected from the next hour on. For YouTube, totals mix its engagement with that of
    other platforms.
    """
    _check(platform)
    with open_store() as (store, settings), open_redis(settings) as redis:
        from metrics.redis.versions import invalidate

        check_workspace(store, workspace)
        store.consents.set(workspace, platform, given=True)
        # Answers that were computed under the other rule must not be served any longer.
        invalidate(redis, workspace)
    _print(workspace, platform, given=True, as_json=as_json)


@app.command(epilog="Example: tidemark consents withdraw demo-north --platform youtube")
def withdraw(
    workspace: Workspace,
    platform: OfPlatform,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    as_json: Json = False,
) -> None:
    """Record that a workspace no longer has the consent.

    For Pinterest, everything that was stored of its accounts in the workspace is deleted, in exports too. The accounts
    stay connected. A backup that is restored later does not bring the consent back, nor what was stored with it.
    """
    _check(platform)
    with open_store() as (store, settings), open_redis(settings) as redis:
        from tidemark.withdrawal import withdraw as withdraw_and_delete

        check_workspace(store, workspace)
        if platform in STORING_NEEDS_CONSENT and not yes:
            confirm(f"Delete all numbers of {FACTS[platform].title} in {workspace} for good?")
        withdraw_and_delete(store, redis, settings, workspace, platform, user())
    _print(workspace, platform, given=False, as_json=as_json)


@app.command("list", epilog="Example: tidemark consents list --json")
def list_consents(as_json: Json = False) -> None:
    """List the consents of all workspaces."""
    with open_store() as (store, _):
        found = [(name, one) for name, platforms in store.consents.all().items() for one in sorted(platforms)]
    if as_json:
        print_json([{"workspace": name, "platform": one} for name, one in found])
        return
    print_table(("workspace", "platform"), found)


def _check(platform: Platform) -> None:
    needing = NEEDING_CONSENT | STORING_NEEDS_CONSENT
    if platform not in needing:
        names = ", ".join(sorted(needing))
        raise InvalidInput(f"--platform: {platform}'s terms demand no consent; those of {names} do", "--platform")


def _print(workspace: str, platform: Platform, *, given: bool, as_json: bool) -> None:
    if as_json:
        print_json({"workspace": workspace, "platform": platform, "given": given})
    else:
        print_line(f"{workspace}: consent for {platform} {'given' if given else 'withdrawn'}")
