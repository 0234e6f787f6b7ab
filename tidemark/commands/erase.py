"""`tidemark erase`: an account or a workspace, for good."""

from typing import Annotated

import typer

from metrics.errors import InvalidInput, TidemarkError
from tidemark.commands.console import out, print_json
from tidemark.commands.stores import open_redis, open_store


def erase(
    account: Annotated[str | None, typer.Option(help="Our id of an account.")] = None,
    workspace: Annotated[str | None, typer.Option(help="A workspace, with its accounts and keys.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
) -> None:
    """Erase an account or a workspace for good.

    Observations, rollups, posts, records of collection, operations, credentials, cached answers and events go. Backups
    and Dagster's logs of runs, which name accounts that failed, are yours to prune.
    """
    if (account is None) == (workspace is None):
        raise InvalidInput("name either --account or --workspace")
    name = account or workspace or ""
    what = f"account {name}" if account is not None else f"workspace {name}"
    if not yes:
        typer.confirm(f"Erase {what} for good?", abort=True)
    with open_store() as (store, settings), open_redis(settings) as redis:
        # Drivers are slow to import: help does without.
        from metrics.erase import erase_account, erase_workspace, left_of_account, left_of_workspace

        gone = (erase_account if account is not None else erase_workspace)(store, redis, name)
        left = (left_of_account if account is not None else left_of_workspace)(store, name)
    if as_json:
        print_json({"erased": gone, "left": left})
    else:
        counts = ", ".join(f"{count:,} {collection}" for collection, count in gone.items() if count)
        out.print(f"erased {what}: {counts or 'nothing was left'}", markup=False, soft_wrap=True)
    if left:
        raise TidemarkError(f"{what} was written to meanwhile: {left} are left, erase again when its run has ended")
