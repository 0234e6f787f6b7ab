"""Storing connected accounts: new ones, and known ones whose credentials are replaced; their history is requested."""

from collections.abc import Collection, Sequence
from typing import Any

from redis import Redis

from metrics.clock import utcnow
from metrics.collection import histories
from metrics.connecting.new_account import NewAccount
from metrics.documents import AccountDocument
from metrics.errors import CredentialError, InvalidInput
from metrics.expected import connected_again
from metrics.platforms.registry import FACTS, KEPT_DAYS
from metrics.redis.events import Announcer, operation_status
from metrics.store import Store
from metrics.vault import Vault

SECOND = "second_"
"""What the names of the credentials of a second grant begin with."""


def refuse_what_is_being_erased(store: Store, accounts: Sequence[NewAccount]) -> None:
    """Check that no unfinished erasure would delete the accounts again.

    Raises:
        InvalidInput: an unfinished erasure concerns one of the accounts.
        MongoUnavailable: MongoDB does not answer.
    """
    for erasure in store.erasures.unfinished():
        named = {*store.erasures.ids_of(erasure).account_ids, erasure.name}
        for one in accounts:
            if erasure.name == one.workspace_id or one.account_id in named:
                raise InvalidInput(
                    f"{erasure} is being erased: finish that with `tidemark erase --resume`, then connect "
                    f"{one.platform} account {one.platform_account_id} again; nothing was connected"
                )


def connect_accounts(store: Store, redis: Redis, vault: Vault, accounts: Sequence[NewAccount]) -> list[AccountDocument]:
    """Store accounts with their sealed credentials, request their history, and announce that; return the documents.

    An account that is known keeps its id, its time of connection and its history. The caller has checked that nothing
    of them is being erased.

    Raises:
        MongoUnavailable: MongoDB does not answer; the same call may be repeated.
        RedisUnavailable: Redis does not answer; the accounts are connected, and the same call may be repeated.
        InvalidInput: an account would lose its token, and its history by the platform's terms; nothing was connected.
        TidemarkError: another process connected one of these platform accounts meanwhile.
    """
    known = store.accounts.connected((a.workspace_id, a.platform, a.platform_account_id) for a in accounts)
    for account in accounts:
        _check_keeps_token(account, known.get(account.identity))
    documents = [_document(account, vault, known.get(account.identity)) for account in accounts]
    store.accounts.put(documents)
    for document in documents:
        store.memories.forgive(document["_id"])
    # Accounts that were disconnected need their history again, because nothing was collected in the meantime.
    back = {account["_id"] for account in known.values() if account["state"] == "disconnected"}
    # Requested before Redis is used, so that the request is stored even if Redis fails now.
    active = [document for document in documents if document["state"] == "active"]
    request_histories(store, redis, active, back)
    announcer = Announcer(redis)
    for workspace_id in sorted({account.workspace_id for account in accounts}):
        announcer.announce(workspace_id, [])
    return documents


def request_histories(
    store: Store, redis: Redis, accounts: Sequence[AccountDocument], again: Collection[str] = ()
) -> None:
    """Request the history of accounts, and announce the operations that read it to streams.

    A history that is being read is left as it is; one that is done is begun anew only for the accounts in `again`.

    Raises:
        MongoUnavailable: MongoDB does not answer.
        RedisUnavailable: Redis does not answer; the history was requested nevertheless.
    """
    found = {operation["_id"]: operation for operation in histories.request_histories(store, accounts, again).values()}
    for operation in found.values():
        Announcer(redis).announce(operation["workspaceId"], [operation_status(operation)])


def _second_grant(account: NewAccount, vault: Vault, known: AccountDocument | None) -> dict[str, Any]:
    """Return the credentials of the second grant that a known account keeps."""
    if not account.keeps_second_grant or known is None or not FACTS[account.platform].takes_second_grant:
        return {}
    try:
        kept = vault.open(known.get("credentials", b""), known["_id"])
    except CredentialError:
        # Nothing can read them any more, so nothing is lost.
        return {}
    return {name: value for name, value in kept.items() if name.startswith(SECOND)}


def _check_keeps_token(account: NewAccount, known: AccountDocument | None) -> None:
    """Refuse to connect an account without a token if that would end its history.

    Raises:
        InvalidInput: it is connected with a token, and the terms limit how long data are kept without one.
    """
    days = KEPT_DAYS.get((account.platform, "public"))
    if account.credentials or days is None or known is None or known.get("access") == "public":
        return
    raise InvalidInput(
        f"{account.platform} account {account.platform_account_id} is connected with a token; without one, its numbers "
        f"of more than {days} days ago would be deleted: give a token, or erase it first; nothing was connected"
    )


def _document(account: NewAccount, vault: Vault, known: AccountDocument | None) -> AccountDocument:
    now = utcnow()
    # An account that an older version stored under another spelling keeps its id.
    account_id = known["_id"] if known else account.account_id
    document: AccountDocument = {
        "_id": account_id,
        "workspaceId": account.workspace_id,
        "platform": account.platform,
        "platformAccountId": account.platform_account_id,
        "handle": account.handle or (known["handle"] if known else account.platform_account_id),
        # A paused account stays paused, so that an import that runs every night does not resume it.
        "state": "paused" if known and known["state"] == "paused" else "active",
        "connectedAt": known["connectedAt"] if known else now,
        "credentials": vault.seal({**_second_grant(account, vault, known), **account.credentials}, account_id),
    }
    if not account.credentials:
        document["access"] = "public"
    if known and known.get("unwatched"):
        document["unwatched"] = True
    # Remembers the disconnected hours: the account is not expected in them, so reconnecting changes no totals.
    if known and (earlier := connected_again(known, now)):
        document["disconnections"] = earlier
    return document
