"""The commands `tidemark keys`: API keys, and the keys that seal credentials."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from metrics.clock import isoformat, utcnow
from metrics.documents import Scope
from metrics.errors import CredentialError, InvalidInput
from metrics.ids import check_id, check_text
from tidemark.arguments import Json
from tidemark.commands.console import print_json, print_line, print_table
from tidemark.commands.stores import open_store
from tidemark.commands.user import user

if TYPE_CHECKING:
    from metrics.store.api_keys import ApiKey

app = typer.Typer(no_args_is_help=True, help="API keys, and the keys that seal credentials.")

_SCOPES: tuple[str, ...] = get_args(Scope)


@app.command(epilog="Example: tidemark keys create dashboard --workspace demo-north --scope read --scope collect")
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    workspace: Annotated[list[str], typer.Option(help="A workspace; repeat for more; '*' for all.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help=f"What the key may do: {', '.join(_SCOPES)}; repeat for more.",
            autocompletion=lambda: list(_SCOPES),
            show_default="read",
        ),
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, max=36_500, help="Days until it expires.")] = None,
    rate: Annotated[int | None, typer.Option(min=0, help="Requests per minute; 0: no limit.")] = None,
    as_json: Json = False,
) -> None:
    """Create a key and print it; it cannot be shown again."""
    scopes = scope or ["read"]
    if unknown := sorted(set(scopes) - set(_SCOPES)):
        raise InvalidInput(f"--scope: {', '.join(unknown)} is none of {', '.join(_SCOPES)}")
    for workspace_id in workspace:
        if workspace_id != "*":
            check_id(workspace_id, "--workspace")
    if not check_text(name, "NAME").strip():
        raise InvalidInput("NAME is empty: say what the key is for")
    with open_store(create=True) as (store, _):
        expires = utcnow() + timedelta(days=days) if days else None
        key, created = store.keys.create(name, workspace, cast("list[Scope]", scopes), expires, rate_limit=rate)
    if as_json:
        print_json({"key": key, **_shown(created)})
    else:
        print_line(key)


@app.command("list", epilog="Example: tidemark keys list --json")
def list_keys(as_json: Json = False) -> None:
    """List keys by their first letters; the keys themselves are not stored."""
    with open_store() as (store, _):
        keys = store.keys.find_all()
    if as_json:
        print_json([_shown(key) for key in keys])
        return
    print_table(
        ("key", "name", "workspaces", "scopes", "last used", "state"),
        [
            (f"{key.prefix}…", key.name, ",".join(key.workspaces), ",".join(key.scopes), _used(key), _state(key))
            for key in keys
        ],
    )


@app.command(epilog="Example: tidemark keys revoke tm_live_a1B2c3")
def revoke(
    prefix: Annotated[str, typer.Argument(help="The first letters, as `list` shows them.")], as_json: Json = False
) -> None:
    """Revoke a key: requests fail within seconds, streams end within a minute."""
    with open_store() as (store, settings):
        from metrics.upkeep.ledger import Ledger

        revoked = store.keys.revoke(prefix.rstrip("…"))
        # Noted in the ledger, so that restoring an earlier backup does not make the key valid again.
        Ledger.of(settings).note("key", revoked.key_id, user())
    if as_json:
        print_json(_shown(revoked))
    else:
        print_line(f"revoked {revoked.prefix}… ({revoked.name})")


@app.command(epilog="Example: tidemark keys rotate tm_live_a1B2c3 --overlap-hours 24")
def rotate(
    prefix: Annotated[str, typer.Argument(help="The first letters of the key to replace, as `list` shows them.")],
    overlap_hours: Annotated[float, typer.Option(min=0, max=8760, help="Hours until the old key ends.")] = 24,
    as_json: Json = False,
) -> None:
    """Replace a key: create one with the same rights and print it once; the old key ends after the overlap."""
    with open_store() as (store, settings):
        from metrics.upkeep.ledger import Ledger

        ledger = Ledger.of(settings)
        ledger.require_writable()
        shown = prefix.rstrip("…")
        key, made = store.keys.replace(shown, utcnow() + timedelta(hours=overlap_hours))
        replaced = next(old for old in store.keys.find_all() if old.prefix == shown)
    # Printed before the ledger is written, because that may fail, and the key cannot be shown later.
    if as_json:
        print_json({"key": key, **_shown(made)})
    else:
        print_line(key)
    ledger.note("key", replaced.key_id, user(), replaced.expires_at)


@app.command(epilog="Example: tidemark keys reseal")
def reseal(as_json: Json = False) -> None:
    """Seal all credentials with the first key of TIDEMARK_SECRET_KEYS; the others may be removed afterwards.

    It also binds credentials that version 0.1 sealed to their account.
    """
    # Imported late: cryptography is slow to import.
    from metrics.upkeep.reseal import reseal_all
    from metrics.vault import Vault

    with open_store() as (store, settings):
        done, closed = reseal_all(store, Vault(settings.secret_keys))
    if as_json:
        print_json({"resealed": done, "unopened": closed})
    else:
        print_line(f"sealed the credentials of {done} accounts with the newest key")
    if closed:
        raise CredentialError(
            f"no key opens the credentials of {', '.join(closed)}, or they were sealed for another account: add "
            "their key, or connect these accounts again"
        )


@app.command(epilog="Example: export TIDEMARK_SECRET_KEYS=$(tidemark keys secret)")
def secret() -> None:
    """Print a new key for TIDEMARK_SECRET_KEYS; to rotate, put it before the old keys."""
    # Imported late: cryptography is slow to import.
    from metrics.vault import generate_secret_key

    print_line(generate_secret_key())


def _used(key: "ApiKey") -> str:
    return isoformat(key.last_used_at) if key.last_used_at else "never"


def _state(key: "ApiKey") -> str:
    return "revoked" if key.revoked_at else "valid" if key.valid(utcnow()) else "expired"


def _shown(key: "ApiKey") -> dict[str, Any]:
    return {
        "prefix": key.prefix,
        "name": key.name,
        "workspaces": key.workspaces,
        "scopes": key.scopes,
        "state": _state(key),
        "rateLimit": key.rate_limit,
        "expiresAt": key.expires_at,
        "lastUsedAt": key.last_used_at,
        "revokedAt": key.revoked_at,
    }
