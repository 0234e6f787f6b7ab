"""Credentials at work: opened in memory, renewed in good time, stored before they are used."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from redis import Redis
from redis.exceptions import LockError, RedisError

from metrics.documents import AccountDocument
from metrics.errors import CredentialError
from metrics.redis.client import renewal_key
from metrics.store import Store
from metrics.vault import Vault
from pipelines.platforms.base import Access, PlatformApi, Tally
from pipelines.platforms.errors import NeedsReauth, PlatformError, WrongIdentity

T = TypeVar("T")

RENEW_WITHIN = timedelta(days=7)
"""Credentials that tell when they end and were never renewed here are renewed that long before."""

_RENEWED = ("access_token", "refresh_token", "expires_at", "renew_at")
_USED_SHARE = 0.75
_LOCK_SECONDS = 60.0


@dataclass(frozen=True)
class Credentials:
    """Opens and renews credentials of accounts; shared by the threads of a run.

    A refresh token that rotates works once: only one worker at a time renews an account, and the others take what it
    stored.
    """

    store: Store
    vault: Vault
    redis: Redis
    api: PlatformApi

    def open(self, account: AccountDocument) -> Access:
        """Return the access to an account.

        Raises:
            CredentialError: there are none, or no key opens them.
        """
        return Access(account["platformAccountId"], self.vault.open(account.get("credentials", b"")))

    def due(self, access: Access, now: datetime) -> bool:
        """Tell whether credentials should be renewed before they end."""
        ends = access.credentials.get("expires_at")
        if not isinstance(ends, int | float):
            return False
        renew_at = access.credentials.get("renew_at", ends - RENEW_WITHIN.total_seconds())
        return bool(now.timestamp() >= renew_at)

    def used(
        self,
        account: AccountDocument,
        now: datetime,
        tally: Tally,
        work: Callable[[Access], T],
        note_unrenewed: Callable[[PlatformError], None],
    ) -> T:
        """Return what `work` comes to with the credentials of an account, renewed where they end soon.

        Where they turn out to have ended, they are renewed and the work is done once more; those that nobody can renew
        are tried once more if the platform says whose they are, because it denies good tokens at times. Until they end,
        old ones serve where they cannot be renewed; `note_unrenewed` is told why.

        Raises:
            CredentialError: there are none, or no key opens them.
            PlatformError: what `work` raises.
        """
        access = self.open(account)
        if self.due(access, now):
            try:
                access = self.renew(account, access, now, tally) or access
            except PlatformError as error:
                note_unrenewed(error)
        try:
            return work(access)
        except WrongIdentity:
            raise
        except NeedsReauth:
            renewed = self.renew(account, access, now, tally)
            if renewed is None:
                # One call tells whether the token is dead: then this raises.
                self.api.identify(access, tally)
            return work(renewed or access)

    def renew(self, account: AccountDocument, access: Access, now: datetime, tally: Tally) -> Access | None:
        """Return renewed access, stored before anybody uses it; None where the platform renews nothing.

        `account` has the credentials that are stored from then on.

        Raises:
            PlatformError: the platform refuses.
        """
        with self._alone(account):
            now_stored = self.store.accounts.get(account["_id"])
            stored = self.open(now_stored)
            if stored.credentials != access.credentials:
                account["credentials"] = now_stored["credentials"]
                return stored
            renewed = self.api.refresh(access, tally)
            if renewed is None:
                return None
            found = dict(renewed) | _renew_at(renewed, now)
            sealed, before = self.vault.seal(found), now_stored.get("credentials")
            if not self.store.accounts.set_credentials(account["_id"], sealed, expected=before):
                # Somebody connected the account again in the meantime: theirs count.
                theirs = self.store.accounts.get(account["_id"])
                account["credentials"] = theirs.get("credentials", b"")
                return self.open(theirs)
            account["credentials"] = sealed
            self._share(account, access, found)
            return Access(access.platform_account_id, found)

    def _share(self, account: AccountDocument, before: Access, found: Mapping[str, Any]) -> None:
        """Give renewed tokens to the same account in other workspaces, where it had the ones that were used."""
        for other in self.store.accounts.same_account(account):
            sealed = other.get("credentials")
            if other["_id"] == account["_id"] or sealed is None:
                continue
            try:
                known = self.open(other).credentials
            except CredentialError:
                continue
            name = "refresh_token" if "refresh_token" in before.credentials else "access_token"
            if known.get(name) == before.credentials[name]:
                renewed = {**known, **{one: found[one] for one in _RENEWED if one in found}}
                self.store.accounts.set_credentials(other["_id"], self.vault.seal(renewed), expected=sealed)

    @contextmanager
    def _alone(self, account: AccountDocument) -> Iterator[None]:
        """Keep other workers from renewing the same account of the platform, in whichever workspace.

        Without Redis nothing keeps them from it; the credentials that were stored first count then.
        """
        name = renewal_key(account["platform"], account["platformAccountId"])
        lock = self.redis.lock(name, timeout=_LOCK_SECONDS, blocking_timeout=_LOCK_SECONDS)
        try:
            held = lock.acquire()
        except RedisError:
            held = False
        try:
            yield
        finally:
            if held:
                try:
                    lock.release()
                except (LockError, RedisError):
                    # It ran out, or Redis went away: either way it is no longer ours.
                    held = False


def _renew_at(credentials: Mapping[str, Any], now: datetime) -> dict[str, float]:
    """Return when to renew: after three quarters of the life that the platform gave."""
    ends = credentials.get("expires_at")
    if not isinstance(ends, int | float):
        return {}
    return {"renew_at": now.timestamp() + _USED_SHARE * (ends - now.timestamp())}
