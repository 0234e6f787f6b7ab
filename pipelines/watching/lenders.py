"""The connected accounts of workspaces whose tokens are lent to read accounts of others."""

from collections.abc import Iterator
from dataclasses import dataclass

from redis import Redis

from metrics.documents import AccountDocument, Platform
from metrics.errors import CredentialError
from metrics.settings import Settings
from metrics.store import Store
from metrics.vault import Vault
from pipelines.collect.pauses import Pauses
from pipelines.platforms.data.access import Access
from pipelines.platforms.errors import CallsUsed, PlatformError, RateLimited
from pipelines.platforms.instagram.api import by_instagram_login
from pipelines.watching.budgets import LentCalls


@dataclass(frozen=True, slots=True)
class Lender:
    """An account that lends its token, with the calls that it lends."""

    account: AccountDocument
    access: Access
    calls: LentCalls


@dataclass(frozen=True, slots=True)
class Lenders:
    """Finds accounts that can lend now: they are active, and neither they nor the route through them are paused."""

    store: Store
    redis: Redis
    vault: Vault
    settings: Settings
    platform: Platform
    own_pauses: Pauses
    pauses: Pauses

    def of(self, workspace_id: str) -> Iterator[Lender | PlatformError]:
        """Yield the lenders of a workspace; in place of one that has to wait, the reason.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        for account in self.store.accounts.find(workspace_id=workspace_id, platform=self.platform, states=["active"]):
            try:
                credentials = self.vault.open(account.get("credentials", b""), account["_id"])
            except CredentialError:
                # The collection of the account itself tells a person that its token cannot be opened.
                continue
            access = Access(account["platformAccountId"], credentials)
            if "access_token" not in credentials or (self.platform == "instagram" and by_instagram_login(access)):
                continue
            try:
                self.own_pauses.check(account)
                self.pauses.check(account)
            except RateLimited as error:
                yield error
                continue
            calls = LentCalls.of(self.redis, self.settings, account)
            yield Lender(account, access, calls) if calls.left() else CallsUsed()
