"""`tidemark backup` and `tidemark restore`."""

from pathlib import Path
from typing import Annotated

import typer

from tidemark.commands.console import print_json, print_line
from tidemark.commands.stores import open_redis, open_store

Json = Annotated[bool, typer.Option("--json", help="For a program to read.")]


def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder; it will hold sealed credentials and hashed keys.")],
    as_json: Json = False,
) -> None:
    """Write everything that MongoDB holds into a folder, as of one instant.

    Keep TIDEMARK_SECRET_KEYS apart from it: without them the credentials in it cannot be opened.
    """
    from metrics.backup import backup as save  # drivers are slow to import

    with open_store() as (store, _):
        saved = save(store, folder)
    if as_json:
        print_json({"folder": str(folder), "documents": {one["name"]: one["documents"] for one in saved}})
    else:
        print_line(f"backed up {sum(one['documents'] for one in saved):,} documents into {folder}")


def restore(
    folder: Annotated[Path, typer.Argument(help="The folder of a backup.")],
    as_json: Json = False,
) -> None:
    """Read a backup into an empty database; files are checked before anything is written.

    Collect nothing meanwhile. Prove it afterwards by `tidemark rebuild --check`.
    """
    from metrics.backup import restore as load
    from metrics.events import Announcer

    with open_store() as (store, settings), open_redis(settings) as redis:
        saved = load(store, settings, folder)
        for workspace_id in store.accounts.workspaces():
            # Answers that were cached before are of another world.
            Announcer(redis).announce(workspace_id)
    if as_json:
        print_json({"folder": str(folder), "documents": {one["name"]: one["documents"] for one in saved}})
    else:
        print_line(f"restored {sum(one['documents'] for one in saved):,} documents from {folder}")
