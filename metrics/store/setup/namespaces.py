"""Names of the collections of two kinds of accounts: connected ones, and watched ones that belong to others.

Both have the same documents and the same laws, so the same code reads and writes them: `Store` has the collections of
connected accounts, `Store.public` those of watched ones. In the latter, `accountId` is the id of a watched account.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Namespace:
    """The names of the collections of one kind of accounts.

    `log` is the time series of observations. `collections` has the records of readings, `roll_marks` the periods to
    roll up again, `roll_openings` the staged openings of roll-ups, and `export_marks` the days to export again.

    `public` says that the accounts are read by what everybody sees, and once a day: the coverage of their rollups
    counts days in place of hours, and the parts of engagement are those that the platform shows of others.
    """

    log: str
    accounts: str
    posts: str
    collections: str
    subject_rollups: str
    account_rollups: str
    roll_marks: str
    roll_openings: str
    export_marks: str
    public: bool = False

    @property
    def coverage(self) -> tuple[str, str]:
        """The fields of a rollup's coverage: what was expected, and what of it was observed."""
        return ("expectedDays", "observedDays") if self.public else ("expectedSlots", "observedSlots")

    @property
    def rollups(self) -> tuple[str, str]:
        """The collections of rollups: those of subjects, and those of accounts."""
        return self.subject_rollups, self.account_rollups

    @property
    def of_accounts(self) -> tuple[str, ...]:
        """The collections whose documents have an `accountId` and a `workspaceId`; the log has both in `metadata`."""
        return (*self.rollups, self.roll_openings, self.collections, self.posts)

    @property
    def marks(self) -> tuple[str, str]:
        """The collections whose documents are of a workspace and of no account."""
        return self.roll_marks, self.export_marks


OWN = Namespace(
    log="metrics",
    accounts="accounts",
    posts="posts",
    collections="collections",
    subject_rollups="subject_rollups",
    account_rollups="aggregated_metrics",
    roll_marks="roll_marks",
    roll_openings="roll_openings",
    export_marks="export_marks",
)
"""The collections of connected accounts."""

_PREFIXED: dict[str, Any] = {name: f"public_{own}" for name, own in asdict(OWN).items() if name != "public"}
PUBLIC = replace(
    Namespace(**_PREFIXED),
    # A watched account has other fields than a connected one, so these two are not named after the others.
    accounts="watched_accounts",
    account_rollups="public_rollups",
    public=True,
)
"""The collections of watched accounts."""

NAMESPACES = (OWN, PUBLIC)
