"""The commands `tidemark pauses`: list the platforms and accounts that wait because of a limit, and lift a pause."""

from typing import Annotated

import typer

from metrics.clock import isoformat
from metrics.documents import Platform
from metrics.errors import NotFound
from metrics.identity import normal_account_id
from tidemark.arguments import Json
from tidemark.commands.console import print_json, print_line, print_table
from tidemark.commands.stores import open_redis, open_store

app = typer.Typer(no_args_is_help=True, help="Platforms and accounts that wait because of a limit: list, lift.")


@app.command("list", epilog="Example: tidemark pauses list")
def list_pauses(as_json: Json = False) -> None:
    """List the platforms and accounts that are paused at present, and until when."""
    with open_store() as (_, settings), open_redis(settings) as redis:
        from metrics.redis.pauses import pauses

        found = pauses(redis)
    if as_json:
        print_json(
            [{"platform": p.platform, "account": p.platform_account_id, "until": isoformat(p.until)} for p in found]
        )
        return
    print_table(
        ("platform", "account", "until"),
        [(pause.platform, pause.platform_account_id or "all", isoformat(pause.until)) for pause in found],
    )


@app.command(epilog="Example: tidemark pauses lift --platform twitter")
def lift(
    platform: Annotated[Platform, typer.Option(help="The platform.")],
    account: Annotated[
        str | None, typer.Option(help="The platform's id of one account. If left out: the whole platform.")
    ] = None,
    as_json: Json = False,
) -> None:
    """End a pause early: after credits were topped up, or a limit was raised. The next run sends requests again."""
    account_id = normal_account_id(platform, account, "--account") if account is not None else None
    with open_store() as (_, settings), open_redis(settings) as redis:
        from metrics.redis import pauses

        what = platform if account_id is None else f"account {account_id} of {platform}"
        if not pauses.lift(redis, platform, account_id):
            raise NotFound(f"{what} is not paused: see `tidemark pauses list`")
    if as_json:
        print_json({"platform": platform, "account": account_id, "lifted": True})
    else:
        print_line(f"{what} is no longer paused")
