"""What a platform bills for reads: each user and each post once per UTC day, at the price of the first read."""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Any

from metrics.documents import Platform
from simulator.state import State

_Bill = dict[tuple[Platform, date], dict[tuple[str, str], float]]
_MEMORY = "bill"


def charge(state: State, platform: Platform, kind: str, ids: Iterable[str], usd: float) -> None:
    """Bill the read of objects of a kind; `usd` is the price of each."""
    bill: _Bill = state.memory.setdefault(_MEMORY, {})
    today = bill.setdefault((platform, state.clock.now().date()), {})
    for name in ids:
        today.setdefault((kind, name), usd)


def total(state: State) -> dict[str, dict[str, Any]]:
    """Return, by platform, how many objects of each kind were billed, and for how many US dollars."""
    bill: _Bill = state.memory.get(_MEMORY, {})
    found: dict[str, dict[str, Any]] = {}
    for platform in {platform for platform, _ in bill}:
        days = [items for (one, _), items in bill.items() if one == platform]
        kinds = Counter(kind for items in days for kind, _ in items)
        found[platform] = {**kinds, "usd": round(sum(price for items in days for price in items.values()), 3)}
    return found
