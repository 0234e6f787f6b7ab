"""The commands `tidemark campaigns`: ranges of days of a workspace, with the accounts or posts that belong to them."""

from typing import TYPE_CHECKING, Annotated

import typer

from metrics.clock import isoformat, utcnow
from metrics.ids import check_id
from tidemark.arguments import Json, Workspace, check_workspace, day_of
from tidemark.commands.console import print_json, print_line, print_table
from tidemark.commands.stores import open_redis, open_store

if TYPE_CHECKING:
    from metrics.store.workspace.campaigns import CampaignDocument

app = typer.Typer(no_args_is_help=True, help="Campaigns of a workspace: list, set and remove them.")

Name = Annotated[str, typer.Argument(help="The name of the campaign, as spring-2026.")]
_SHOWN = ("name", "title", "startDate", "endDate", "accountIds", "postIds", "tag", "createdAt", "changedAt")


@app.command("list", epilog="Example: tidemark campaigns list demo-north --json")
def list_campaigns(workspace: Workspace, as_json: Json = False) -> None:
    """List the campaigns of a workspace."""
    check_id(workspace, "WORKSPACE")
    with open_store() as (store, _):
        found = store.campaigns.all(workspace)
    if as_json:
        print_json([{name: one.get(name) for name in _SHOWN if name in one} for one in found])
        return
    print_table(
        ("name", "from", "to", "selects", "title"),
        [(one["name"], one["startDate"], one["endDate"], _selects(one), one["title"]) for one in found],
    )


def _selects(campaign: "CampaignDocument") -> str:
    accounts, posts = campaign.get("accountIds"), campaign.get("postIds")
    parts = [f"{len(posts)} posts"] if posts else []
    parts += [f"#{campaign['tag']}"] if "tag" in campaign else []
    parts += [f"{len(accounts)} accounts"] if accounts else []
    return ", ".join(parts) or "all accounts"


@app.command(
    "set",
    epilog="Example: tidemark campaigns set demo-north spring --title 'Spring sale' --from 2026-03-01 --to 2026-03-21",
)
def set_(
    workspace: Workspace,
    name: Name,
    title: Annotated[str, typer.Option(help="The name to show to people.")],
    first: Annotated[str, typer.Option("--from", help="The first day, as YYYY-MM-DD.")],
    last: Annotated[str, typer.Option("--to", help="The last day, inclusive.")],
    account: Annotated[list[str] | None, typer.Option(help="Only this account; repeat it for several.")] = None,
    post: Annotated[list[str] | None, typer.Option(help="Only this post; repeat it for several.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only posts with this hashtag in their caption.")] = None,
    as_json: Json = False,
) -> None:
    """Set a campaign, in place of one of the same name."""
    check_id(workspace, "WORKSPACE")
    days = day_of(first, "--from"), day_of(last, "--to")
    with open_store(create=True) as (store, settings), open_redis(settings) as redis:
        from metrics.campaigns.changes import NewCampaign, set_campaign
        from metrics.redis.events import Announcer

        check_workspace(store, workspace)
        wanted = NewCampaign(
            name, title, *days, tuple(account) if account else None, tuple(post) if post else None, tag
        )
        found = set_campaign(store, workspace, wanted, utcnow(), stores_content=settings.store_post_content)
        Announcer(redis).announce(workspace)
    if as_json:
        print_json({name: found.get(name) for name in _SHOWN if name in found})
    else:
        print_line(f"{name}: {found['startDate']} to {found['endDate']}, {_selects(found)}")


@app.command(epilog="Example: tidemark campaigns remove demo-north spring")
def remove(workspace: Workspace, name: Name, as_json: Json = False) -> None:
    """Delete a campaign; what was collected stays."""
    check_id(workspace, "WORKSPACE")
    with open_store() as (store, settings), open_redis(settings) as redis:
        from metrics.definitions.campaigns import remove_campaign
        from metrics.redis.events import Announcer

        remove_campaign(store, workspace, name)
        Announcer(redis).announce(workspace)
    if as_json:
        print_json({"name": name, "removedAt": isoformat(utcnow())})
    else:
        print_line(f"{name} is removed")
