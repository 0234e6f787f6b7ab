"""The commands `tidemark consents`: which workspaces may mix a platform's numbers with those of other platforms."""

from typing import Annotated

import typer

from metrics.documents import Platform
from metrics.errors import InvalidInput, NotFound
from metrics.platforms.registry import NEEDING_CONSENT
from tidemark.commands.console import print_json, print_line, print_table
from tidemark.commands.stores import open_redis, open_store

app = typer.Typer(
    no_args_is_help=True,
    help="Consents to mix a platform's numbers with those of others, where its terms demand one: give, withdraw, list.",
)

Workspace = Annotated[str, typer.Argument(help="The workspace.")]
OfPlatform = Annotated[Platform, typer.Option(help="The platform.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(epilog="Example: tidemark consents give demo-north --platform youtube")
def give(workspace: Workspace, platform: OfPlatform, as_json: Json = False) -> None:
    """Record that a workspace has the consent: its totals then mix the platform's engagement with that of others."""
    _set(workspace, platform, given=True, as_json=as_json)


@app.command(epilog="Example: tidemark consents withdraw demo-north --platform youtube")
def withdraw(workspace: Workspace, platform: OfPlatform, as_json: Json = False) -> None:
    """Record that a workspace no longer has the consent."""
    _set(workspace, platform, given=False, as_json=as_json)


@app.command("list", epilog="Example: tidemark consents list --json")
def list_consents(as_json: Json = False) -> None:
    """List the consents of all workspaces."""
    with open_store() as (store, _):
        found = [(name, one) for name, platforms in store.consents.all().items() for one in sorted(platforms)]
    if as_json:
        print_json([{"workspace": name, "platform": one} for name, one in found])
        return
    print_table(("workspace", "platform"), found)


def _set(workspace: str, platform: Platform, *, given: bool, as_json: bool) -> None:
    if platform not in NEEDING_CONSENT:
        needing = ", ".join(sorted(NEEDING_CONSENT))
        raise InvalidInput(f"--platform: {platform}'s terms demand no consent; those of {needing} do", "--platform")
    with open_store() as (store, settings), open_redis(settings) as redis:
        from metrics.redis.versions import invalidate

        if workspace not in store.accounts.workspaces():
            raise NotFound(f"there is no workspace {workspace}: see `tidemark accounts list`")
        store.consents.set(workspace, platform, given=given)
        # Answers that were computed under the other rule must not be served any longer.
        invalidate(redis, workspace)
    if as_json:
        print_json({"workspace": workspace, "platform": platform, "given": given})
    else:
        print_line(f"{workspace}: consent for {platform} {'given' if given else 'withdrawn'}")
