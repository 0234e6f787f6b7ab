"""The commands `tidemark accounts`: import, connect, list, pause, resume, disconnect; others have their own modules."""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metrics.clock import isoformat, utcnow
from metrics.connecting.new_account import NewAccount
from metrics.documents import AccountDocument, AccountState, Platform
from metrics.errors import InvalidInput
from metrics.ids import check_id
from metrics.platforms.registry import FACTS
from tidemark import accounts_file
from tidemark.account_names import with_ids
from tidemark.accounts_file import MAX_BYTES
from tidemark.arguments import Json
from tidemark.commands import history
from tidemark.commands.authorize import authorize
from tidemark.commands.console import print_json, print_line, print_table
from tidemark.commands.stores import open_redis, open_store
from tidemark.credential_check import Check, check_credentials, refusal

if TYPE_CHECKING:
    from redis import Redis


app = typer.Typer(no_args_is_help=True, help="Social accounts: connect, list, pause, disconnect.")

_LONGEST_LINE = 64 * 1024
"""Maximum number of characters read of one line of standard input; a token is shorter."""

_FROM_INPUT = "-"

_NAMES = {
    "workspaceId": "--workspace",
    "platformAccountId": "--account",
    "handle": "--handle",
    "accessToken": "access token",
    "refreshToken": "refresh token",
    "clientId": "client id",
    "clientSecret": "client secret",
}
"""What the columns of a file are called in `connect`."""
_COLUMN = "(?:" + "|".join(_NAMES) + r")\b"
_COLUMNS = re.compile(rf"\A{_COLUMN}(?:, {_COLUMN})*")

Unchecked = Annotated[
    bool, typer.Option("--unchecked", help="Do not ask the platform to which account the token belongs.")
]
Account = Annotated[str, typer.Argument(help="Tidemark's id of the account, as `list` shows it.")]


@app.command("import", epilog="Example: tidemark accounts import accounts.csv")
def import_file(
    file: Annotated[
        Path, typer.Argument(help="CSV with a header, or JSON objects, one a line or in an array; - is standard input.")
    ],
    unchecked: Unchecked = False,
    as_json: Json = False,
) -> None:
    """Connect all accounts of a file, or none of them if a line is wrong.

    Columns: workspaceId, platform, platformAccountId, handle, accessToken. Optional, for the renewal of tokens:
    refreshToken, clientId, clientSecret, expiresAt, login. Optional, for a second grant of the account:
    secondAccountId, secondAccessToken, secondRefreshToken, secondClientId, secondClientSecret.
    """
    _connect(accounts_file.parse(content_of(file)), checked=not unchecked, as_json=as_json)


def content_of(file: Path) -> bytes:
    """Return the content of a file, or of standard input.

    Raises:
        InvalidInput: the file cannot be read, or has more than `MAX_BYTES`, of which only so many are read.
    """
    try:
        if str(file) == "-":
            content = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with file.open("rb") as opened:
                content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"{file}: {error.strerror}: give a readable text file") from None
    if len(content) > MAX_BYTES:
        raise InvalidInput(f"{file}: it is larger than {MAX_BYTES >> 20} MiB: if it is an accounts file, split it")
    return content


@app.command(
    epilog="Example: tidemark accounts connect --workspace acme --platform instagram --account 17841400000000001 "
    "--handle acme < token.txt"
)
def connect(
    workspace: Annotated[str, typer.Option(help="The workspace to which the account belongs.")],
    platform: Annotated[Platform, typer.Option(help="The platform of the account.")],
    account: Annotated[
        str, typer.Option(help="The platform's id of the account, or its handle where the platform resolves handles.")
    ],
    handle: Annotated[str, typer.Option(help="The displayed name of the account.")],
    token: Annotated[
        str | None,
        typer.Option(
            help="Access token. If it is left out or `-`, the command asks for it, or reads it from standard input. A "
            "platform whose numbers are public needs none, and is asked for one only with `-`."
        ),
    ] = None,
    public: Annotated[
        bool,
        typer.Option(
            "--public",
            help="Connect it without a token, to read what the platform shows everybody (Bluesky, and YouTube with "
            "TIDEMARK_YOUTUBE_API_KEY). The platform's terms may limit how long such numbers are kept (docs/terms.md).",
        ),
    ] = False,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Ask for the refresh token, the client id and its secret too.")
    ] = False,
    unchecked: Unchecked = False,
    as_json: Json = False,
) -> None:
    """Connect one account, or renew its token. Its history stays."""
    # Secrets are prompted for, because arguments are visible in the list of processes.
    if refresh and FACTS[platform].refresh_needs is None:
        raise InvalidInput(f"--refresh: {FACTS[platform].title} has no refresh tokens: leave it out")
    if public and (token or refresh):
        raise InvalidInput(
            "--public: an account that is connected without a token has none: leave out --token, --refresh"
        )
    is_asked = token == _FROM_INPUT or (not token and not public and FACTS[platform].needs_token)
    secrets = {"accessToken": _ask("Access token") if is_asked else token or ""}
    if is_asked and not secrets["accessToken"]:
        without = (
            ", or use --public to connect the account without one" if FACTS[platform].connects_without_token else ""
        )
        raise InvalidInput(f"access token missing: type or pipe it{without}")
    if refresh:
        secrets["refreshToken"] = _ask("Refresh token")
    if refresh and FACTS[platform].refresh_needs:
        secrets |= {"clientId": _ask("Client id"), "clientSecret": _ask("Client secret")}
    row = {"workspaceId": workspace, "platform": platform, "platformAccountId": account, "handle": handle, **secrets}
    try:
        found = accounts_file.account_of({name: text for name, text in row.items() if text})
    except InvalidInput as error:
        raise InvalidInput(_COLUMNS.sub(_as_here, str(error))) from None
    _connect([found], checked=not unchecked, as_json=as_json)


def _as_here(columns: re.Match[str]) -> str:
    """Return the columns at the beginning of a message by the names that they have in `connect`."""
    return ", ".join(_NAMES[name] for name in columns[0].split(", "))


def _ask(what: str) -> str:
    """Prompt for a secret without showing it; if standard input is not a terminal, read its next line."""
    if sys.stdin.isatty():
        answer: str = typer.prompt(what, hide_input=True, default="", show_default=False)
        return answer.strip()
    try:
        return sys.stdin.readline(_LONGEST_LINE).strip()
    except UnicodeDecodeError:
        raise InvalidInput(f"{what}: standard input is not UTF-8 text") from None


def _connect(accounts: list[NewAccount], *, checked: bool, as_json: bool) -> None:
    # Imported late: redis and cryptography are slow to import.
    from metrics.connecting.accounts import connect_accounts, refuse_what_is_being_erased
    from metrics.vault import Vault

    with open_store(create=True) as (store, settings), open_redis(settings) as redis:
        accounts = with_ids(settings, accounts)
        refuse_what_is_being_erased(store, accounts)
        vault = Vault(settings.secret_keys)
        known = store.accounts.connected((one.workspace_id, one.platform, one.platform_account_id) for one in accounts)
        check = check_credentials(settings, accounts) if checked else Check(accounts)
        if check.wrong:
            renewed = connect_accounts(store, redis, vault, check.renewed)
            raise InvalidInput(refusal(check, [document["_id"] for document in renewed]))
        documents = connect_accounts(store, redis, vault, check.accounts)
        lacking = sorted(
            {
                (one["workspaceId"], one["platform"])
                for one in documents
                if not store.consents.may_store(one["workspaceId"], one["platform"])
            }
        )
    if as_json:
        print_json([_shown(document) for document in documents])
        return
    for document in documents if len(documents) == 1 else ():
        print_line(f"{document['_id']} is {document['state']}")
    for note in check.notes:
        print_line(note)
    _tell(documents, {one["_id"]: one for one in known.values()}, lacking)


def _tell(
    documents: Sequence[AccountDocument],
    known: Mapping[str, AccountDocument],
    lacking: Sequence[tuple[str, Platform]],
) -> None:
    """Print what becomes of connected accounts.

    `known` has those of them that were connected before, as they were; `lacking` are the workspaces and platforms of
    those that are not collected, because a consent is missing.
    """
    awaited = [one for one in documents if (one["workspaceId"], one["platform"]) not in lacking]
    collected = "; the next hour is the first to be collected, unless you request one now" if awaited else ""
    print_line(f"connected {len(documents)}{collected}")
    if known:
        those = "it was" if len(documents) == 1 else f"{len(known)} of them were"
        print_line(f"{those} connected before; the new credentials replace the old ones, and the history stays")
    if paused := sum(document["state"] == "paused" for document in documents):
        print_line(f"{paused} of them stay paused: `tidemark accounts resume` resumes one")
    for workspace_id, platform in lacking:
        print_line(
            f"nothing of {FACTS[platform].title} is collected before the workspace has the consent that its terms "
            f"demand: `tidemark consents give {workspace_id} --platform {platform}`"
        )
    # The history of an account is read once, and again after it was disconnected.
    if any(one["_id"] not in known or known[one["_id"]]["state"] == "disconnected" for one in awaited):
        print_line("earlier history is being read: `tidemark accounts history` shows the progress")


app.command(epilog="Example: tidemark accounts authorize --workspace acme --platform youtube")(authorize)

app.command(epilog="Example: tidemark accounts history --workspace demo-north --json")(history.history)


@app.command("list", epilog="Example: tidemark accounts list --workspace demo-north --state needs_reauth --json")
def list_accounts(
    workspace: Annotated[str | None, typer.Option(help="Only of this workspace.")] = None,
    state: Annotated[AccountState | None, typer.Option(help="Only in this state.")] = None,
    as_json: Json = False,
) -> None:
    """List accounts with their states."""
    if workspace is not None:
        check_id(workspace, "--workspace")
    with open_store() as (store, _):
        found = store.accounts.find(workspace_id=workspace, states=[state] if state else None)
    if as_json:
        print_json([_shown(account) for account in found])
        return
    print_table(
        ("id", "workspace", "platform", "handle", "state", "connected"),
        [
            (a["_id"], a["workspaceId"], a["platform"], a["handle"], _state(a), isoformat(a["connectedAt"]))
            for a in found
        ],
    )


def _state(account: AccountDocument) -> str:
    return f"{account['state']}: {account['stateReason']}" if "stateReason" in account else account["state"]


@app.command(epilog="Example: tidemark accounts pause acc_0123456789abcdef")
def pause(account: Account, as_json: Json = False) -> None:
    """Stop collecting an account, until `resume`."""
    _set_state(account, "paused", as_json=as_json)


@app.command(epilog="Example: tidemark accounts resume acc_0123456789abcdef")
def resume(account: Account, as_json: Json = False) -> None:
    """Continue to collect a paused account."""
    _set_state(account, "active", as_json=as_json)


@app.command(epilog="Example: tidemark accounts disconnect acc_0123456789abcdef")
def disconnect(account: Account, as_json: Json = False) -> None:
    """Forget an account's credentials and stop collecting it; its history stays."""
    _set_state(account, "disconnected", as_json=as_json)


def _set_state(account_id: str, state: AccountState, *, as_json: bool) -> None:
    with open_store() as (store, settings), open_redis(settings) as redis:
        account = store.accounts.get(account_id)
        _refuse_senseless(account, state)
        if state == "active":
            store.memories.forgive(account_id)
        if state == "disconnected":
            store.accounts.disconnect(account_id, utcnow())
        else:
            store.accounts.set_state(account_id, state)
            if state == "active" and store.memories.history(account_id) is not None:
                # Imported late: redis takes half a second to import.
                from metrics.connecting.accounts import request_histories

                request_histories(store, redis, [account])
        if state != "active":
            history.stop_history(store, redis, account, state)
        _announce(redis, account["workspaceId"], account_id, state)
    if as_json:
        print_json({"accountId": account_id, "state": state})
    else:
        print_line(f"{account_id} is {state}")


def _refuse_senseless(account: AccountDocument, state: AccountState) -> None:
    """Refuse to pause or resume an account without working credentials; `unreachable` is allowed, as it may recover.

    Raises:
        InvalidInput: the account is in none of the states that allow it.
    """
    if state != "disconnected" and account["state"] not in ("paused", "active", "unreachable"):
        raise InvalidInput(f"{account['_id']} is {account['state']}: `tidemark accounts connect` renews its token")


def _announce(
    redis: "Redis", workspace_id: str, account_id: str | None = None, state: AccountState | None = None
) -> None:
    # Imported late: redis takes half a second to import.
    from metrics.redis.events import Announcer, account_status

    events = [account_status(workspace_id, account_id, state, "requested")] if account_id and state else []
    Announcer(redis).announce(workspace_id, events)


def _shown(account: AccountDocument) -> dict[str, Any]:
    return {name: value for name, value in account.items() if name != "credentials"}
