"""Keep out a reading in which everything is 0 at once: the platform's index of counts is away, and nothing was lost.

Some platforms answer 0 when they do not know a count. A single 0 cannot be told from a loss, but an account whose
levels and posts had counts does not lose all of them in the same hour.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from metrics.catalog import COUNTERS, GAUGES
from metrics.documents import AccountDocument, Reason
from metrics.ids import post_id
from metrics.store import Store
from pipelines.platforms.data.readings import AccountReading, Reading

CLEARLY = 10
"""Counts that were known before must add up to at least so much; below it, all of them may really have become 0."""

ALL_ZERO = (
    "every count of the account and of its posts is 0 at once, though they were not before: the platform's index is "
    "taken to be away, and the reading is kept out"
)

_LOOKS_BACK = timedelta(days=8)
_COUNTS = frozenset((*COUNTERS, *GAUGES))
_AWAY: Reason = "provider_error"


def is_all_zero(store: Store, account: AccountDocument, reading: AccountReading, slot: datetime) -> bool:
    """Tell whether all counts of a reading are 0, although the same counts were clearly above 0 before `slot`.

    Counts that the reading lacks do not matter: if the followers could not be read, the zeros of a new post are true.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    read = [reading.account, *(one for _, one in reading.posts)]
    if not any(one.metrics for one in read) or any(value != 0 for one in read for value in one.metrics.values()):
        return False
    before = _total(store.observations.last_levels(account["_id"], slot - _LOOKS_BACK, slot), reading.account)
    posts = {post_id(account["_id"], post.platform_post_id): one for post, one in reading.posts}
    known = store.observations.latest(list(posts)) if posts else {}
    return before + sum(_total(row["metrics"], posts[name]) for name, row in known.items()) >= CLEARLY


def without_values(reading: AccountReading) -> None:
    """Take all values out of a reading, each with the reason `provider_error`; its posts stay listed."""
    reading.account = _away(reading.account)
    reading.posts = [(post, _away(one)) for post, one in reading.posts]


def _away(reading: Reading) -> Reading:
    unavailable: Mapping[str, Reason] = {**reading.unavailable, **dict.fromkeys(reading.metrics, _AWAY)}
    return replace(reading, metrics={}, unavailable=unavailable)


def _total(known: Mapping[str, Any], reading: Reading) -> float:
    """Return the sum of the known values of the counts that a reading has; what is no number counts as 0."""
    counts = (known.get(name) for name in reading.metrics if name in _COUNTS)
    return sum(value for value in counts if isinstance(value, int | float) and value > 0)
