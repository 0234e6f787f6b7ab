"""Hourly series for tests of forecasts, as counts and as stored days of hourly nets."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from metrics.periods import HOUR
from metrics.store import Store
from metrics.store.insights.hourly_nets import nets_id


def hourly(hours: int, mean: float = 100.0, seed: int = 1) -> list[float]:
    """Return counts with a pattern of the day, weaker at weekends, from a Monday on, and Poisson noise."""
    at = np.arange(hours)
    active = 1 + 0.6 * np.sin(2 * np.pi * (at % 24) / 24) - 0.15 * (at // 24 % 7 >= 5)
    return [float(value) for value in np.random.default_rng(seed).poisson(mean * active)]


def growing(hours: int, first: float = 10_000.0, seed: int = 1) -> list[float]:
    """Return a level that grows by about two an hour."""
    return [float(value) for value in first + np.cumsum(np.random.default_rng(seed).poisson(2, hours))]


def put_hours(
    store: Store, account_id: str, end: datetime, values: Mapping[str, Sequence[float | None]], **fields: Any
) -> None:
    """Store hours of `totalEngagement` and `followers` that end at an instant, as days of hourly nets."""
    days: dict[datetime, dict[str, list[float | None]]] = {}
    for metric, of_metric in values.items():
        for back, value in enumerate(reversed(of_metric), start=1):
            at = end - back * HOUR
            day = at.replace(hour=0)
            row = days.setdefault(day, {}).setdefault(metric, [None] * 24)
            row[at.hour] = value
    documents: list[Any] = [
        {
            "_id": nets_id(account_id, day), "workspaceId": "w", "accountId": account_id, "day": day, "observed": [],
            "nets": {name: row for name, row in of_day.items() if name != "followers"},
            **({"followers": of_day["followers"]} if "followers" in of_day else {}), **fields,
        }
        for day, of_day in days.items()
    ]  # fmt: skip
    store.hourly_nets.put(documents)
