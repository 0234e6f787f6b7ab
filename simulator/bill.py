"""What a platform bills for reads: each user and each post once per UTC day, at the price of the first read."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from metrics.documents import Platform
from simulator.state import State

_MEMORY = "bill"


@dataclass
class _Bill:
    """The totals of a platform, and what was billed today."""

    count: Counter[str] = field(default_factory=Counter)
    usd: float = 0.0
    today: date = date.min
    seen: set[tuple[str, str]] = field(default_factory=set)


def charge(state: State, platform: Platform, kind: str, ids: Iterable[str], usd: float) -> None:
    """Bill the read of objects of a kind; `usd` is the price of each."""
    bills: dict[Platform, _Bill] = state.memory.setdefault(_MEMORY, {})
    bill, today = bills.setdefault(platform, _Bill()), state.clock.now().date()
    if bill.today != today:
        bill.today, bill.seen = today, set()
    before = len(bill.seen)
    bill.seen.update((kind, name) for name in ids)
    new = len(bill.seen) - before
    bill.count[kind] += new
    bill.usd += new * usd


def total(state: State) -> dict[str, dict[str, Any]]:
    """Return, by platform, how many objects of each kind were billed, and for how many US dollars."""
    bills: dict[Platform, _Bill] = state.memory.get(_MEMORY, {})
    return {platform: {**bill.count, "usd": round(bill.usd, 3)} for platform, bill in bills.items()}
