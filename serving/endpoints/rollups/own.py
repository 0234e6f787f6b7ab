"""Metrics of a workspace's own beside those of totals: read once for an answer, then evaluated for its groups."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from metrics.aggregation.comparison import change_of
from metrics.aggregation.post_parts import PostPart, Trait
from metrics.aggregation.stored_periods import DAYS_ALONE, StoredPeriods
from metrics.definitions.evaluate import Evaluation
from metrics.definitions.scope import Scope, Value
from metrics.definitions.stored import Definition
from metrics.documents import ContentType
from metrics.errors import InvalidInput
from metrics.expected import Connection, Span
from metrics.store import Store
from serving.endpoints.rollups.compared import SidesByStart, spans_of
from serving.endpoints.rollups.selection import Selection

Row = Mapping[str, Any]
"""The totals of one period, or the rollup of one account."""


MAX_ROLLED_DAYS = 6_000
"""Days of all rolling periods of an answer: they overlap, so each post is evaluated for many periods."""


def check_rolling(kind: str, spans: Sequence[Span], parameter: str) -> None:
    """Refuse more rolling periods than own metrics are evaluated over; `parameter` is the one that has the kind.

    Raises:
        InvalidInput: there are too many; the message has the bound.
    """
    days = int(kind.removeprefix("rolling-")) if kind.startswith("rolling-") else 0
    if days * len(spans) > MAX_ROLLED_DAYS:
        most = MAX_ROLLED_DAYS // days
        message = f"metrics of your own may have at most {most} periods of {kind}; give fewer days or a shorter period"
        raise InvalidInput(f"{parameter}: {message}", parameter)


class OwnMetrics:
    """The own metrics of an answer over the periods of a selection, over further spans, and over compared ones."""

    def __init__(
        self,
        store: Store,
        definitions: Mapping[str, Definition],
        selection: Selection,
        spans: Sequence[Span],
        sides: SidesByStart,
        *,
        by: Sequence[Trait] = (),
        content_type: ContentType | None = None,
    ) -> None:
        """Read what the formulas need. `by` are the labels of posts of which groups are made.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        self._sides = sides
        every = sorted({*spans, *spans_of(sides)})
        self._numbers = {span: number for number, span in enumerate(every)}
        self._of_start = {span[0]: span for span in selection.spans}
        workspace_id = selection.scope["workspaceId"]
        posts = selection.campaign.post_ids if selection.campaign else None
        scope = Scope(workspace_id, content_type=content_type, post_ids=posts, calendar=selection.calendar)
        accounts, consents = selection.accounts, selection.without_consent
        periods = StoredPeriods.read(store, workspace_id, every, accounts) if definitions and every else DAYS_ALONE
        self._found = {
            name: Evaluation(store, one.checked.form, scope, every, accounts, by, consents, periods)
            for name, one in definitions.items()
        }

    def added(
        self,
        rows: Iterable[Row],
        accounts: Sequence[Connection],
        part: PostPart | None = None,
        values: str = "metrics",
    ) -> list[dict[str, Any]]:
        """Return the totals of periods with the own metrics of these accounts, and with their comparisons.

        `part` is the part of the posts that the totals are of. `values` is the field that has the metrics of a row.
        """
        if not self._found:
            return [dict(row) for row in rows]
        return [self._with(row, accounts, part, values) for row in rows]

    def _with(self, row: Row, accounts: Sequence[Connection], part: PostPart | None, values: str) -> dict[str, Any]:
        span = (row["periodStart"], row["periodEnd"])
        if span not in self._numbers:
            # A rollup of a former calendar may end at another hour than the period that it answers for.
            span = self._of_start[row["periodStart"]]
        found = {name: self._value(name, span, accounts, part) for name in self._found}
        shown = {
            **row,
            values: row[values] | {name: one.value for name, one in found.items() if one.value is not None},
            "unavailable": row["unavailable"] | {name: one.reason for name, one in found.items() if one.reason},
            "parts": {name: one.parts.shown() for name, one in found.items() if one.parts is not None},
        }
        if "missing" in row:
            shown["missing"] = row["missing"] | {name: list(one.missing) for name, one in found.items() if one.missing}
        if "withheld" in row:
            further = [name for name, one in self._found.items() if one.left_out(accounts)]
            shown["withheld"] = {**row["withheld"], "metrics": [*row["withheld"]["metrics"], *further]}
        if "comparison" in row:
            changes = self._changes(span[0], row["comparison"], accounts, part)
            shown["comparison"] = {**row["comparison"], "changes": row["comparison"]["changes"] | changes}
        return shown

    def _changes(
        self, start: datetime, comparison: Row, accounts: Iterable[Connection], part: PostPart | None
    ) -> dict[str, dict[str, float]]:
        """Return the changes of the own metrics over the accounts that a comparison does not leave out."""
        both = self._sides.get(start)
        if both is None or both.previous is None or both.reason is not None:
            return {}
        left_out = {one["accountId"] for one in comparison["leftOut"]}
        sides = (both.current, both.previous)
        compared = [
            one for one in accounts if one.account_id not in left_out and any(one.expected(*side) for side in sides)
        ]
        found: dict[str, dict[str, float]] = {}
        for name in self._found if compared else ():
            current, previous = (_whole(self._value(name, side, compared, part)) for side in sides)
            if change := change_of(current, previous):
                found[name] = change
        return found

    def _value(self, name: str, span: Span, accounts: Iterable[Connection], part: PostPart | None) -> Value:
        of_posts = {} if part is None else {"contentType": part.content_type, "metricType": part.metric_type}
        labels: dict[str, str] = {label: value for label, value in of_posts.items() if value is not None}
        return self._found[name].value(self._numbers[span], labels, accounts)


def _whole(value: Value) -> float | None:
    """Return a value of which no account is missing: a side that lacks an account says nothing about a change."""
    return None if value.missing else value.value
