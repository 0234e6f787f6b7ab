"""The names that a formula may use, and the nearest ones for a name that does not exist."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from metrics.catalog import CATALOG
from metrics.definitions.language.forms import POST_COUNT
from metrics.documents import Platform

ENGAGEMENT = "engagement"
FUNCTIONS = ("percent", "offered", "open", "close", "avg", "min", "max", "unique")
LABELS = ("platform", "account", "contentType", "metricType", "campaign")
RESERVED = frozenset({*FUNCTIONS, *LABELS, ENGAGEMENT, POST_COUNT, "preview", *(name for _, name in CATALOG)})
"""Names that no definition may have; `preview` is a path of the API."""

_SHOWN = 12
_MEANT: Mapping[str, str] = {
    "engagementRate": "percent(engagement, views), or impressions in place of views",
    "avgEngagementRate": "percent(engagement, views); a mean of rates is none of the whole",
    "followerGrowth": "close(followers) - open(followers)",
    "followerGrowthRate": "percent(close(followers) - open(followers), open(followers))",
    "avgFollowers": "avg(followers)",
    "minFollowers": "min(followers)",
    "maxFollowers": "max(followers)",
}
"""Formulas for names of rollups that are no metrics of the catalog."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a workspace has beside the catalog.

    `definitions` has the expressions of its definitions by name. `accounts` has the platforms of its accounts by id;
    with None, accounts are not checked: a stored definition may name one that was erased since. The same holds for
    `campaigns`, which has the names of campaigns and whether they select posts.
    """

    workspace_id: str = ""
    definitions: Mapping[str, str] = field(default_factory=dict)
    accounts: Mapping[str, Platform] | None = None
    campaigns: Mapping[str, bool] | None = None

    def names(self) -> list[str]:
        """Return all names that can stand for a number."""
        return [*dict.fromkeys(name for _, name in CATALOG), ENGAGEMENT, POST_COUNT, *self.definitions]


def instead(name: str, candidates: Iterable[str]) -> str:
    """Return what to write in place of a name that does not exist: a clause, which is never empty."""
    if name in _MEANT:
        return f"write {_MEANT[name]}"
    choices = list(candidates)
    folded = {choice.lower(): choice for choice in reversed(choices)}
    stem = name.lower().removeprefix("total")
    matches = [stem] if stem in folded else get_close_matches(name.lower(), folded, n=3, cutoff=0.6)
    if matches:
        return f"did you mean {' or '.join(folded[match] for match in matches)}?"
    more = f" and {len(choices) - _SHOWN} more" if len(choices) > _SHOWN else ""
    return f"there are {', '.join(choices[:_SHOWN])}{more}"
