"""An account that is to be connected, before it is stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from metrics.documents import Platform
from metrics.identity import account_number
from metrics.ids import account_id


@dataclass(frozen=True, slots=True)
class NewAccount:
    """One account to connect; the repr does not show its credentials.

    An empty handle stands for the known one, or for the platform's id of a new account.
    """

    workspace_id: str
    platform: Platform
    platform_account_id: str
    handle: str
    credentials: Mapping[str, str | float] = field(repr=False)
    is_named: bool = False
    """True if `platform_account_id` is a name, which the platform still has to resolve."""
    keeps_second_grant: bool = False
    """True if a second grant that the account already has stays: a login gives the first one only."""

    @property
    def account_id(self) -> str:
        """The id that Tidemark gives the account if it is new."""
        return account_id(self.workspace_id, self.platform, self.platform_account_id)

    @property
    def identity(self) -> tuple[str, Platform, str]:
        """Workspace, platform and the account's number there, which is the same for all spellings of its id."""
        return self.workspace_id, self.platform, account_number(self.platform_account_id)
