"""Credentials of accounts in use: decrypted in memory, renewed before they end, stored before they are used."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import SecretStr
from redis import Redis
from redis.exceptions import LockError, RedisError

from metrics.documents import AccountDocument
from metrics.errors import CredentialError
from metrics.redis.keys import renewal_key
from metrics.store import Store
from metrics.vault import Vault
from pipelines.platforms.base import PlatformApi
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import NeedsReauth, PlatformError, WrongIdentity

T = TypeVar("T")

RENEW_WITHIN = timedelta(days=7)
"""Credentials that Tidemark has never renewed are renewed this long before they expire."""

_RENEWED = (
    "access_token", "refresh_token", "expires_at", "renew_at", "app_password", "second_access_token",
    "second_refresh_token",
)  # fmt: skip
_USED_SHARE = 0.75
_LOCK_SECONDS = 60.0


@dataclass(frozen=True)
class Credentials:
    """Opens and renews credentials of accounts; shared by the threads of a run.

    A refresh token that rotates works only once. So only one worker at a time renews an account, and the others take
    the tokens that it stored.

    `apps` has the secrets of the settings by the id of their app. They replace the secret with which an account was
    connected, so that a new secret of the app does not end the accounts that it connected before.
    """

    store: Store
    vault: Vault
    redis: Redis
    api: PlatformApi
    apps: Mapping[str, SecretStr] = field(default_factory=dict)

    def open(self, account: AccountDocument) -> Access:
        """Return the access to an account.

        Raises:
            CredentialError: there are none, no key opens them, or they were sealed for another account.
        """
        credentials = self.vault.open(account.get("credentials", b""), account["_id"])
        return Access(account["platformAccountId"], credentials)

    def due(self, access: Access, now: datetime) -> bool:
        """Tell whether credentials should be renewed now, before they end."""
        ends = access.credentials.get("expires_at")
        if not isinstance(ends, int | float):
            return False
        renew_at = access.credentials.get("renew_at", ends - RENEW_WITHIN.total_seconds())
        return bool(now.timestamp() >= renew_at)

    def with_access(
        self,
        account: AccountDocument,
        now: datetime,
        tally: Tally,
        work: Callable[[Access], T],
        note_unrenewed: Callable[[PlatformError], None],
    ) -> T:
        """Return the result of `work` with the credentials of an account, which are renewed if they end soon.

        If that renewal fails, `note_unrenewed` gets the error, and the old credentials are used until they end. If the
        platform denies the credentials, they are renewed and `work` is called once more. If there is no renewal, `work`
        is called once more only if the platform still says whose they are: it denies good tokens at times.

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
                # This call raises if the token is dead.
                self.api.identify(access, tally)
            return work(renewed or access)

    def renew(self, account: AccountDocument, access: Access, now: datetime, tally: Tally) -> Access | None:
        """Renew credentials, store them and return them; return None if the platform has no renewal.

        The credentials in `account` are replaced by those that are stored.

        Raises:
            PlatformError: the platform refuses.
        """
        with self._alone(account):
            now_stored = self.store.accounts.get(account["_id"])
            stored = self.open(now_stored)
            if stored.credentials != access.credentials:
                account["credentials"] = now_stored["credentials"]
                return stored
            renewed = self.api.refresh(self._of_present_app(access), tally)
            if renewed is None:
                return None
            found = dict(renewed) | _renew_at(renewed, now)
            sealed, before = self.vault.seal(found, account["_id"]), now_stored.get("credentials")
            if not self.store.accounts.set_credentials(account["_id"], sealed, expected=before):
                # The account was connected again in the meantime: those credentials count.
                reconnected = self.store.accounts.get(account["_id"])
                account["credentials"] = reconnected.get("credentials", b"")
                return self.open(reconnected)
            account["credentials"] = sealed
            self._share(account, access, found)
            return Access(access.platform_account_id, found)

    def _of_present_app(self, access: Access) -> Access:
        """Return an access with the secrets that its apps have now."""
        found = dict(access.credentials)
        for app in ("client", "second_client"):
            secret = self.apps.get(str(found.get(f"{app}_id")))
            if secret is not None and f"{app}_secret" in found:
                found[f"{app}_secret"] = secret.get_secret_value()
        return Access(access.platform_account_id, found)

    def _share(self, account: AccountDocument, before: Access, found: Mapping[str, Any]) -> None:
        """Store renewed tokens also for the same account in other workspaces, if it has the same old tokens there."""
        for other in self.store.accounts.same_account(account):
            sealed = other.get("credentials")
            if other["_id"] == account["_id"] or sealed is None:
                continue
            try:
                known = self.open(other).credentials
            except CredentialError:
                continue
            name = "refresh_token" if "refresh_token" in before.credentials else "access_token"
            if known.get(name) is not None and known.get(name) == before.credentials.get(name):
                renewed = {**known, **{field: found[field] for field in _RENEWED if field in found}}
                again = self.vault.seal(renewed, other["_id"])
                self.store.accounts.set_credentials(other["_id"], again, expected=sealed)

    @contextmanager
    def _alone(self, account: AccountDocument) -> Iterator[None]:
        """Hold a lock, so that no other worker renews the same platform account, in any workspace.

        If Redis does not answer there is no lock; then the credentials that are stored first count.
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
                    # The lock expired, or Redis does not answer: in either case we no longer hold it.
                    held = False


def _renew_at(credentials: Mapping[str, Any], now: datetime) -> dict[str, float]:
    """Return the time at which to renew: after three quarters of the tokens' lifetime."""
    ends = credentials.get("expires_at")
    if not isinstance(ends, int | float):
        return {}
    return {"renew_at": now.timestamp() + _USED_SHARE * (ends - now.timestamp())}
