"""The checks of forecasts, evaluated in runs of their assets: do as many values lie inside as was promised?"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import dagster as dg

from metrics.forecasts import DueDocument
from metrics.periods import midnight
from metrics.store import Store

LAST_DAYS = 28
"""The days whose due forecasts are judged."""
INSIDE = {"80": (76.0, 86.0), "95": (91.0, 98.0)}
"""The percentage of values that may lie inside of each interval."""
DRIFT = 1.5
"""The error of due forecasts may be this many times that of their back-tests."""
FEWEST = 200
"""Fewer pairs of a forecast and a day that came due say nothing."""
_NAMES: Mapping[str, str] = {
    "account_forecasts": "forecasts_calibrated",
    "hourly_forecasts": "hourly_forecasts_calibrated",
}


def specs(asset: str) -> list[dg.AssetCheckSpec]:
    """Return the specs of the checks that a run of forecasts evaluates."""
    return [
        dg.AssetCheckSpec(
            _NAMES[asset],
            asset=asset,
            description=f"Of all forecasts that came due in the last {LAST_DAYS} days, the 80 % interval held 76 "
            "to 86 % of the values and the 95 % interval 91 to 98 %, and errors were at most one and a half times "
            "those of the back-tests.",
        )
    ]


def result(store: Store, asset: str, now: datetime) -> dg.AssetCheckResult:
    """Evaluate the check of an asset for what came due in the 28 days before an instant.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    today = midnight(now.date())
    first = today - timedelta(days=LAST_DAYS)
    of_days = asset == "account_forecasts"
    due: DueDocument = store.forecasts.due(first, today) if of_days else store.hourly_forecasts.due(first, now)
    points, wrong = due["points"], list[str]()
    metadata: dict[str, dg.MetadataValue] = {"due": dg.MetadataValue.int(points)}
    if points:
        for name, inside in (("80", due["inside80"]), ("95", due["inside95"])):
            percent = 100 * inside / points
            metadata[f"inside_{name}_percent"] = dg.MetadataValue.float(round(percent, 1))
            low, high = INSIDE[name]
            if not low <= percent <= high:
                wrong.append(f"{percent:.1f} % lie inside the {name} % interval")
        if due["expected"] > 0:
            ratio = due["error"] / due["expected"]
            metadata["error_relative_to_back_tests"] = dg.MetadataValue.float(round(ratio, 2))
            if ratio > DRIFT:
                wrong.append(f"errors are {ratio:.1f} times those of the back-tests")
    few = points < FEWEST
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=_NAMES[asset],
        passed=few or not wrong,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"only {points} came due, which says nothing yet" if few else "; ".join(wrong) or None,
        metadata=metadata,
    )
