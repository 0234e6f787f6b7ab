"""Reads the days of a YouTube channel through the Analytics API.

An answer ends with the last day on which all requested metrics are complete. Metrics that are complete later are
therefore requested apart from the others.

Facts: docs/platform-facts.md#youtube-analytics-api.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from metrics.catalog import offered
from metrics.documents import Reason
from pipelines.platforms.answers import items_of, values_by_day
from pipelines.platforms.errors import BadAnswer
from pipelines.platforms.numbers import ABSENT, Numbers
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.refusable import RefusableDays
from pipelines.platforms.youtube.answers import parsing_answer

GROUPS: tuple[tuple[str, ...], ...] = (
    ("accountViews", "accountEngagedViews", "accountWatchTime"),
    ("accountLikes", "accountComments", "accountShares"),
    ("newFollowers", "lostFollowers"),
)
"""Metrics that are requested together."""

NAMES = tuple(name for group in GROUPS for name in group)
"""The metrics of days."""

Ask = Callable[[Mapping[str, str]], Mapping[str, Any]]
"""Sends a request for a report with parameters; returns the body."""


class Days(RefusableDays):
    """Reads days of one channel, and adds their numbers to `found`."""

    def __init__(self, ask: Ask, channel_id: str, quarantine: Quarantine, found: Mapping[date, Numbers]) -> None:
        super().__init__(channel_id, quarantine, found)
        self._ask = ask

    def read(self) -> None:
        """Read all groups of metrics; the errors of those that could not be read are in `failures`.

        Raises:
            NeedsReauth, RateLimited: nothing more can be read.
        """
        offers = offered("youtube", "account")
        self._read_groups({name: offers[name].field for name in group} for group in GROUPS)

    def _take(self, fields: Mapping[str, str]) -> None:
        """Request some metrics of the days, and store their values.

        Raises:
            PlatformError: the request failed, or the answer has an unexpected form.
        """
        params = {
            "ids": f"channel=={self._account_id}",
            "startDate": min(self._found).isoformat(),
            "endDate": max(self._found).isoformat(),
            "dimensions": "day",
            "metrics": ",".join(fields.values()),
            "sort": "day",
        }
        body = self._ask(params)
        with parsing_answer():
            rows = rows_by_day(body, ("day", *fields.values()))
        newest = max(rows, default=None)
        for day, numbers in self._found.items():
            # Days after the newest one are not complete yet; a day between others has no row if nothing happened.
            otherwise: Reason = "not_yet_available" if newest is None or day > newest else "no_observation"
            row = rows.get(day, ABSENT)
            for name, field in fields.items():
                value = ABSENT if row is ABSENT else row[field] if isinstance(row, Mapping) else None
                numbers.take(name, value, otherwise)


def rows_by_day(body: Mapping[str, Any], columns: Sequence[str]) -> dict[date, object]:
    """Return the rows of a report by day, each with its values by column; None for a day with contradicting rows.

    Columns are found by their names, in whatever order they come.

    Raises:
        BadAnswer: it is no report, or it lacks a column.
        LookupError, TypeError, ValueError: it has an unexpected form.
    """
    if body.get("kind") != "youtubeAnalytics#resultTable":
        raise BadAnswer("YouTube's answer has an unexpected form: it is not the report that was requested")
    places = {header["name"]: place for place, header in enumerate(items_of(body["columnHeaders"]))}
    if missing := [column for column in columns if column not in places]:
        raise BadAnswer(f"YouTube's answer has an unexpected form: it lacks the column {missing[0]}")
    rows = [items_of(row) for row in items_of(body.get("rows", []))]
    if any(len(row) != len(places) for row in rows):
        raise BadAnswer("YouTube's answer has an unexpected form: a row has more or fewer values than columns")
    return values_by_day(
        (date.fromisoformat(row[places["day"]]), {column: row[places[column]] for column in columns}) for row in rows
    )
