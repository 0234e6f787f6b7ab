"""What an own metric is evaluated over, and what it evaluates to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from metrics.calendars.calendar import UTC_CALENDAR, Calendar
from metrics.documents import ContentType, Platform, Reason
from metrics.expected import Connection

GroupLabel = Literal["platform", "account", "contentType", "metricType"]
Number = int | float


@dataclass(frozen=True, slots=True)
class Scope:
    """The accounts and posts of a workspace that an evaluation takes; None selects all.

    `content_type`, `post_id` and `post_ids` select posts: numbers of accounts alone are then not supported.
    `calendar` is the one by whose days the workspace is read.
    """

    workspace_id: str
    account_ids: frozenset[str] | None = None
    platform: Platform | None = None
    content_type: ContentType | None = None
    post_id: str | None = None
    post_ids: frozenset[str] | None = None
    calendar: Calendar = UTC_CALENDAR

    def takes(self, account: Connection) -> bool:
        """Tell whether an account is in the scope."""
        return (self.account_ids is None or account.account_id in self.account_ids) and (
            self.platform is None or account.platform == self.platform
        )


@dataclass(frozen=True, slots=True)
class Parts:
    """What a value was computed from, so that a client can pool values again: sums of `over` and `under`.

    `under` is None for a linear form. `measured` is the number of posts in them, or of accounts if the formula has
    numbers of accounts. A constant, as the 100 of a percentage, is not in them.
    """

    over: Number
    under: Number | None
    measured: int

    def shown(self) -> dict[str, Number]:
        """Return the parts as answers show them: `{over, under, measured}`, without `under` for a linear form."""
        under = {} if self.under is None else {"under": self.under}
        return {"over": self.over, **under, "measured": self.measured}


@dataclass(frozen=True, slots=True)
class Value:
    """The value of an own metric over one span for one group; `span` is the number of the span, counted from 0.

    Without a value, `value` and `parts` are None and `reason` says why. `missing` are the accounts that were expected
    in the span and lack a number of accounts that the formula needs; it is empty for formulas over posts alone.
    """

    span: int
    group: Mapping[str, str]
    value: Number | None = None
    parts: Parts | None = None
    reason: Reason | None = None
    missing: tuple[str, ...] = field(default=())
