"""`tidemark erase`: an account or a workspace, for good."""

import os
from dataclasses import asdict
from getpass import getuser
from typing import Annotated

import typer

from metrics.errors import InvalidInput, TidemarkError
from tidemark.commands.console import confirm, print_json, print_line
from tidemark.commands.stores import open_redis, open_store


def erase(
    account: Annotated[str | None, typer.Option(help="Our id of an account.")] = None,
    workspace: Annotated[str | None, typer.Option(help="A workspace, with its accounts and keys.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
) -> None:
    """Erase an account or a workspace for good.

    From MongoDB, Redis, exports, logs and Dagster's storage. That it was done stays on record, without the data.
    Backups and logs that were carried elsewhere are yours to prune (docs/operations.md).
    """
    if (account is None) == (workspace is None):
        raise InvalidInput("name either --account or --workspace")
    name = account or workspace or ""
    what = f"account {name}" if account is not None else f"workspace {name}"
    if not yes:
        confirm(f"Erase {what} for good?")
    with open_store() as (store, settings), open_redis(settings) as redis:
        # Drivers are slow to import: help does without.
        from metrics import erase as stores
        from tidemark.erasure import erase_traces

        of_account = account is not None
        named = (stores.named_by_account if of_account else stores.named_by_workspace)(store, name)
        gone = (stores.erase_account if of_account else stores.erase_workspace)(store, redis, name)
        # On record before the rest: whatever becomes of that, it can be asked for again.
        stores.record(store, "account" if of_account else "workspace", name, _who(), gone)
        for one in () if of_account else named.account_ids:
            stores.record(store, "account", one, _who(), {})
        traces = erase_traces(settings, named, whole_workspace=not of_account)
        left = (stores.left_of_account if of_account else stores.left_of_workspace)(store, name)
        counts = {**gone, **{n: v for n, v in asdict(traces).items() if v is not None}}
    if as_json:
        print_json({"erased": counts, "left": left})
    else:
        said = ", ".join(f"{count:,} {where}" for where, count in counts.items() if count)
        print_line(f"erased {what}: {said or 'nothing was left'}")
        if traces.dagster is None:
            again = " and ".join(f"`tidemark erase --account {one}`" for one in named.account_ids)
            print_line(f"Dagster's storage is not here: where DAGSTER_HOME is, run {again or 'this'} again")
    if left:
        raise TidemarkError(f"{what} was written to meanwhile: {left} are left, erase again when its run has ended")


def _who() -> str:
    try:
        return getuser()
    except (KeyError, OSError):
        return str(os.getuid())  # A container may run as a user without a name.
