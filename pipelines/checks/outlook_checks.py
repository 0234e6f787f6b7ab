"""The check of outlooks, which is evaluated in runs of their asset: do as many posts end inside as was promised?"""

from collections.abc import Sequence
from datetime import datetime

import dagster as dg

from metrics.periods import DAY
from metrics.post_curves import FINAL_AGE, settled_after
from metrics.store import Store
from metrics.store.insights.outlooks import DueOutlooks
from pipelines.checks.forecast_checks import FEWEST, INSIDE

LAST_DAYS = 7
"""The days in which posts came to their end whose outlooks are judged."""
_NAME = "outlooks_calibrated"


def specs(asset: str) -> list[dg.AssetCheckSpec]:
    """Return the specs of the checks that a run of outlooks evaluates."""
    return [
        dg.AssetCheckSpec(
            _NAME,
            asset=asset,
            description=f"Of all outlooks of posts that became a week old in the last {LAST_DAYS} days, the 80 % "
            "interval held 76 to 86 % and the 95 % interval 91 to 98 %.",
        )
    ]


def came_due(store: Store, now: datetime) -> list[DueOutlooks]:
    """Return what became of the outlooks of posts that came to their end in the days before an instant, by day.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    return store.outlooks.due(now - settled_after(FINAL_AGE) - LAST_DAYS * DAY, LAST_DAYS)


def result(asset: str, due: Sequence[DueOutlooks]) -> dg.AssetCheckResult:
    """Evaluate the check for what came due on the last days."""
    points, wrong = sum(one["points"] for one in due), list[str]()
    metadata: dict[str, dg.MetadataValue] = {"due": dg.MetadataValue.int(points)}
    if points:
        for name, inside in (("80", [one["inside80"] for one in due]), ("95", [one["inside95"] for one in due])):
            percent = 100 * sum(inside) / points
            metadata[f"inside_{name}_percent"] = dg.MetadataValue.float(round(percent, 1))
            low, high = INSIDE[name]
            if not low <= percent <= high:
                wrong.append(f"{percent:.1f} % end inside the {name} % interval")
    few = points < FEWEST
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=_NAME,
        passed=few or not wrong,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"only {points} came due, which says nothing yet" if few else "; ".join(wrong) or None,
        metadata=metadata,
    )
