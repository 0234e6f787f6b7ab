"""Documents of anomalies, from what the detectors found in the series of an account."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import numpy as np

from metrics.anomalies import MODEL, AnomalyDocument, Evidence, Grain, HistoryPoint, anomaly_id
from metrics.expected import Connection
from metrics.periods import HOUR
from pipelines.insights.anomalies.episodes import Episode
from pipelines.insights.anomalies.smoothing import Floats

HISTORY_HOURS = 48
HISTORY_DAYS = 28
"""The values that are shown with an anomaly: those before its end."""
OPEN_FOR: Mapping[Grain, timedelta] = {"hour": timedelta(hours=12), "day": timedelta(hours=30)}
"""How long after its last hour or day an anomaly may go on: a day is judged in the morning after it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What all anomalies of one run have in common."""

    workspace_id: str
    now: datetime
    run_id: str

    def document(self, grain: Grain, first: datetime, end: datetime, **fields: object) -> AnomalyDocument:
        """Return a document with what all kinds have, and other fields."""
        is_open = self.now - end < OPEN_FOR[grain]
        common: dict[str, object] = {
            "workspaceId": self.workspace_id,
            "grain": grain,
            "from": first,
            "to": end,
            "model": MODEL,
            "status": "open" if is_open else "ended",
            "foundAt": self.now,
            "changedAt": self.now,
            "runId": self.run_id,
            **fields,
        }
        return cast("AnomalyDocument", common)

    def of_account(
        self,
        account: Connection,
        metric: str,
        grain: Grain,
        episode: Episode,
        bounds: tuple[datetime, datetime],
        history: Iterable[HistoryPoint],
    ) -> AnomalyDocument:
        """Return the document of an anomaly in a series of an account."""
        evidence: Evidence = {"history": list(history)}
        return self.document(
            grain,
            *bounds,
            _id=anomaly_id(account.account_id, metric, grain, episode.direction, bounds[0].isoformat()),
            accountId=account.account_id,
            platform=account.platform,
            scope="account",
            metric=metric,
            kind=episode.kind,
            direction=episode.direction,
            observed=episode.observed,
            expected=episode.expected,
            lo=episode.lo,
            hi=episode.hi,
            score=episode.score,
            severity=episode.severity,
            evidence=evidence,
        )


def hours_before(begin: datetime, counts: Floats, end: int) -> Iterable[HistoryPoint]:
    """Yield the known values of a series of hours in the two days before a column."""
    for column in range(max(end - HISTORY_HOURS, 0), end):
        if not np.isnan(counts[column]):
            yield {"at": begin + column * HOUR, "value": float(counts[column])}


def days_before(starts: Mapping[int, datetime], values: Floats, end: int) -> Iterable[HistoryPoint]:
    """Yield the known values of a series of days in the four weeks before a position; `starts` are by position."""
    for position in range(max(end - HISTORY_DAYS, 0), end):
        if not np.isnan(values[position]) and position in starts:
            yield {"at": starts[position], "value": float(values[position])}
