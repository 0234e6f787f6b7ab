"""The command `tidemark erase`: erases an account or a workspace for good."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metrics.errors import InvalidInput
from tidemark.commands.console import confirm, print_json, print_line
from tidemark.commands.stores import open_redis, open_store
from tidemark.commands.user import user

if TYPE_CHECKING:
    from redis import Redis

    from metrics.settings import Settings
    from metrics.store import Store
    from metrics.store.erasures import Erasure


def erase(
    account: Annotated[str | None, typer.Option(help="Tidemark's id of an account.")] = None,
    workspace: Annotated[str | None, typer.Option(help="A workspace, with its accounts and keys.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Finish every erasure that was interrupted.")] = False,
    no_dagster: Annotated[
        bool, typer.Option("--no-dagster", help="No Dagster storage with their ids exists anywhere.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Erase an account or a workspace for good.

    The data is erased from MongoDB, Redis, exports, warehouses, logs and Dagster's storage. A record of the erasure
    stays.
    The same call, or --resume, finishes an erasure that was interrupted.
    Backups and logs that were copied elsewhere you have to prune yourself (docs/operations.md).
    """
    if [account is not None, workspace is not None, resume].count(True) != 1:
        raise InvalidInput("name either --account or --workspace, or give --resume")
    if not resume and not yes:
        confirm(f"Erase {f'account {account}' if account is not None else f'workspace {workspace}'} for good?")
    with open_store(create=True) as (store, settings), open_redis(settings) as redis:
        # Imported late: drivers are slow to import.
        from metrics.upkeep.erase import begin

        if resume:
            chosen = store.erasures.unfinished()
        elif account is not None:
            chosen = [begin(store, "account", account, user())]
        else:
            chosen = [begin(store, "workspace", workspace or "", user())]
        _erase(store, redis, settings, chosen, no_dagster=no_dagster, as_json=as_json)


def _erase(
    store: "Store",
    redis: "Redis",
    settings: "Settings",
    chosen: "Iterable[Erasure]",
    *,
    no_dagster: bool,
    as_json: bool,
) -> None:
    from tidemark.erasure import finish

    done: list[dict[str, Any]] = []
    for erasure in chosen:
        outcome, traces = finish(store, redis, settings, erasure, no_dagster=no_dagster)
        counts = {**outcome.counts, **{n: v for n, v in asdict(traces).items() if v is not None}}
        done.append({"kind": erasure.kind, "name": erasure.name, "erased": counts, "finished": outcome.finished})
        if not as_json:
            summary = ", ".join(f"{count:,} {where}" for where, count in counts.items() if count)
            print_line(f"erased {erasure}: {summary or 'nothing was left'}")
            if not outcome.finished:
                print_line(
                    "Dagster's storage is not here: run `tidemark erase --resume` where DAGSTER_HOME is, or add "
                    "--no-dagster if there is none"
                )
    if as_json:
        print_json(done)
    elif not done:
        print_line("no erasure is unfinished")
