"""`tidemark accounts`: connect, list, pause, disconnect."""

from pathlib import Path
from typing import Annotated, cast

import typer
from rich.table import Table

from metrics import redisdb
from metrics.accounts import Vault
from metrics.clock import isoformat, utcnow
from metrics.documents import PLATFORMS, AccountDocument, AccountState
from metrics.errors import InvalidInput
from metrics.events import Announcer, account_status
from metrics.settings import Settings
from metrics.store import Store
from tidemark import accounts_file
from tidemark.accounts_file import NewAccount
from tidemark.commands.console import out, print_json
from tidemark.commands.stores import open_store

app = typer.Typer(no_args_is_help=True, help="Social accounts: connect, list, pause, disconnect.")


@app.command("import")
def import_file(file: Annotated[Path, typer.Argument(help="CSV with a header, or one JSON object a line.")]) -> None:
    """Connect all accounts of a file, or none of them if a line is wrong.

    Columns: workspaceId, platform, platformAccountId, handle, accessToken; where tokens are renewed also refreshToken,
    clientId, clientSecret, expiresAt, and login.
    """
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file}: {error.__class__.__name__}: give a readable text file") from None
    _connect(accounts_file.parse(text))


@app.command()
def connect(
    workspace: Annotated[str, typer.Option(help="The workspace it belongs to.")],
    platform: Annotated[str, typer.Option(help=f"One of {', '.join(PLATFORMS)}.")],
    account: Annotated[str, typer.Option(help="The platform's id of the account.")],
    handle: Annotated[str, typer.Option(help="Its name for people.")],
    token: Annotated[str, typer.Option(prompt=True, hide_input=True, help="Access token; asked for if left out.")],
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Ask for the refresh token, the client id and its secret too.")
    ] = False,
) -> None:
    """Connect one account, or renew its token. Its history stays."""
    row = {"workspaceId": workspace, "platform": platform, "platformAccountId": account, "handle": handle}
    import json

    row["accessToken"] = token
    if refresh:
        # Asked for, never options: an argument stands in the list of processes.
        for name, text in (("refreshToken", "Refresh token"), ("clientId", "Client id"), ("clientSecret", "Secret")):
            row[name] = typer.prompt(text, hide_input=name != "clientId", default="", show_default=False)
    _connect(accounts_file.parse(json.dumps({name: text for name, text in row.items() if text})))


def _connect(accounts: list[NewAccount]) -> None:
    with open_store() as (store, settings):
        vault = Vault(settings.secret_keys)
        known = {a["_id"]: a for a in store.accounts.find()}
        store.accounts.put(_document(account, vault, known.get(account.account_id)) for account in accounts)
        _announce(settings, {account.workspace_id for account in accounts})
    out.print(f"connected {len(accounts)} accounts; the next hour is their first, or ask for a collection now")


def _document(account: NewAccount, vault: Vault, known: AccountDocument | None) -> AccountDocument:
    return {
        "_id": account.account_id,
        "workspaceId": account.workspace_id,
        "platform": account.platform,
        "platformAccountId": account.platform_account_id,
        "handle": account.handle,
        "state": "active",
        "connectedAt": known["connectedAt"] if known else utcnow(),
        "credentials": vault.seal(account.credentials),
    }


def _announce(settings: Settings, workspaces: set[str]) -> None:
    with redisdb.connect(settings) as redis:
        for workspace_id in sorted(workspaces):
            Announcer(redis).announce(workspace_id)


@app.command("list")
def list_accounts(
    workspace: Annotated[str | None, typer.Option(help="Only of this workspace.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
) -> None:
    """List accounts with their states."""
    with open_store() as (store, _):
        found = store.accounts.find(workspace_id=workspace)
    if as_json:
        print_json([{k: v for k, v in account.items() if k != "credentials"} for account in found])
        return
    table = Table("id", "workspace", "platform", "handle", "state", "connected", box=None)
    for a in found:
        state = f"{a['state']}: {a['stateReason']}" if "stateReason" in a else a["state"]
        table.add_row(a["_id"], a["workspaceId"], a["platform"], a["handle"], state, isoformat(a["connectedAt"]))
    out.print(table)


@app.command()
def pause(account: Annotated[str, typer.Argument(help="Our id of the account.")]) -> None:
    """Stop collecting an account; `resume` goes on."""
    _set_state(account, "paused")


@app.command()
def resume(account: Annotated[str, typer.Argument(help="Our id of the account.")]) -> None:
    """Go on collecting a paused account."""
    _set_state(account, "active")


@app.command()
def disconnect(account: Annotated[str, typer.Argument(help="Our id of the account.")]) -> None:
    """Forget an account's credentials and stop collecting it; its history stays."""
    _set_state(account, "disconnected")


def _set_state(account_id: str, state: AccountState) -> None:
    with open_store() as (store, settings):
        account = store.accounts.get(account_id)
        if state == "active" and account["state"] not in ("paused", "active"):
            raise InvalidInput(f"{account_id} is {account['state']}: connect it again")
        store.accounts.set_state(account_id, state)
        if state == "disconnected":
            _forget(store, account)
        with redisdb.connect(settings) as redis:
            event = account_status(account["workspaceId"], account_id, state, "asked for")
            Announcer(redis).announce(account["workspaceId"], [event])
    out.print(f"{account_id} is {state}")


def _forget(store: Store, account: AccountDocument) -> None:
    kept = {k: v for k, v in account.items() if k != "credentials"}
    store.accounts.put([cast("AccountDocument", {**kept, "state": "disconnected"})])
