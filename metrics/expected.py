"""Which accounts are expected in a period: the one rule that totals, coverage, rollups and checks share.

An account counts from its connection to its disconnection (docs/metrics.md, 5). An hour is read at its end, so the hour
in which an account was connected is its first one, and the hour in which it was disconnected is no longer one of its
hours. An account is expected in a period if the period holds at least one of its hours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from metrics.documents import AccountDocument, Disconnection, Platform
from metrics.periods import HOUR, slot_of

FOREVER = datetime.max.replace(tzinfo=UTC)
Span = tuple[datetime, datetime]
"""Hours that follow one another: the start of the first one, and the end of the last one."""


@dataclass(frozen=True, slots=True)
class Connection:
    """The hours of an account, as spans in order of time. An account that is connected has a last span without end."""

    account_id: str
    platform: Platform
    spans: tuple[Span, ...]

    @classmethod
    def of(cls, account: Mapping[str, Any]) -> Self:
        """Return the hours of an account, from the fields of its document that `FIELDS` names."""
        spans: list[Span] = []
        first = slot_of(account["connectedAt"])
        for gap in account.get("disconnections", ()):
            spans = _with(spans, first, slot_of(gap["disconnectedAt"]))
            first = slot_of(gap["connectedAt"])
        ended = account.get("disconnectedAt")
        spans = _with(spans, first, slot_of(ended) if ended else FOREVER)
        return cls(account["_id"], account["platform"], tuple(spans))

    def within(self, start: datetime, end: datetime) -> list[Span]:
        """Return the spans of the account's hours in `[start, end)`, which begin and end with a full hour."""
        return [(max(first, start), min(last, end)) for first, last in self.spans if first < end and last > start]

    def hours(self, start: datetime, end: datetime) -> int:
        """Count the account's hours in `[start, end)`; none where the end is not after the start."""
        return sum((last - first) // HOUR for first, last in self.within(start, end)) if start < end else 0

    # The next two are asked for each account of each period of an answer: loops are four times as fast as `any`.

    def expected(self, start: datetime, end: datetime) -> bool:
        """Tell whether the account is expected in the period `[start, end)`."""
        for first, last in self.spans:  # noqa: SIM110
            if first < end and last > start:
                return True
        return False

    def throughout(self, start: datetime, end: datetime) -> bool:
        """Tell whether every hour of `[start, end)` is one of the account's."""
        for first, last in self.spans:  # noqa: SIM110
            if first <= start and end <= last:
                return True
        return False


FIELDS = ("platform", "connectedAt", "disconnectedAt", "disconnections")
"""The fields of an account that `Connection.of` reads, beside `_id`."""


def _with(spans: list[Span], first: datetime, last: datetime) -> list[Span]:
    """Add a span: it is left out if it is empty, and joined with the one before where no hour lies between them."""
    if first >= last:
        return spans
    if spans and first <= spans[-1][1]:
        return [*spans[:-1], (spans[-1][0], last)]
    return [*spans, (first, last)]


def connected_again(account: AccountDocument, at: datetime) -> list[Disconnection]:
    """Return the times in which an account was disconnected, once it is connected again at `at`."""
    before = list(account.get("disconnections", ()))
    if "disconnectedAt" not in account:
        return before
    return [*before, {"disconnectedAt": account["disconnectedAt"], "connectedAt": at}]
