"""The terms of platforms as data: what may be kept for how long, what must be deleted, and what needs a consent.

`ContentFacts` and the consents in `PlatformFacts` have the terms that collection, retention and totals obey by
themselves. `docs/terms.md` is made from them and from the rules of this module (`python -m tidemark.terms_page`).
"""

from dataclasses import dataclass
from datetime import timedelta

from metrics.documents import AccountAccess


@dataclass(frozen=True, slots=True)
class Term:
    """What the terms of a platform say about one kind of data.

    `data` names the kind. `rule` is the rule and `obeyed` what Tidemark does about it, both in whole sentences.
    `source` is the platform's document; «one report» stands for what one person reported and no document confirmed.

    With `kept`, the data of accounts that are read with this `access` are deleted after that time by
    `metrics.upkeep.limited`; the term is then about these accounts alone. With `kept_after_grant`, everything of an
    account is deleted that long after its grant ended by `metrics.upkeep.ended`.
    """

    data: str
    rule: str
    obeyed: str
    source: str
    access: AccountAccess | None = None
    kept: timedelta | None = None
    kept_after_grant: timedelta | None = None


ERASED = (
    "`tidemark erase` removes an account or a workspace with its numbers, posts and content from the stores, the "
    "cache, the events, the exports and Dagster; a restored backup leaves it out too."
)
"""How every deletion on request is obeyed."""

META = (
    Term(
        "data of people and Pages",
        "It is deleted when it is no longer needed, on request of the user or of Meta, and when the app ends. No time "
        "is named.",
        ERASED,
        "*Platform Terms*, 3.d",
    ),
    Term(
        "public data of others",
        "It may be used only for what Meta approved the app for.",
        "Only connected accounts are read.",
        "*Platform Terms*",
    ),
)
"""The terms of Instagram, Facebook and Threads."""
