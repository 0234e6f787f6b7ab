"""Daily rollups of accounts, written as roll-ups write them."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from metrics.catalog import DEFINITION_VERSION
from metrics.periods import DAY, midnight
from metrics.store import Store


def weekly(days: int, *, seed: int = 1, level: float = 200.0) -> list[float]:
    """Return counts with a weekly pattern and noise."""
    random = np.random.default_rng(seed)
    return [float(n) for n in random.poisson(level * (1 + 0.4 * (np.arange(days) % 7 == 2)))]


def roll_days(
    store: Store,
    account_id: str,
    last: date,
    values: Mapping[str, Sequence[float]],
    workspace_id: str = "w",
    **fields: Any,
) -> None:
    """Write a rollup for each day until `last`; the metrics' values are those of the newest days."""
    days = max(map(len, values.values()))
    rows = []
    for back in range(days):
        start = midnight(last - timedelta(days=back))
        known = {name: some[-1 - back] for name, some in values.items() if back < len(some)}
        rows.append(
            {
                "_id": f"{account_id}|daily|{start:%Y-%m-%d}", "workspaceId": workspace_id, "accountId": account_id,
                "platform": "instagram", "period": "daily", "periodStart": start, "periodEnd": start + DAY,
                "periodLabel": f"{start:%Y-%m-%d}", "calendarVersion": 0, "aggregatedMetrics": known, "unavailable": {},
                "coverage": {"expectedSlots": 24, "observedSlots": 24}, "status": "complete",
                "definitionVersion": DEFINITION_VERSION, "computedAt": start + DAY, "runId": "r", **fields,
            }
        )  # fmt: skip
    store.rollups.accounts.insert_many(rows)
