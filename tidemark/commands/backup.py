"""The commands `tidemark backup` and `tidemark restore`."""

from pathlib import Path
from typing import Annotated

import typer

from metrics.clock import utcnow
from tidemark.arguments import Json
from tidemark.commands.console import print_json, print_line, print_note
from tidemark.commands.stores import open_redis, open_store

_MOST_KEYS = 20
"""Maximum number of valid API keys listed after a restore; `tidemark keys list` lists all."""


def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder; it will have sealed credentials and hashed keys.")],
    as_json: Json = False,
) -> None:
    """Write everything in MongoDB into a folder, as of one instant.

    Keep TIDEMARK_SECRET_KEYS elsewhere: without these keys the credentials in the backup cannot be opened.
    """
    from metrics.upkeep.backup import backup as save  # imported late: drivers are slow to import

    with open_store() as (store, _):
        saved = save(store, folder)
    if as_json:
        print_json({"folder": str(folder), "documents": {one["name"]: one["documents"] for one in saved}})
    else:
        print_line(f"backed up {sum(one['documents'] for one in saved):,} documents into {folder}")


def restore(
    folder: Annotated[Path, typer.Argument(help="The folder of a backup.")],
    ledger: Annotated[
        list[Path] | None,
        typer.Option(help="The ledger.jsonl of another TIDEMARK_HOME, besides this one's; repeat for more."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Read a backup into an empty database; all files are checked before anything is written.

    Data erased after the backup stays erased, revoked keys stay revoked, and withdrawn consents stay withdrawn,
    according to the ledger in TIDEMARK_HOME. Do not collect in the meantime. Verify the result afterwards with
    `tidemark rebuild --check`.
    """
    from metrics.redis.versions import known_workspaces, restart
    from metrics.upkeep.backup import restore as load
    from metrics.upkeep.ledger import Ledger, merged

    with open_store() as (store, settings), open_redis(settings) as redis:
        own, others = Ledger.of(settings), [Ledger(path) for path in ledger or ()]
        entries = merged([*others, own] if own.path.exists() else others)
        restored = load(store, settings, folder, entries)
        # Cached answers and sent events no longer match the data, also those of workspaces that are not in the backup.
        for workspace_id in sorted({*store.accounts.workspaces(), *known_workspaces(redis)}):
            restart(redis, workspace_id)
        valid = [key for key in store.keys.find_all() if key.valid(utcnow())]
    documents = {one["name"]: one["documents"] - restored.withheld.get(one["name"], 0) for one in restored.collections}
    if as_json:
        print_json(
            {
                "folder": str(folder),
                "documents": documents,
                "withheld": restored.withheld,
                "revoked": restored.revoked,
                "withdrawn": restored.withdrawn,
                "validKeys": [key.prefix for key in valid],
            }
        )
        return
    print_line(f"restored {sum(documents.values()):,} documents from {folder}")
    print_line(
        f"left out {sum(restored.withheld.values()):,} documents that were erased since the backup; "
        f"{restored.revoked} keys stay revoked, {restored.withdrawn} consents stay withdrawn"
    )
    if not entries:
        print_note(
            f"{own.path} is missing or empty: data erased, and keys and consents revoked, since the backup may be back"
        )
    names = ", ".join(f"{key.prefix}… ({key.name})" for key in valid[:_MOST_KEYS])
    more = f" and {len(valid) - _MOST_KEYS} more" if len(valid) > _MOST_KEYS else ""
    print_line(f"valid keys: {names or 'none'}{more}")
