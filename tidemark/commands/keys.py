"""`tidemark keys`: API keys, and the keys that seal credentials."""

from datetime import timedelta
from typing import Annotated, cast, get_args

import typer
from rich.table import Table

from metrics.accounts import generate_secret_key
from metrics.clock import isoformat, utcnow
from metrics.documents import Scope
from metrics.errors import InvalidInput
from metrics.ids import check_id
from metrics.store.keys import ALL_WORKSPACES
from tidemark.commands.console import out, print_json
from tidemark.commands.stores import open_store

app = typer.Typer(no_args_is_help=True, help="API keys, and the keys that seal credentials.")
_SCOPES = get_args(Scope)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    workspace: Annotated[list[str], typer.Option(help="A workspace; again for more; * for all.")],
    scope: Annotated[list[str] | None, typer.Option(help="read, collect or admin; again for more.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires.")] = None,
    rate: Annotated[int | None, typer.Option(min=0, help="Requests per minute; 0: no limit.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
) -> None:
    """Make a key and show it, once. Example: tidemark keys create dashboard --workspace demo-north"""
    scopes = scope or ["read"]
    if unknown := set(scopes) - set(_SCOPES):
        raise InvalidInput(f"--scope: {', '.join(sorted(unknown))} is none of {', '.join(_SCOPES)}")
    for workspace_id in workspace:
        if workspace_id != ALL_WORKSPACES:
            check_id(workspace_id, "--workspace")
    expires = utcnow() + timedelta(days=days) if days else None
    with open_store() as (store, _):
        key, created = store.keys.create(name, workspace, cast("list[Scope]", scopes), expires, rate_limit=rate)
    if as_json:
        print_json({"key": key, "prefix": created.prefix, "workspaces": workspace, "scopes": scopes})
    else:
        out.print(key, soft_wrap=True)


@app.command("list")
def list_keys(as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False) -> None:
    """List keys by their first letters; the keys themselves are not kept."""
    with open_store() as (store, _):
        keys = store.keys.find_all()
    if as_json:
        print_json([{"prefix": k.prefix, "name": k.name, "workspaces": k.workspaces, "scopes": k.scopes,
                     "expiresAt": k.expires_at, "lastUsedAt": k.last_used_at, "revokedAt": k.revoked_at}
                    for k in keys])  # fmt: skip
        return
    table = Table("key", "name", "workspaces", "scopes", "last used", "state", box=None)
    for key in keys:
        state = "revoked" if key.revoked_at else "valid" if key.valid(utcnow()) else "expired"
        used = isoformat(key.last_used_at) if key.last_used_at else "never"
        table.add_row(f"{key.prefix}…", key.name, ",".join(key.workspaces), ",".join(key.scopes), used, state)
    out.print(table)


@app.command()
def revoke(prefix: Annotated[str, typer.Argument(help="The first letters, as `list` shows them.")]) -> None:
    """Revoke a key: requests fail within seconds, streams end within a minute."""
    with open_store() as (store, _):
        revoked = store.keys.revoke(prefix.rstrip("…"))
    out.print(f"revoked {revoked.prefix}… ({revoked.name})")


@app.command()
def secret() -> None:
    """Print a new key for TIDEMARK_SECRET_KEYS; put it in front of the old ones to rotate."""
    out.print(generate_secret_key(), soft_wrap=True)
