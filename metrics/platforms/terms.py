"""The terms of platforms as data: what may be kept for how long, what must be deleted, and what needs a consent.

`ContentFacts` and the consents in `PlatformFacts` have the terms that collection, retention and totals obey by
themselves. `docs/terms.md` is made from them and from the rules of this module (`python -m tidemark.terms_page`).
"""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Term:
    """What the terms of a platform say about one kind of data.

    `data` names the kind. `rule` is the rule and `obeyed` what Tidemark does about it, both in whole sentences.
    `source` is the platform's document; «one report» stands for what one person reported and no document confirmed.

    With `kept_after_grant`, everything of an account is deleted that long after its grant ended by
    `metrics.upkeep.ended`.
    """

    data: str
    rule: str
    obeyed: str
    source: str
    kept_after_grant: timedelta | None = None


@dataclass(frozen=True, slots=True)
class PublicTerms:
    """What the terms of a platform say about numbers that it shows of accounts of others.

    `allowed` says whether such numbers may be read through an API and kept at all. After `days` days,
    `metrics.upkeep.limited` deletes them, also those of accounts that were connected without a token; None: the terms
    name no time. `derived_allowed` says whether metrics may be derived from them without a consent of the platform.

    `rule`, `derived_rule` and `deletion` are the same, and what has to be deleted when, in whole sentences. `source` is
    the platform's document; «one report» stands for what one person reported and no document confirmed.
    """

    allowed: bool
    days: int | None
    derived_allowed: bool
    rule: str
    derived_rule: str
    deletion: str
    source: str


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
)
"""The terms of Instagram, Facebook and Threads."""

META_PUBLIC = PublicTerms(
    allowed=True,
    days=None,
    derived_allowed=True,
    rule="They may be used only for what Meta approved the app for. No time is named.",
    derived_rule="They are not named.",
    deletion="They are deleted when they are no longer needed, on request of the user or of Meta, and when the app "
    "ends.",
    source="*Platform Terms*, 3.d",
)
"""The terms of Instagram, Facebook and Threads about numbers of accounts of others."""
