"""Checks of accounts: credentials can be opened, no account needs attention, the newest hour was collected."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

from metrics.clock import isoformat, utcnow
from metrics.collection.hours import holes, hours_to_look_at, missing_accounts
from metrics.documents import AccountDocument
from metrics.errors import CredentialError, InvalidInput
from metrics.identity import account_number, stored_account_id
from metrics.periods import DAY, HOUR
from metrics.settings import Settings
from metrics.store import Store
from metrics.upkeep.retention import Horizon
from metrics.vault import Vault
from tidemark.checkup.finding import Finding, Trouble, look

STALE = timedelta(hours=3)
"""Maximum age of the newest collected slot. While the last hour is being collected, it may be up to two hours."""

UNREAD = 2 * DAY
"""Watched accounts are read once a day: if one was not looked at for so long, the reading has stopped, or it waits."""

_NAMED = 5


def secret_keys(settings: Settings) -> Finding:
    """Return the check of the keys that seal credentials."""
    return look("secret keys", lambda: _keys(settings))


def accounts(store: Store, settings: Settings) -> Iterator[Finding]:
    """Yield the checks of all accounts."""
    known = store.accounts.find()
    if settings.secret_keys:
        yield look("credentials", lambda: _credentials(known, Vault(settings.secret_keys)))
    yield look("accounts that wait", lambda: _waiting(known))
    yield look("ids of accounts", lambda: _ids(known))
    yield look("accounts connected twice", lambda: _twice(known))
    yield look("collection", lambda: _newest(store, [a for a in known if a["state"] == "active"]))
    yield look("missing hours", lambda: _missing(store, settings))
    yield look("watched accounts", lambda: _watched(store))


def _keys(settings: Settings) -> str:
    if not settings.secret_keys:
        raise Trouble(
            "none: credentials cannot be sealed",
            "set TIDEMARK_SECRET_KEYS (`tidemark keys secret` makes a key), or run `tidemark up`, which makes its own",
        )
    return f"{len(settings.secret_keys)} available"


def _credentials(known: list[AccountDocument], vault: Vault) -> str:
    sealed = [account for account in known if "credentials" in account]
    closed, unbound = [], []
    for account in sealed:
        try:
            if not vault.is_bound(account["credentials"], account["_id"]):
                unbound.append(account["_id"])
        except CredentialError:
            closed.append(account["_id"])
    if closed:
        raise Trouble(
            f"{len(closed)} of {len(sealed)} cannot be opened, or were sealed for another account: {_some(closed)}",
            "put the key that sealed them into TIDEMARK_SECRET_KEYS again, or connect these accounts again",
        )
    if unbound:
        raise Trouble(
            f"{len(unbound)} of {len(sealed)} are not bound to their account: {_some(unbound)}",
            "version 0.1 sealed them: run `tidemark keys reseal` when no process of that version runs any more",
            warning=True,
        )
    return f"{len(sealed)} can be opened"


def _waiting(known: list[AccountDocument]) -> str:
    if waiting := [account["_id"] for account in known if account["state"] == "needs_reauth"]:
        raise Trouble(
            f"{len(waiting)} need a new token: {_some(waiting)}",
            "`tidemark accounts list --state needs_reauth` tells why, `tidemark accounts connect` renews the token",
        )
    if lost := [account["_id"] for account in known if account["state"] == "unreachable"]:
        raise Trouble(
            f"{len(lost)} cannot be reached: {_some(lost)}",
            "`tidemark accounts list --state unreachable` tells why; connect them again, or disconnect them",
        )
    return f"none of {len(known)}"


def _ids(known: list[AccountDocument]) -> str:
    """Look for accounts with an impossible id, which older versions of Tidemark accepted."""
    odd = []
    for account in known:
        try:
            stored_account_id(account["platform"], account["platformAccountId"])
        except InvalidInput:
            odd.append(account["_id"])
    if odd:
        raise Trouble(
            f"{len(odd)} of {len(known)} have an impossible id: {_some(odd)}",
            "`tidemark erase --account` removes such an account for good; connect it again by the platform's id",
        )
    return f"{len(known)} are possible ids"


def _twice(known: list[AccountDocument]) -> str:
    """Look for accounts that are stored twice: older versions of Tidemark accepted two spellings of one id."""
    of_identity: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for account in known:
        with suppress(InvalidInput):
            number = account_number(stored_account_id(account["platform"], account["platformAccountId"]))
            of_identity[account["workspaceId"], account["platform"], number].append(account["_id"])
    if twice := [" and ".join(ids) for ids in of_identity.values() if len(ids) > 1]:
        raise Trouble(
            f"{_some(twice)}: counted twice in every total",
            "keep the one with the longer history: `tidemark erase --account` removes the other for good",
        )
    return "none"


def _newest(store: Store, active: list[AccountDocument]) -> str:
    if not active:
        return "no account is active"
    newest = store.collections.newest_collected_slot()
    since = newest or min(account["connectedAt"] for account in active)
    if utcnow() - since > STALE:
        seen = f"the newest hour collected is {isoformat(since)}" if newest else "nothing was collected yet"
        raise Trouble(seen, "check that Dagster's daemon runs and the schedule collect_hourly is on")
    return f"newest hour {isoformat(since)}" if newest else "the first hour is still to come"


def _missing(store: Store, settings: Settings) -> str:
    now = utcnow()
    found = holes(store, hours_to_look_at(now), Horizon.of(store, settings, now))
    if not found:
        return "none since yesterday"
    counts = ", ".join(f"{count} {platform}" for platform, count in sorted(missing_accounts(found).items()))
    raise Trouble(
        f"{len(found)} since yesterday, the oldest {isoformat(min(found))}; accounts without a record: {counts}",
        "the sensor missed_hours requests them by itself: check that it is on and that its runs succeed",
        # Only a warning at first: a large collection may still be running.
        warning=now - min(found) < 2 * HOUR,
    )


def _watched(store: Store) -> str:
    unread = store.watch_lists.count_unread(utcnow() - UNREAD)
    if unread:
        raise Trouble(
            f"{unread} were not looked at for {UNREAD // DAY} days",
            "check that the schedule read_watched is on; `tidemark watch list` tells what accounts wait for",
            warning=True,
        )
    return f"each was looked at within {UNREAD // DAY} days"


def _some(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")
